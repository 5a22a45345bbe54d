"""Points between world, pixels and normalised image coordinates, in batches.

Pixel frame: (0, 0) is the centre of the top-left pixel. Normalised frame: -1 and 1 are the *outer edges* of the image,
as ``grid_sample(align_corners=False)`` has it. This module is the only place where the two are converted.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def compute_precisely(device: torch.device) -> AbstractContextManager[Any]:
    """Let nothing of what is computed inside be rounded to bf16, which would leave pixels and positions three digits."""
    # The device meta, on which training is checked, knows no autocast.
    return nullcontext() if device.type == "meta" else torch.autocast(device.type, enabled=False)


def project_points(
    points: Float[Tensor, "#batch point 3"], projections: Float[Tensor, "batch view 3 4"]
) -> tuple[Float[Tensor, "batch view point 2"], Float[Tensor, "batch view point"]]:
    """Project world points into every view.

    Parameters
    ----------
    points : world units, or whatever else `projections` start from.
    projections : world to pixels of each view's undistorted image, up to a positive scale.

    Returns
    -------
    pixels : (batch, view, point, 2) x and y in pixels; meaningless where the depth is not positive. In memory, all x of
        a view come before all y, as they are sampled fastest.
    depths : (batch, view, point) homogeneous depth, positive in front of the camera.
    """
    with compute_precisely(points.device):
        homogeneous = torch.einsum("bvij,bpj->bvip", projections[..., :3], points) + projections[..., 3:]
    depths = homogeneous[..., 2, :]
    safe = torch.where(depths.abs() < 1e-9, 1e-9, depths)
    return (homogeneous[..., :2, :] / safe[..., None, :]).mT, depths


def normalise_pixels(pixels: Float[Tensor, "*shape 2"], width: int, height: int) -> Float[Tensor, "*shape 2"]:
    """Turn pixels into normalised coordinates, in which the image spans [-1, 1] from edge to edge."""
    return (2 * pixels + 1) / pixels.new_tensor([width, height]) - 1


def normalise_projections(projections: Float[Tensor, "batch view 3 4"], width: int, height: int) -> Float[Tensor, "batch view 3 4"]:
    """Turn projections to pixels into projections to normalised coordinates."""
    columns, rows, depths = projections.unbind(dim=-2)
    return torch.stack([(2 * columns + depths) / width - depths, (2 * rows + depths) / height - depths, depths], dim=-2)


def is_visible(
    normalised: Float[Tensor, "batch view point 2"], depths: Float[Tensor, "batch view point"], present: Bool[Tensor, "batch view"]
) -> Bool[Tensor, "batch view point"]:
    """Tell which points lie in front of a camera, inside its image, in a view that is present."""
    x, y = normalised.abs().unbind(dim=-1)
    return (torch.maximum(x, y) <= 1) & (depths > 0) & present[..., None]
