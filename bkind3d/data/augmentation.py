"""Random changes of pictures."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

#: Numbers that :func:`distort_pictures` takes for each picture.
N_DISTORTIONS = 8

#: At full strength: turn (radians), change of size (share), shift (share of half the picture), contrast, brightness of each colour.
_LARGEST = (0.5, 0.3, 0.3, 0.3, 0.4, 0.2, 0.2, 0.2)


def distort_pictures(
    images: Float[Tensor, "image 3 height width"], numbers: Float[Tensor, "image number"], strength: float
) -> Float[Tensor, "image 3 height width"]:
    """Turn, scale and shift each picture about its centre, and change its contrast and colours (KeyDiff3D, arXiv 2507.12336).

    Parameters
    ----------
    images : RGB in [0, 1].
    numbers : from -1 to 1, for each picture: turn, size, shift right, shift down, contrast, red, green, blue; 0 changes nothing.
    strength : of all changes, from 0 to 1.

    Returns
    -------
    Pictures in [0, 1]; what comes from beyond the border repeats the border.
    """
    turn, size, right, down, contrast, *colours = (strength * numbers * numbers.new_tensor(_LARGEST)).unbind(dim=1)
    sine, cosine, scale = turn.sin(), turn.cos(), 1 + size
    # Where each pixel of the result comes from, in normalised coordinates.
    rows = [torch.stack([cosine, -sine, -right], dim=1), torch.stack([sine, cosine, -down], dim=1)]
    grid = affine_grid(torch.stack(rows, dim=1) / scale[:, None, None], list(images.shape), align_corners=False)
    moved = grid_sample(images, grid, padding_mode="border", align_corners=False)
    changed = (moved - 0.5) * (1 + contrast)[:, None, None, None] + 0.5 + torch.stack(colours, dim=1)[..., None, None]
    return changed.clamp(0, 1)
