"""Losses of joints that are known in part: distances of coordinates, and cross entropy of heatmaps. Unknown joints are NaN and have no say.

Those of learnable triangulation (Iskakov et al. 2019, section 3), whose volumetric loss is a weighted sum of distance and entropy.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

#: Lengths are measured in shares of the cube's side times this: centimetres where the cube is that of Iskakov et al. (2.5 m).
AUTHORS_SIDE = 250.0


def mean_of_known(values: Float[Tensor, "*shape"], known: Bool[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """Mean of the values (of any unit) that are known; 0 where none is. What is not known gets no gradient, NaN or not."""
    return torch.where(known, values, torch.zeros_like(values)).sum() / known.sum().clamp_min(1)


def coordinate_distance(
    positions: Float[Tensor, "batch joint 3"], joints: Float[Tensor, "batch joint 3"], sides: Float[Tensor, "batch"]
) -> Float[Tensor, ""]:
    """Mean absolute distance of coordinates, in units of :data:`AUTHORS_SIDE` to the cube's side (world units in)."""
    known = torch.isfinite(joints)
    apart = AUTHORS_SIDE * (positions - torch.where(known, joints, 0.0)).abs() / sides[:, None, None]
    return mean_of_known(apart, known)


def heatmap_entropy(
    heatmaps: Float[Tensor, "batch joint voxel"], nearest: Int[Tensor, "batch joint"], inside: Bool[Tensor, "batch joint"]
) -> Float[Tensor, ""]:
    """Mean of -log of the share of a heatmap at the voxel of the true joint, of joints inside the cube."""
    shares = heatmaps.gather(-1, nearest[..., None])[..., 0]
    return mean_of_known(-torch.log(shares + 1e-6), inside)


def saturated_square(apart: Float[Tensor, "*shape"], far: float) -> Float[Tensor, "*shape"]:
    """Square of a distance (in any unit, that of `far`), from `far` on raised to 0.1 and scaled to continue where the square ends (Iskakov et al. 2019, section 3.1).

    NaN gives 0, with a gradient of 0.
    """
    squares = torch.nan_to_num(apart).square()
    beyond = squares > far**2
    bent = torch.where(beyond, squares, far**2) ** 0.1 * far**1.8
    return torch.where(beyond, bent, squares)
