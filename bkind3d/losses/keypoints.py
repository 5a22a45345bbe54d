"""Keypoints: they repel each other, agree with another answer, cover the silhouettes and stay on them, and edges keep their length.

Separation and length are the paper's (section 3.3), the others our own.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from bkind3d.geometry.projection import normalise_pixels, project_points
from bkind3d.losses.running_mean import RunningMean


def separation(points: Float[Tensor, "batch keypoint 3"], sigma: float) -> Float[Tensor, ""]:
    """Sum of ``exp(-|X_i - X_j|^2 / (2 sigma^2))`` over all ordered pairs of keypoints, mean over the batch (paper, section 3.3).

    Parameters
    ----------
    points : shares of the cube's side, so that the repulsion is the same in millimetres, in metres and for any subject.
    sigma : its range, same unit.

    Returns
    -------
    Between 0 (all far apart) and K (K - 1) (all in one point).
    """
    n_keypoints = points.shape[-2]
    first, second = torch.triu_indices(n_keypoints, n_keypoints, offset=1, device=points.device)
    distances2 = (points[:, first] - points[:, second]).square().sum(dim=-1)
    return 2 * torch.exp(distances2 / (-2 * sigma**2)).sum(dim=-1).mean()


def disagreement(points: Float[Tensor, "batch keypoint 3"], others: Float[Tensor, "batch keypoint 3"]) -> Float[Tensor, ""]:
    """Mean distance between two answers for the same keypoints: in two turns of the cube, or at neighbouring moments.

    Both are in shares of the cube's side, in one frame of reference. Below one hundredth the distance is rounded off, so that its gradient
    does not jump at zero.
    """
    return ((points - others).square().sum(dim=-1) + 1e-4).sqrt().mean()


class LengthVariance(nn.Module):
    """Variance of the lengths of the edges in use around their running mean (paper, section 3.3).

    Parameters
    ----------
    n_keypoints : number of keypoints K; there are K (K - 1) / 2 edges, in the order of ``torch.triu_indices``.
    threshold : an edge is in use if its weight is at least this share of the largest weight.
    """

    pairs: Int[Tensor, "2 pair"]

    def __init__(self, n_keypoints: int, threshold: float = 0.25) -> None:
        super().__init__()
        self.threshold = threshold
        self.register_buffer("pairs", torch.triu_indices(n_keypoints, n_keypoints, offset=1), persistent=False)
        self.means = RunningMean(self.pairs.shape[1])

    def edges_in_use(self, weights: Float[Tensor, " pair"]) -> Bool[Tensor, " pair"]:
        """Tell which edges are strong enough to count as bones."""
        return weights >= self.threshold * weights.max()

    def forward(self, points: Float[Tensor, "batch keypoint 3"], weights: Float[Tensor, " pair"]) -> Float[Tensor, ""]:
        """Mean over batch and edges in use of the squared deviation from the running mean.

        The running mean follows all edges, so that it is ready when an edge comes into use; ``commit_running_means`` has
        to be called after each step of the optimiser.

        Parameters
        ----------
        points : shares of the cube's side; both frames of a pair may be stacked into the batch.
        weights : weights of the edges, at least 0; they get no gradient from here.
        """
        first, second = self.pairs
        lengths = ((points[:, first] - points[:, second]).square().sum(dim=-1) + 1e-12).sqrt()
        used = self.edges_in_use(weights.detach()).to(lengths.dtype)
        means: Tensor = self.means(lengths.mean(dim=0), len(lengths))
        deviations2 = (lengths - means).square().mean(dim=0)
        return (deviations2 * used).sum() / used.sum().clamp_min(1)


def coverage(
    points: Float[Tensor, "batch keypoint 3"],
    voxels: Float[Tensor, "#batch voxel 3"],
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
        nearest = torch.cdist(voxels.expand(len(points), -1, -1), points).argmin(dim=-1, keepdim=True)
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
    Silhouettes are in [0, 1].
    """
    size = (edge_maps.shape[-2], edge_maps.shape[-1])
    wanted = torch.nn.functional.adaptive_avg_pool2d(masks.flatten(0, 1), size).view(edge_maps.shape)
    errors = (edge_maps.clamp(max=1) - wanted).square().mean(dim=(-2, -1))
    return ((errors * present).sum(dim=1) / present.sum(dim=1).clamp_min(1)).mean()
