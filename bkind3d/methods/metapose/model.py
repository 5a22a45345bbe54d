"""MetaPose: two detectors, mixtures of their heatmaps, a start, and networks that refine poses and cameras together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from bkind3d.data.datasets import Views
from bkind3d.geometry.linear import linearise, triangulate_weighted
from bkind3d.geometry.projection import compute_precisely, normalise_pixels
from bkind3d.methods.base import Model
from bkind3d.methods.metapose.cameras import Cameras, make_rotations, start_without_cameras
from bkind3d.methods.metapose.mixtures import Mixtures, fit_mixtures
from bkind3d.methods.metapose.network import Stage
from bkind3d.methods.metapose.refinement import refine
from bkind3d.methods.metapose.settings import MetaposeModelConfig
from bkind3d.networks.detector import Estimate
from bkind3d.networks.heatmaps import HeatmapEncoder


class Detector(nn.Module):
    """Heatmaps of joints in pictures."""

    def __init__(self, config: MetaposeModelConfig, n_joints: int, load: bool) -> None:
        super().__init__()
        self.encoder = HeatmapEncoder(config, load)
        self.head = nn.Conv2d(self.encoder.channels, n_joints, 1)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(cast(Tensor, self.head.bias))

    def forward(self, images: Float[Tensor, "image 3 height width"]) -> Float[Tensor, "image joint _ _"]:
        """Give heatmaps, about 1 at joints and 0 elsewhere."""
        heatmaps: Tensor = self.head(self.encoder(images)[0])
        return heatmaps.float()


@dataclass(frozen=True)
class Scene:
    """Poses and cameras of a batch of moments, in coordinates of their own (which `start` says of the model)."""

    poses: Float[Tensor, "batch joint 3"]
    cameras: Cameras


class MetaposeModel(Model):
    """Detectors of two halves of the labels, and the stages that refine what is made of their heatmaps."""

    config: MetaposeModelConfig
    shape: Tensor

    def __init__(self, config: MetaposeModelConfig, names: Sequence[str] = (), load: bool = True) -> None:
        super().__init__(config, names)
        self.detectors = nn.ModuleList(Detector(config, len(self.names), load) for _ in range(2))
        self.stages = nn.ModuleList(Stage(len(self.names), config.width) for _ in range(config.stages))
        # The mean shape of the training poses, which tells a pose from its mirror image.
        self.register_buffer("shape", torch.zeros(len(self.names), 3))

    def forward(self, views: Views, turns: Float[Tensor, "batch"]) -> Estimate:
        """Find the joints; there is no cube to turn. What was found is placed in the world by the first camera."""
        images = views.images.flatten(0, 1)
        heatmaps = torch.stack([detector(images) for detector in self.detectors]).mean(dim=0)
        heatmaps = torch.unflatten(heatmaps, 0, views.present.shape)
        with compute_precisely(heatmaps.device):
            mixtures = fit_mixtures(heatmaps)
            scene = self.refine(self.start(mixtures, views), mixtures, views.present)
            peaks = heatmaps.flatten(-2).amax(dim=-1).clamp(0, 1)
            present = views.present[..., None].float()
            confidences = (peaks * present).sum(dim=1) / present.sum(dim=1)
            sizes = (mixtures.weights * mixtures.variances).sum(dim=-1).sqrt()
            _, known = self.find_cameras(views)
            lengths = sizes / torch.nn.functional.softplus(known.scales)[..., None] * views.sides[:, None, None]
            spreads = (lengths * present).sum(dim=1) / present.sum(dim=1)
            return Estimate(self.place(scene, views), spreads, confidences)

    def start(self, mixtures: Mixtures, views: Views) -> Scene:
        """Where poses and cameras start; no gradient goes there."""
        with torch.no_grad():
            if self.config.start == "factorisation":
                return Scene(*start_without_cameras(mixtures.places, views.present, self.shape))
            weights = views.present[..., None] / (mixtures.weights * mixtures.variances).sum(dim=-1).sqrt()
            weights = weights / weights.sum(dim=1, keepdim=True)
            found = triangulate_weighted(mixtures.places, views.projections, views.image_size, weights, views.centres, views.sides)
            _, cameras = self.find_cameras(views)
            return Scene((found - views.centres[:, None]) / views.sides[:, None, None], cameras)

    def find_cameras(self, views: Views) -> tuple[Float[Tensor, "batch view 2"], Cameras]:
        """The known cameras near the subject, for poses in shares of the cube's side around its centre, and where they show that centre."""
        pixels, moves = linearise(views.projections, views.centres)
        places = normalise_pixels(pixels, *views.image_size)
        axes = moves * 2 / views.image_size[0] * views.sides[:, None, None, None]
        there = views.present[..., None, None]
        rotations = torch.where(there, make_rotations(axes), torch.eye(3, device=axes.device))
        scales = torch.where(views.present, axes.norm(dim=-1).mean(dim=-1), 1.0).clamp_min(1e-3)
        places = torch.where(views.present[..., None], places, 0.0)
        return places, Cameras.of(rotations, scales, places)

    def refine(self, scene: Scene, mixtures: Mixtures, present: Bool[Tensor, "batch view"]) -> Scene:
        """Refine as the settings say."""
        if self.config.refinement == "iterative":
            return Scene(*refine(scene.poses, scene.cameras, mixtures, present, self.config.iterations))
        for number in range(self.config.stages if self.config.refinement == "network" else 0):
            scene = self.take_stage(number, scene, mixtures, present)
        return scene

    def take_stage(self, number: int, scene: Scene, mixtures: Mixtures, present: Bool[Tensor, "batch view"]) -> Scene:
        """Let one stage add its steps."""
        places = scene.cameras.project(scene.poses)
        losses = mixtures.measure(places)
        inputs = [scene.poses.flatten(1)[:, None].expand(-1, present.shape[1], -1), scene.cameras.flatten()]
        inputs += [mixtures.flatten().flatten(2), places.flatten(2), losses, losses.mean(dim=-1, keepdim=True)]
        inputs.append(torch.full_like(losses[..., :1], number / len(self.stages)))
        joined = torch.where(present[..., None], torch.cat(inputs, dim=-1), 0.0)
        steps, moves = self.stages[number](joined, present)
        return Scene(scene.poses + steps.float(), scene.cameras.move(moves.float()))

    def place(self, scene: Scene, views: Views) -> Float[Tensor, "batch joint 3"]:
        """Put poses into the world: as their first camera that is there sees them, so the known first camera does."""
        _, known = self.find_cameras(views)
        rows = torch.arange(len(views.centres), device=views.centres.device)
        first = views.present.long().argmax(dim=1)
        own, true = scene.cameras, known
        softplus = torch.nn.functional.softplus
        scale = (softplus(own.scales) / softplus(true.scales))[rows, first]
        seen = scene.poses @ own.rotations[rows, first] * scale[:, None, None]
        shift = (own.shifts - true.shifts)[rows, first] / softplus(true.scales)[rows, first][:, None]
        seen = seen - seen[..., 2:].mean(dim=1, keepdim=True) * seen.new_tensor([0.0, 0.0, 1.0])
        seen = seen + torch.cat([shift[:, :2], torch.zeros_like(shift[:, :1])], dim=-1)[:, None]
        return views.centres[:, None] + views.sides[:, None, None] * (seen @ true.rotations[rows, first].mT)

    @property
    def encoder_revision(self) -> str:
        """Of the detectors' image encoder."""
        return self.detectors[0].encoder.revision  # type: ignore[union-attr, return-value]
