"""Edges in use keep their 3D length: bones do not stretch."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from bkind3d.losses.running_mean import RunningMean


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
