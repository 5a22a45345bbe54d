"""Keypoints and silhouettes: every part of the visual hull has a keypoint nearby, no keypoint leaves it, and edges explain the silhouettes."""

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
    places = normalised.flatten(0, 1)[:, None].clamp(-2, 2)
    samples = torch.nn.functional.grid_sample(masks.flatten(0, 1), places, align_corners=False).view(*present.shape, -1)
    missed = ((1 - samples).mean(dim=-1) * present).sum(dim=1) / present.sum(dim=1).clamp_min(1)
    return missed.mean()


def silhouette_error(
    edge_maps: Float[Tensor, "batch view height width"], masks: Float[Tensor, "batch view 1 _ _"], present: Bool[Tensor, "batch view"]
) -> Float[Tensor, ""]:
    """Mean squared difference between drawn edges and silhouettes at the maps' resolution, over the views that are present.

    Every moment counts alike, however many views it has. Edge maps above 1 count as 1: a heavy edge is no better than one that is there.
    """
    size = (edge_maps.shape[-2], edge_maps.shape[-1])
    wanted = torch.nn.functional.adaptive_avg_pool2d(masks.flatten(0, 1), size).view(edge_maps.shape)
    errors = (edge_maps.clamp(max=1) - wanted).square().mean(dim=(-2, -1))
    return ((errors * present).sum(dim=1) / present.sum(dim=1).clamp_min(1)).mean()
