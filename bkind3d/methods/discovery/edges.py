"""Soft lines between keypoints: the only thing that the reconstruction learns about the pose.

A map's value at a pixel is ``max over pairs of w_ij exp(-d^2 / (2 sigma^2))``, d the distance of the pixel's centre to
the segment from keypoint i to j, in units of the normalised image [-1, 1] (paper, section 3.2). Only one pair counts at
a pixel. It is therefore found first, without gradients and in slices of rows, and only its value is computed with
gradients: memory grows with the pixels, not with pairs times pixels.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from bkind3d.geometry.projection import normalise_pixels

#: sigma^2 of the maps from the coarsest to the finest, in squared units of the normalised image.
EDGE_SIGMA2 = (0.1, 0.1, 0.01, 0.01, 0.001)

_SLICE_NUMBERS = 2**22


class EdgeWeights(nn.Module):
    """Learned weight of every pair of keypoints, shared by all views and frames.

    Attributes
    ----------
    raw : (pair,) the parameter; a weight is its softplus.
    pairs : (2, pair) the keypoints of each pair, in the order of ``torch.triu_indices``.
    """

    pairs: Int[Tensor, "2 pair"]

    def __init__(self, n_keypoints: int) -> None:
        super().__init__()
        self.register_buffer("pairs", keypoint_pairs(n_keypoints), persistent=False)
        self.raw = nn.Parameter(torch.randn(self.pairs.shape[1]))

    def forward(self) -> Float[Tensor, " pair"]:
        """Weights, at least 0, without unit."""
        return nn.functional.softplus(self.raw)


def keypoint_pairs(n_keypoints: int) -> Int[Tensor, "2 pair"]:
    """All pairs i < j of `n_keypoints` keypoints: (0, 1), (0, 2), ..., (1, 2), ..."""
    return torch.triu_indices(n_keypoints, n_keypoints, offset=1)


def draw_edges(
    points: Float[Tensor, "batch view keypoint 2"], weights: Float[Tensor, " pair"], size: int, sigma2: float
) -> Float[Tensor, "batch view height width"]:
    """Draw every pair of keypoints as a soft line and keep the strongest at each pixel.

    Parameters
    ----------
    points : (x, y), normalised image [-1, 1] (edges of the image, not centres of its corner pixels); may lie outside.
    weights : at least 0, in the order of :func:`keypoint_pairs`.
    size : side of the map in pixels.
    sigma2 : squared width of a line, squared units of the normalised image.

    Returns
    -------
    Edge maps; the gradient with respect to `points` and `weights` is exact, a second derivative is not available.
    """
    first, second = keypoint_pairs(points.shape[2]).to(points.device)
    if weights.shape != first.shape:
        raise ValueError(f"Expected {len(first)} weights for {points.shape[2]} keypoints, got shape {tuple(weights.shape)}")
    flat = points.flatten(0, 1)
    maps = _draw_segments(flat[:, first], flat[:, second], weights.expand(len(flat), -1), size, sigma2)
    return maps.view(*points.shape[:2], size, size)


def draw_points(points: Float[Tensor, "batch view keypoint 2"], size: int, sigma2: float) -> Float[Tensor, "batch view height width"]:
    """Draw every keypoint as a soft dot, and keep the strongest at each pixel: segments without length, all of weight 1.

    Parameters are those of :func:`draw_edges`. What edges are compared with in the paper's ablation.
    """
    flat = points.flatten(0, 1)
    return _draw_segments(flat, flat, torch.ones_like(flat[..., 0]), size, sigma2).view(*points.shape[:2], size, size)


def _draw_segments(
    starts: Float[Tensor, "image pair 2"],
    ends: Float[Tensor, "image pair 2"],
    weights: Float[Tensor, "image pair"],
    size: int,
    sigma2: float,
) -> Float[Tensor, "image height width"]:
    """Draw segments with their weights, and keep the strongest at each pixel.

    The nearest point's place on the segment is held fixed: where it is free, the distance does not change with it.
    """
    axis = normalise_pixels(torch.arange(size, dtype=starts.dtype, device=starts.device)[:, None].expand(-1, 2), size, size)[:, 0]
    with torch.no_grad():
        winners = _find_strongest(starts, ends, weights, axis, sigma2)
    start, end = (torch.gather(corners, 1, winners[..., None].expand(-1, -1, 2)) for corners in (starts, ends))
    pixels = torch.cartesian_prod(axis, axis).flip(-1)
    with torch.no_grad():
        direction = end - start
        share = ((pixels - start) * direction).sum(-1, keepdim=True) / direction.square().sum(-1, keepdim=True).clamp_min(1e-12)
        share = share.clamp(0, 1)
    distance2 = (pixels - torch.lerp(start, end, share)).square().sum(-1)
    values = torch.gather(weights, 1, winners) * torch.exp(distance2 / (-2 * sigma2))
    return values.view(-1, size, size)


def _find_strongest(
    starts: Float[Tensor, "image pair 2"],
    ends: Float[Tensor, "image pair 2"],
    weights: Float[Tensor, "image pair"],
    axis: Float[Tensor, " size"],
    sigma2: float,
) -> Int[Tensor, "image pixel"]:
    """Find the pair with the largest ``log w - d^2 / (2 sigma^2)`` at each pixel.

    In a pair's own frame (origin in the middle, x along the segment, unit sqrt(2) sigma) a pixel's coordinates are sums of
    a term per row and a term per column, and d^2 is y^2 plus the square of what |x| exceeds half the length by.
    """
    unit = (2 * sigma2) ** 0.5
    difference = ends - starts
    length = difference.norm(dim=-1, keepdim=True)
    along = torch.where(length > 0, difference / length, difference.new_tensor([1.0, 0.0]))[..., None, None] / unit
    half = length[..., None] / (2 * unit)
    columns, rows = (axis - (starts + ends)[..., None] / 2).unbind(dim=-2)
    columns, rows = columns[..., None, :], rows[..., :, None]
    x_of_column, y_of_column = along[..., 0, :, :] * columns, -along[..., 1, :, :] * columns
    logs = weights.log()[..., None, None]
    numbers = torch.arange(weights.shape[1], dtype=axis.dtype, device=axis.device)[:, None, None]
    winners = []
    for some_rows in torch.split(rows, max(1, _SLICE_NUMBERS // (weights.numel() * len(axis))), dim=-2):
        beyond = (x_of_column + along[..., 1, :, :] * some_rows).abs_().sub_(half).clamp_min_(0)
        aside = y_of_column + along[..., 0, :, :] * some_rows
        scores = aside.square_().neg_().addcmul_(beyond, beyond, value=-1).add_(logs)
        # As argmax, which takes five times as long on processors.
        winners.append(torch.where(scores == scores.amax(dim=1, keepdim=True), numbers, 0.0).amax(dim=1).long())
    return torch.cat(winners, dim=1).flatten(1)
