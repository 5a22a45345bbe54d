"""Cubes of voxels around subjects, and logits of joints in them: what volumetric methods for joints share."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from bkind3d.data.datasets import Views
from bkind3d.geometry.projection import compute_precisely
from bkind3d.geometry.voxels import cube_to_world, expected_positions, make_orientations, make_voxel_centres
from bkind3d.networks.detector import Estimate


@dataclass(frozen=True)
class Cube:
    """A cube of voxels around the subject of every moment.

    Attributes
    ----------
    size : voxels along a side.
    centres, sides : world units.
    orientations : orthogonal; cube to world.
    """

    size: int
    centres: Float[Tensor, "batch 3"]
    sides: Float[Tensor, "batch"]
    orientations: Float[Tensor, "batch 3 3"]

    @classmethod
    def around(cls, views: Views, size: int, turns: Float[Tensor, "batch"], shifts: Float[Tensor, "batch 3"] | None = None) -> "Cube":
        """Put cubes where the subjects were located, turned by `turns` (radians) about the vertical, shifted by shares of their sides."""
        centres = views.centres if shifts is None else views.centres + shifts * views.sides[:, None]
        return cls(size, centres, views.sides, make_orientations(turns, torch.zeros_like(turns, dtype=torch.bool)))

    @property
    def voxel_centres(self) -> Float[Tensor, "voxel 3"]:
        """Cube coordinates of the voxels' centres."""
        return make_voxel_centres(self.size).to(self.centres.device)

    @property
    def voxels(self) -> Float[Tensor, "batch voxel 3"]:
        """World positions of the voxels' centres."""
        return self.to_world(self.voxel_centres[None])

    def to_world(self, points: Float[Tensor, "#batch point 3"]) -> Float[Tensor, "batch point 3"]:
        """Place cube coordinates in the world."""
        return cube_to_world(points, self.centres, self.sides, self.orientations)

    def from_world(self, points: Float[Tensor, "batch point 3"]) -> Float[Tensor, "batch point 3"]:
        """Give the cube coordinates of points of the world."""
        with compute_precisely(points.device):
            return torch.einsum("bij,bpi->bpj", self.orientations, points - self.centres[:, None]) / self.sides[:, None, None]

    def find_nearest(self, points: Float[Tensor, "batch point 3"]) -> tuple[Int[Tensor, "batch point"], Bool[Tensor, "batch point"]]:
        """The voxel that each point of the world lies in, and whether it lies in the cube at all; a point that is not known does not."""
        places = self.from_world(points)
        inside = (places.abs() < 0.5).all(dim=-1)
        steps = ((torch.where(inside[..., None], places, 0.0) + 0.5) * self.size).long().clamp(0, self.size - 1)
        return (steps[..., 0] * self.size + steps[..., 1]) * self.size + steps[..., 2], inside

    def estimate(self, heatmaps: Float[Tensor, "batch joint voxel"], at_peaks: bool = False) -> Estimate:
        """Give the mean positions under heatmaps that sum to one, or those of their peaks."""
        centres = self.voxel_centres
        means, spreads = expected_positions(heatmaps, centres)
        points = centres[heatmaps.argmax(dim=-1)] if at_peaks else means
        near = torch.cdist(points, centres.expand(len(points), -1, -1)) < 0.1
        return Estimate(self.to_world(points), spreads * self.sides[:, None], (heatmaps * near).sum(dim=-1))
