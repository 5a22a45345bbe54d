"""What DANNCE learns from: squared distances of mean positions, or Gaussians around joints."""

import math

import torch
from torch import Tensor

from bkind3d.data.datasets import Moments
from bkind3d.losses.joints import AUTHORS_SIDE, heatmap_entropy, mean_of_known
from bkind3d.methods.base import Draws, LabelledObjective
from bkind3d.methods.dannce.model import DannceModel
from bkind3d.methods.dannce.settings import DannceExperiment
from bkind3d.networks.cube import Cube


def turn_by_quarters(turns: Tensor) -> Tensor:
    """The nearest of 0, 90, 180 and 270 degrees (radians)."""
    return torch.round(turns / (math.pi / 2)) * (math.pi / 2)


class DannceObjective(LabelledObjective):
    """The terms of either head, in cubes that are turned, by quarters alone where the settings say so."""

    config: DannceExperiment

    def forward(self, model: DannceModel, moments: Moments, draws: Draws, progress: float) -> tuple[dict[str, Tensor], Tensor]:
        """Give the terms."""
        views, losses = moments.views, self.config.losses
        turns = turn_by_quarters(draws.turns) if self.config.training.quarter_turns else draws.turns
        cube = Cube.around(views, model.config.volume_size, moments.headings + turns, draws.shifts)
        logits = model.find_logits(views, cube)
        nearest, inside = cube.find_nearest(moments.joints)
        if model.config.head == "peak":
            positions = cube.to_world(cube.voxel_centres[logits.argmax(dim=-1)])
            return {"heatmap": self.compare_heatmaps(logits, moments, cube)}, positions
        heatmaps = logits.softmax(dim=-1)
        positions = cube.estimate(heatmaps).positions
        known = torch.isfinite(moments.joints)
        apart = AUTHORS_SIDE * (positions - torch.where(known, moments.joints, 0.0)) / views.sides[:, None, None]
        terms = {"distance": mean_of_known(apart.square(), known)}
        if losses.heatmap:
            terms["heatmap"] = losses.heatmap * heatmap_entropy(heatmaps, nearest, inside)
        return terms, positions

    def compare_heatmaps(self, logits: Tensor, moments: Moments, cube: Cube) -> Tensor:
        """Mean squared difference of sigmoids from Gaussians around the true joints; joints that are not known have no say."""
        known = torch.isfinite(moments.joints).all(dim=-1, keepdim=True)
        places = cube.from_world(torch.where(known, moments.joints, 0.0))
        apart = torch.cdist(places, cube.voxel_centres.expand(len(places), -1, -1))
        targets = torch.exp(-apart.square() / (2 * self.config.losses.target_width**2))
        return mean_of_known((logits.sigmoid() - targets).square(), known.expand_as(targets))
