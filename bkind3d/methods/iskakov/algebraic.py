"""Algebraic triangulation: a place and a confidence for every joint and view, and the point that fits the confident views best."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bkind3d.data.datasets import Moments, Views
from bkind3d.geometry.linear import linearise, triangulate_weighted
from bkind3d.geometry.projection import compute_precisely, normalise_pixels, project_points
from bkind3d.losses.joints import AUTHORS_SIDE, mean_of_known, saturated_square
from bkind3d.methods.base import Draws, LabelledObjective, Model
from bkind3d.methods.iskakov.settings import AlgebraicExperiment, AlgebraicModelConfig
from bkind3d.networks.detector import Estimate
from bkind3d.networks.heatmaps import HeatmapEncoder, expect_points
from bkind3d.networks.volume_network import normalisation

#: Coordinates farther from the truth than this lose their say: 400 square centimetres of the authors' cube.
FAR = 20.0

#: A confidence is at least this.
_LEAST = 1e-5


class AlgebraicModel(Model):
    """Heatmaps, confidences, and weighted triangulation."""

    config: AlgebraicModelConfig

    def __init__(self, config: AlgebraicModelConfig, names: Sequence[str] = (), load: bool = True) -> None:
        super().__init__(config, names)
        self.encoder = HeatmapEncoder(config, load)
        width, n_joints = self.encoder.channels, len(self.names)
        self.heatmaps = nn.Conv2d(width, n_joints, 1)
        self.confidences = nn.Sequential(
            nn.Conv2d(self.encoder.deepest, 2 * width, 3, padding=1),
            normalisation(2 * width),
            nn.ReLU(inplace=True),
            nn.Conv2d(2 * width, width, 3, padding=1),
            normalisation(width),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(width, 2 * width),
            nn.ReLU(inplace=True),
            nn.Linear(2 * width, n_joints),
            nn.Sigmoid(),
        )

    def forward(self, views: Views, turns: Float[Tensor, "batch"]) -> Estimate:
        """Find the joints; there is no cube to turn."""
        places, spreads, confidences = self.look(views)
        positions = self.triangulate(views, places, confidences)
        _, jacobians = linearise(views.projections, views.centres)
        scales = jacobians.square().sum(dim=(-2, -1)).div(2).sqrt().clamp_min(1e-9)  # pixels to a unit of length
        lengths = spreads * views.image_size[0] / 2 / scales[..., None]
        shares = self.share_out(views, confidences)
        return Estimate(positions, (shares * lengths).sum(dim=1), (shares * confidences).sum(dim=1))

    def look(
        self, views: Views
    ) -> tuple[Float[Tensor, "batch view joint 2"], Float[Tensor, "batch view joint"], Float[Tensor, "batch view joint"]]:
        """Places (normalised coordinates), their spreads, and confidences (0 to 1) of the joints in every view."""
        features, deepest = self.encoder(views.images.flatten(0, 1))
        places, spreads = expect_points(self.heatmaps(features).float(), self.config.sharpness)
        confidences = self.confidences(deepest).float() + _LEAST
        found = (places, spreads, confidences)
        places, spreads, confidences = (torch.unflatten(value, 0, views.present.shape) for value in found)
        return places, spreads, confidences

    def share_out(self, views: Views, confidences: Float[Tensor, "batch view joint"]) -> Float[Tensor, "batch view joint"]:
        """Confidences as shares of those of all views that are there."""
        seen = confidences * views.present[..., None]
        return seen / seen.sum(dim=1, keepdim=True)

    def triangulate(
        self, views: Views, places: Float[Tensor, "batch view joint 2"], confidences: Float[Tensor, "batch view joint"]
    ) -> Float[Tensor, "batch joint 3"]:
        """Find the points of the world that fit the places."""
        with compute_precisely(places.device):
            shares = self.share_out(views, confidences)
            return triangulate_weighted(places, views.projections, views.image_size, shares, views.centres, views.sides)


class AlgebraicObjective(LabelledObjective):
    """The squared distance of every coordinate, saturated far from the truth; on request the distance in the pictures."""

    config: AlgebraicExperiment

    def forward(self, model: AlgebraicModel, moments: Moments, draws: Draws, progress: float) -> tuple[dict[str, Tensor], Tensor]:
        """Give the terms."""
        views = moments.views
        places, _, confidences = model.look(views)
        positions = model.triangulate(views, places, confidences)
        apart = AUTHORS_SIDE * (positions - moments.joints) / views.sides[:, None, None]
        terms = {"distance": mean_of_known(saturated_square(apart, FAR), torch.isfinite(moments.joints))}
        if self.config.losses.pixels:
            pixels, _ = project_points(torch.nan_to_num(moments.joints), views.projections)
            apart = (places - normalise_pixels(pixels, *views.image_size)).norm(dim=-1)
            known = torch.isfinite(moments.joints).all(dim=-1)[:, None] & views.present[..., None]
            terms["pixels"] = self.config.losses.pixels * mean_of_known(apart, known)
        return terms, positions
