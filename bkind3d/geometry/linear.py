"""Cameras near a point: their linear parts (weak perspective), and triangulation by weighted least squares in batches."""

import torch
from jaxtyping import Float
from torch import Tensor

from bkind3d.geometry.projection import project_points


def linearise(
    projections: Float[Tensor, "batch view 3 4"], points: Float[Tensor, "batch 3"]
) -> tuple[Float[Tensor, "batch view 2"], Float[Tensor, "batch view 2 3"]]:
    """Give where each view shows a point of the world (pixels), and how its pixels move with it (pixels to a unit of length)."""
    pixels, depths = project_points(points[:, None], projections)
    safe = torch.where(depths.abs() < 1e-9, torch.full_like(depths, 1e-9), depths)
    moves = (projections[..., :2, :3] - pixels[:, :, 0, :, None] * projections[..., 2:, :3]) / safe[..., None]
    return pixels[:, :, 0], moves


def triangulate_weighted(
    places: Float[Tensor, "batch view point 2"],
    projections: Float[Tensor, "batch view 3 4"],
    image_size: tuple[int, int],
    weights: Float[Tensor, "batch view point"],
    centres: Float[Tensor, "batch 3"],
    sides: Float[Tensor, "batch"],
) -> Float[Tensor, "batch point 3"]:
    """Find the points of the world that fit their places in the views: the direct linear transform, each view's equations weighted.

    Solved in the coordinates of the cube, where no point is at infinity: its fourth coordinate is 1 in place of the vector's norm.

    Parameters
    ----------
    places : normalised coordinates.
    projections, image_size : world to pixels, of pictures of this size (width, height).
    weights : not negative; 0 leaves a view out.
    centres, sides : of the cubes, world units.
    """
    width, height = image_size
    scale = projections.new_tensor([[2 / width, 0, 1 / width - 1], [0, 2 / height, 1 / height - 1], [0, 0, 1]])
    local = scale @ projections  # cube coordinates to normalised ones
    offset = (local[..., :3] @ centres[:, None, :, None]) + local[..., 3:]
    depth = torch.where(offset[..., 2:, :].abs() < 1e-9, torch.ones_like(offset[..., 2:, :]), offset[..., 2:, :])
    local = torch.cat([local[..., :3] * sides[:, None, None, None], offset], dim=-1) / depth
    rows = places[..., None] * local[:, :, None, 2:] - local[:, :, None, :2]
    rows = (weights[..., None, None] * rows).permute(0, 2, 1, 3, 4).flatten(2, 3)
    left, right = rows[..., :3], -rows[..., 3:]
    normal = left.mT @ left + 1e-8 * torch.eye(3, dtype=left.dtype, device=left.device)
    found = torch.linalg.solve(normal, left.mT @ right)[..., 0]
    return centres[:, None] + sides[:, None, None] * found
