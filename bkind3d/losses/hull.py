"""Keypoints and the visual hull: every part of the body has a keypoint nearby, and no keypoint leaves the body."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from bkind3d.geometry.projection import normalise_pixels, project_points


def coverage(
    points: Float[Tensor, "batch keypoint 3"],
    voxels: Float[Tensor, "batch voxel 3"],
    hull: Float[Tensor, "batch voxel"],
    threshold: float = 0.5,
) -> Float[Tensor, ""]:
    """Mean squared distance from the voxels of the hull to their nearest keypoint: the objective of k-means on the body.

    Parameters
    ----------
    points, voxels : shares of the cube's side, in one frame of reference.
    hull : occupancy in [0, 1]; voxels above `threshold` belong to the body.
    """
    inside = (hull > threshold).float()
    with torch.no_grad():
        nearest = torch.cdist(voxels, points).argmin(dim=-1, keepdim=True)
    chosen = torch.gather(points, 1, nearest.expand(-1, -1, 3))
    distances2 = (voxels - chosen).square().sum(dim=-1)
    return ((distances2 * inside).sum(dim=1) / inside.sum(dim=1).clamp_min(1)).mean()


def outside(
    points: Float[Tensor, "batch keypoint 3"],
    masks: Float[Tensor, "batch view 1 height width"],
    projections: Float[Tensor, "batch view 3 4"],
    present: Bool[Tensor, "batch view"],
) -> Float[Tensor, ""]:
    """Share of the keypoints' projections that miss the silhouettes (sampled bilinearly); every moment counts alike.

    Parameters
    ----------
    points : world units.
    masks : silhouettes in [0, 1].
    projections : world to pixels of the masks.
    present : views that exist.
    """
    pixels, _ = project_points(points, projections)
    normalised = normalise_pixels(pixels, masks.shape[-1], masks.shape[-2])
    samples = torch.nn.functional.grid_sample(
        masks.flatten(0, 1), normalised.flatten(0, 1)[:, None].clamp(-2, 2), padding_mode="zeros", align_corners=False
    ).view(*present.shape, -1)
    missed = ((1 - samples).mean(dim=-1) * present).sum(dim=1) / present.sum(dim=1).clamp_min(1)
    return missed.mean()
