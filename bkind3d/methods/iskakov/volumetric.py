"""Volumetric triangulation: features of all views in a cube, fused by a softmax over views, and a volume network that finds joints there."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bkind3d.config import TrainingConfig
from bkind3d.data.datasets import Moments, Views
from bkind3d.geometry.voxels import fuse_views, sample_views
from bkind3d.losses.joints import coordinate_distance, heatmap_entropy
from bkind3d.methods.base import Draws, LabelledObjective, Model
from bkind3d.methods.iskakov.settings import VolumetricExperiment, VolumetricModelConfig, VolumetricTrainingConfig
from bkind3d.networks.cube import Cube
from bkind3d.networks.detector import Estimate, run_economically
from bkind3d.networks.heatmaps import HeatmapEncoder
from bkind3d.networks.v2v import V2VNetwork


class VolumetricModel(Model):
    """Features, a cube, a volume network, and the mean position under its softmax."""

    config: VolumetricModelConfig

    def __init__(self, config: VolumetricModelConfig, names: Sequence[str] = (), load: bool = True) -> None:
        super().__init__(config, names)
        self.encoder = HeatmapEncoder(config, load)
        self.reduce = nn.Conv2d(self.encoder.channels, config.feature_channels, 1)
        self.volume_network = V2VNetwork(
            config.feature_channels, len(self.names), config.volume_channels, config.volume_levels, config.front_kernel
        )
        self.economical = False

    def forward(self, views: Views, turns: Float[Tensor, "batch"]) -> Estimate:
        """Find the joints in cubes that are turned by `turns`."""
        cube = Cube.around(views, self.config.volume_size, turns)
        return cube.estimate(self.find_logits(views, cube).softmax(dim=-1))

    def find_logits(self, views: Views, cube: Cube) -> Float[Tensor, "batch joint voxel"]:
        """Give a logit for every joint and voxel."""
        features = run_economically(self.encode, views.images.flatten(0, 1), economical=self.economical)
        features = torch.unflatten(features, 0, views.present.shape).float()
        volume = fuse_views(*sample_views(features, views.projections, views.image_size, views.present, cube.voxels))
        volume = volume.view(*volume.shape[:2], *(cube.size,) * 3)
        logits: Tensor = run_economically(self.volume_network, volume, economical=self.economical)
        return logits.flatten(2).float()

    def encode(self, images: Float[Tensor, "image 3 height width"]) -> Tensor:
        """Give the features that are un-projected."""
        features: Tensor = self.reduce(self.encoder(images)[0])
        return features

    def group_parameters(self, settings: TrainingConfig) -> list[dict[str, Any]]:
        """The encoder learns more slowly."""
        assert isinstance(settings, VolumetricTrainingConfig)
        own = {id(parameter) for parameter in self.encoder.encoder.parameters()}
        rest = [parameter for parameter in self.parameters() if id(parameter) not in own]
        rate = settings.learning_rate * settings.encoder_learning_rate_factor
        return [{"params": rest}, {"params": list(self.encoder.encoder.parameters()), "lr": rate}]

    def keep_less(self) -> None:
        """Compute both networks twice."""
        self.economical = True

    @property
    def encoder_revision(self) -> str:
        """Of the image encoder."""
        return self.encoder.revision


class VolumetricObjective(LabelledObjective):
    """The distance of every coordinate in centimetres of the authors' cube, and the cross entropy at the true voxel."""

    config: VolumetricExperiment

    def forward(self, model: VolumetricModel, moments: Moments, draws: Draws, progress: float) -> tuple[dict[str, Tensor], Tensor]:
        """Give both terms, in cubes that are turned at random."""
        views = moments.views
        cube = Cube.around(views, model.config.volume_size, moments.headings + draws.turns, draws.shifts)
        heatmaps = model.find_logits(views, cube).softmax(dim=-1)
        positions = cube.estimate(heatmaps).positions
        terms = {"distance": coordinate_distance(positions, moments.joints, views.sides)}
        if self.config.losses.heatmap:
            nearest, inside = cube.find_nearest(moments.joints)
            terms["heatmap"] = self.config.losses.heatmap * heatmap_entropy(heatmaps, nearest, inside)
        return terms, positions
