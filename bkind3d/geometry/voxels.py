"""Cubes of voxels in the world: where they are, what the views show there, and the expected position of a heatmap.

A cube has a centre and a side in world units and an orientation: an orthogonal 3x3 matrix that may be a turn about the
vertical axis and may mirror. *Cube coordinates* run from -0.5 to 0.5 along each side; voxel (i, j, k) is x, y, z in order.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from bkind3d.geometry.projection import compute_precisely, is_visible, normalise_projections, project_points


def make_voxel_centres(size: int) -> Float[Tensor, "voxel 3"]:
    """Cube coordinates of the centres of ``size ** 3`` voxels, x slowest, z fastest."""
    steps = (torch.arange(size, dtype=torch.float32) + 0.5) / size - 0.5
    return torch.stack(torch.meshgrid(steps, steps, steps, indexing="ij"), dim=-1).reshape(-1, 3)


def make_orientations(angles: Float[Tensor, "batch"], mirrored: Bool[Tensor, "batch"]) -> Float[Tensor, "batch 3 3"]:
    """Turn by `angles` (radians) about the vertical axis; where `mirrored`, the cube's y axis (left and right) is reflected first."""
    cos, sin, zero, one = angles.cos(), angles.sin(), torch.zeros_like(angles), torch.ones_like(angles)
    sign = torch.where(mirrored, -one, one)
    rows = [torch.stack([cos, -sign * sin, zero], -1), torch.stack([sin, sign * cos, zero], -1), torch.stack([zero, zero, one], -1)]
    return torch.stack(rows, dim=-2)


def cube_to_world(
    points: Float[Tensor, "#batch point 3"],
    centres: Float[Tensor, "batch 3"],
    sides: Float[Tensor, "batch"],
    orientations: Float[Tensor, "batch 3 3"],
) -> Float[Tensor, "batch point 3"]:
    """Place points given in cube coordinates in the world."""
    with compute_precisely(points.device):
        return centres[:, None] + sides[:, None, None] * torch.einsum("bij,bpj->bpi", orientations, points.expand(len(centres), -1, -1))


def view_cubes(
    projections: Float[Tensor, "batch view 3 4"],
    centres: Float[Tensor, "batch 3"],
    sides: Float[Tensor, "batch"],
    orientations: Float[Tensor, "batch 3 3"],
) -> Float[Tensor, "batch view 3 4"]:
    """Turn projections of the world into projections of cube coordinates, so that voxels need no place in the world to be seen."""
    with compute_precisely(projections.device):
        blocks, turned = projections[..., :3].double(), orientations[:, None].double()
        axes = sides[:, None, None, None] * (blocks @ turned)
        return torch.cat([axes, blocks @ centres[:, None, :, None].double() + projections[..., 3:]], dim=-1).to(projections.dtype)


def look_up_views(
    features: Float[Tensor, "batch view channel height width"],
    projections: Float[Tensor, "batch view 3 4"],
    image_size: tuple[int, int],
    present: Bool[Tensor, "batch view"],
    points: Float[Tensor, "#batch point 3"],
    mode: str = "bilinear",
) -> tuple[Float[Tensor, "batch view channel point"], Bool[Tensor, "batch view point"]]:
    """Look up every view's features at the projections of world points, bilinearly or (mode ``nearest``) in the nearest cell.

    Parameters
    ----------
    features : maps that span the same images as `projections` do, at any resolution.
    projections : world to pixels of images of `image_size`.
    image_size : (width, height) of those images.
    present : views that exist.
    points : world units, or cube coordinates where projections start from these (:func:`view_cubes`).

    Returns
    -------
    samples : whatever is nearest where a point is not visible.
    visible : the point lies in front of the camera and inside the image.
    """
    batch, view, channel = features.shape[:3]
    normalised, depths = project_points(points, normalise_projections(projections, *image_size))
    visible = is_visible(normalised, depths, present)
    samples = F.grid_sample(features.flatten(0, 1), normalised.flatten(0, 1)[:, None], mode, padding_mode="border", align_corners=False)
    return samples.view(batch, view, channel, -1), visible


def sample_views(
    features: Float[Tensor, "batch view channel height width"],
    projections: Float[Tensor, "batch view 3 4"],
    image_size: tuple[int, int],
    present: Bool[Tensor, "batch view"],
    points: Float[Tensor, "#batch point 3"],
    mode: str = "bilinear",
) -> tuple[Float[Tensor, "batch view channel point"], Bool[Tensor, "batch view point"]]:
    """As :func:`look_up_views`, but samples are zero where a point is not visible."""
    samples, visible = look_up_views(features, projections, image_size, present, points, mode)
    return samples.mul_(visible[:, :, None]), visible


def fuse_views(
    samples: Float[Tensor, "batch view channel point"], visible: Bool[Tensor, "batch view point"]
) -> Float[Tensor, "batch channel point"]:
    """Fuse views with a softmax over views of the samples themselves (paper, section 3.2); unseen points give zero."""
    logits = samples.masked_fill(~visible[:, :, None], torch.finfo(samples.dtype).min)
    return (logits.softmax(dim=1) * samples).sum(dim=1)


def average_views(
    samples: Float[Tensor, "batch view channel point"], weights: Float[Tensor, "batch view point"]
) -> Float[Tensor, "batch channel point"]:
    """Average views with given weights; points without any weight give zero."""
    total = weights.sum(dim=1).clamp_min(1e-6)
    return (samples * weights[:, :, None]).sum(dim=1) / total[:, None]


def carve_hull(
    silhouettes: Float[Tensor, "batch view point"], visible: Bool[Tensor, "batch view point"], softness: float = 0.15
) -> Float[Tensor, "batch point"]:
    """Occupancy of the visual hull, more than 0: product over views of ``softness + (1 - softness) * silhouette``.

    A view that does not see a point says nothing about it; `softness` keeps one wrong silhouette from emptying the hull.
    """
    views = (softness + (1 - softness) * silhouettes).masked_fill_(~visible, 1.0)
    return views.prod(dim=1).clamp_min(torch.finfo(silhouettes.dtype).tiny)


def expected_positions(
    heatmaps: Float[Tensor, "batch keypoint voxel"], centres: Float[Tensor, "voxel 3"]
) -> tuple[Float[Tensor, "batch keypoint 3"], Float[Tensor, "batch keypoint"]]:
    """Mean position and spread (root of the trace of the covariance) of heatmaps that sum to one, in cube coordinates."""
    with compute_precisely(heatmaps.device):
        # A row for every moment: as columns, the product takes five times as long.
        moments = heatmaps @ torch.cat([centres.T, centres.T.square().sum(dim=0, keepdim=True)]).T
    means = moments[..., :3]
    variances = (moments[..., 3] - means.square().sum(dim=-1)).clamp_min(0)
    return means, variances.sqrt()
