"""Keypoints that should agree: between two turns of the cube, and between neighbouring moments."""

from jaxtyping import Float
from torch import Tensor


def disagreement(points: Float[Tensor, "batch keypoint 3"], others: Float[Tensor, "batch keypoint 3"]) -> Float[Tensor, ""]:
    """Mean distance between two answers for the same keypoints.

    The distance is rounded off below one hundredth, so that its gradient does not jump at zero.

    Parameters
    ----------
    points, others : shares of the cube's side, in one frame of reference.
    """
    return ((points - others).square().sum(dim=-1) + 1e-4).sqrt().mean()
