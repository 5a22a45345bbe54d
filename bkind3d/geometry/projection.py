"""Points between world, pixels and normalised image coordinates, in batches.

Pixel frame: (0, 0) is the centre of the top-left pixel. Normalised frame: -1 and 1 are the *outer edges* of the image,
as ``grid_sample(align_corners=False)`` has it. This module is the only place where the two are converted.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def project_points(
    points: Float[Tensor, "batch point 3"], projections: Float[Tensor, "batch view 3 4"]
) -> tuple[Float[Tensor, "batch view point 2"], Float[Tensor, "batch view point"]]:
    """Project world points into every view.

    Parameters
    ----------
    points : world units.
    projections : world to pixels of each view's undistorted image, up to a positive scale.

    Returns
    -------
    pixels : (batch, view, point, 2) x and y in pixels; meaningless where the depth is not positive.
    depths : (batch, view, point) homogeneous depth, positive in front of the camera.
    """
    homogeneous = torch.einsum("bvij,bpj->bvpi", projections[..., :3], points) + projections[..., None, :, 3]
    depths = homogeneous[..., 2]
    safe = torch.where(depths.abs() < 1e-9, torch.full_like(depths, 1e-9), depths)
    return homogeneous[..., :2] / safe[..., None], depths


def normalise_pixels(pixels: Float[Tensor, "*shape 2"], width: int, height: int) -> Float[Tensor, "*shape 2"]:
    """Turn pixels into normalised coordinates, in which the image spans [-1, 1] from edge to edge."""
    return (2 * pixels + 1) / pixels.new_tensor([width, height]) - 1


def is_visible(
    normalised: Float[Tensor, "batch view point 2"], depths: Float[Tensor, "batch view point"], present: Bool[Tensor, "batch view"]
) -> Bool[Tensor, "batch view point"]:
    """Tell which points lie in front of a camera, inside its image, in a view that is present."""
    return (normalised.abs() <= 1).all(dim=-1) & (depths > 0) & present[..., None]
