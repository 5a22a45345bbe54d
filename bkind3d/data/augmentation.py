"""Random changes of pictures."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from bkind3d.data.datasets import Views
from bkind3d.geometry.projection import compute_precisely

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
    *_, contrast, red, green, blue = _measure(numbers, strength)
    moved = _move(images, _find_sources(numbers, strength))
    colours = torch.stack([red, green, blue], dim=1)[..., None, None]
    return ((moved - 0.5) * (1 + contrast)[:, None, None, None] + 0.5 + colours).clamp(0, 1)


def distort_views(views: Views, numbers: Float[Tensor, "batch view number"], strength: float) -> Views:
    """Distort the pictures of moments as :func:`distort_pictures` does; silhouettes and cameras move with them."""
    flat, shape = numbers.flatten(0, 1), views.present.shape
    with compute_precisely(flat.device):
        sources = _find_sources(flat, strength)
        images = distort_pictures(views.images.flatten(0, 1), flat, strength)
        masks = _move(views.masks.flatten(0, 1), sources)
        width, height = views.image_size
        normalise = flat.new_tensor([[2 / width, 0, 1 / width - 1], [0, 2 / height, 1 / height - 1], [0, 0, 1]])
        bottom = flat.new_tensor([[0, 0, 1.0]]).expand(len(flat), 1, 3)
        change = torch.linalg.inv(normalise) @ torch.linalg.inv(torch.cat([sources, bottom], dim=1)) @ normalise
        projections = change @ views.projections.flatten(0, 1)
    images, masks, projections = (torch.unflatten(value, 0, shape) for value in (images, masks, projections))
    return replace(views, images=images, masks=masks, projections=projections)


def _measure(numbers: Float[Tensor, "image number"], strength: float) -> tuple[Tensor, ...]:
    """Turn, size, shift, contrast and colours of each picture."""
    return (strength * numbers * numbers.new_tensor(_LARGEST)).unbind(dim=1)


def _find_sources(numbers: Float[Tensor, "image number"], strength: float) -> Float[Tensor, "image 2 3"]:
    """Where each pixel of the result comes from: affine, normalised coordinates."""
    turn, size, right, down, *_ = _measure(numbers, strength)
    sine, cosine = turn.sin(), turn.cos()
    rows = [torch.stack([cosine, -sine, -right], dim=1), torch.stack([sine, cosine, -down], dim=1)]
    return torch.stack(rows, dim=1) / (1 + size)[:, None, None]


def _move(pictures: Float[Tensor, "image channel height width"], sources: Float[Tensor, "image 2 3"]) -> Tensor:
    """Pictures whose pixels come from `sources`; the border goes on beyond itself."""
    grid = affine_grid(sources, list(pictures.shape), align_corners=False)
    return grid_sample(pictures, grid, padding_mode="border", align_corners=False)
