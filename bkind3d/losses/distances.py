"""Distances between keypoints: those of one moment repel each other, so that they do not all explain the same part; two answers agree."""

import torch
from jaxtyping import Float
from torch import Tensor


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

    The distance is rounded off below one hundredth, so that its gradient does not jump at zero.

    Parameters
    ----------
    points, others : shares of the cube's side, in one frame of reference.
    """
    return ((points - others).square().sum(dim=-1) + 1e-4).sqrt().mean()
