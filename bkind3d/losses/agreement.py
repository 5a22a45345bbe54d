"""Keypoints that should agree: under turns of the cube, and between neighbouring moments."""

import torch
from jaxtyping import Float
from torch import Tensor


def disagreement(
    positions: Float[Tensor, "batch keypoint 3"], others: Float[Tensor, "batch keypoint 3"], sides: Float[Tensor, "batch"]
) -> Float[Tensor, ""]:
    """Mean distance between two answers for the same keypoints, in shares of the cube's side.

    The distance is rounded off below one hundredth of the side, so that its gradient does not jump at zero.
    """
    gaps = (positions - others) / sides[:, None, None]
    return (gaps.square().sum(dim=-1) + 1e-4).sqrt().mean()


def motion(
    positions: Float[Tensor, "batch keypoint 3"], others: Float[Tensor, "batch keypoint 3"], sides: Float[Tensor, "batch"], seconds: float
) -> Float[Tensor, ""]:
    """Mean speed of the keypoints between two moments, in sides per second."""
    return disagreement(positions, others, sides) / torch.as_tensor(seconds)
