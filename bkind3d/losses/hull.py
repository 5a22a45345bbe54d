"""Keypoints and the visual hull: every part of the body has a keypoint nearby, and no keypoint leaves the body."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from bkind3d.geometry.projection import normalise_pixels, project_points


def coverage(
    positions: Float[Tensor, "batch keypoint 3"],
    hull: Float[Tensor, "batch voxel"],
    voxels: Float[Tensor, "batch voxel 3"],
    sides: Float[Tensor, "batch"],
    threshold: float = 0.5,
) -> Float[Tensor, ""]:
    """Mean squared distance from the voxels of the hull to their nearest keypoint, in shares of the cube's side.

    This is the objective of k-means on the body's volume.
    """
    inside = (hull > threshold).float()
    distances = torch.cdist(voxels / sides[:, None, None], positions / sides[:, None, None]).square().amin(dim=-1)
    return ((distances * inside).sum(dim=1) / inside.sum(dim=1).clamp_min(1)).mean()


def outside(
    positions: Float[Tensor, "batch keypoint 3"],
    masks: Float[Tensor, "batch view 1 height width"],
    projections: Float[Tensor, "batch view 3 4"],
    present: Bool[Tensor, "batch view"],
) -> Float[Tensor, ""]:
    """Share of the keypoints' projections that miss the silhouettes (sampled bilinearly)."""
    pixels, _ = project_points(positions, projections)
    normalised = normalise_pixels(pixels, masks.shape[-1], masks.shape[-2])
    samples = torch.nn.functional.grid_sample(
        masks.flatten(0, 1), normalised.flatten(0, 1)[:, None].clamp(-2, 2), padding_mode="zeros", align_corners=False
    ).view(*present.shape, -1)
    return ((1 - samples) * present[..., None]).sum() / (present.sum() * positions.shape[1]).clamp_min(1)
