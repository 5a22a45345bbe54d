"""A method in one file: every keypoint is the mean of the part of the visual hull that is near its anchor in the cube."""

from typing import ClassVar

import torch
from pydantic import Field
from torch import nn

from bkind3d.config import ExperimentConfig, MethodDescription, ModelConfig
from bkind3d.geometry.voxels import carve_hull, cube_to_world, expected_positions, make_orientations, make_voxel_centres, sample_views
from bkind3d.losses.keypoints import outside, separation
from bkind3d.methods.base import Model, Objective
from bkind3d.networks.detector import Estimate


class ToyModelConfig(ModelConfig):
    """The toy's network."""

    n_keypoints: int = Field(4, ge=2, description="Number of keypoints.")

    @property
    def keypoint_names(self):
        return [f"k{index:02d}" for index in range(self.n_keypoints)]


class ToyExperiment(ExperimentConfig):
    """Keypoints that follow the hull near their anchors."""

    description: ClassVar = MethodDescription("toy", "a toy", "discovered", "none", "toy_method:ToyModel", "toy_method:ToyObjective")
    model: ToyModelConfig = ToyModelConfig()


class ToyModel(Model):
    def __init__(self, config, names=(), load=True):
        super().__init__(config, names)
        self.anchors = nn.Parameter(0.2 * torch.randn(config.n_keypoints, 3))
        self.register_buffer("voxels", make_voxel_centres(12), persistent=False)

    def forward(self, views, turns):
        orientations = make_orientations(turns, torch.zeros_like(turns, dtype=torch.bool))
        places = cube_to_world(self.voxels[None], views.centres, views.sides, orientations)
        silhouettes, visible = sample_views(views.masks, views.projections, views.image_size, views.present, places)
        near = torch.cdist(self.anchors, self.voxels).square() / -0.02
        heatmaps = (carve_hull(silhouettes[:, :, 0], visible).log()[:, None] + near).softmax(dim=-1)
        means, spreads = expected_positions(heatmaps, self.voxels)
        positions = cube_to_world(means, views.centres, views.sides, orientations)
        return Estimate(positions, spreads * views.sides[:, None], heatmaps.amax(dim=-1))


class ToyObjective(Objective):
    def forward(self, model, moments, draws, progress):
        views, sides = moments.views, moments.views.sides[:, None, None]
        positions = model(views, moments.headings + draws.turns).positions
        missed = outside(positions, views.masks, views.projections, views.present)
        return {"inside": missed, "separation": separation(positions / sides, 0.1)}, positions
