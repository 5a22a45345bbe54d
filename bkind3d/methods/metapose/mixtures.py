"""Heatmaps as mixtures of a few spherical Gaussians, by weighted expectation and maximisation."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from bkind3d.networks.heatmaps import make_cell_centres

#: Gaussians of a mixture, and steps from their start.
N_GAUSSIANS, N_STEPS = 4, 5

#: What counts as nothing, as a share of a heatmap's peak: little everywhere, which a detector always leaves, would outweigh the peak.
FLOOR = 0.05

#: The largest values of a heatmap, which hold all that counts of it: a peak has some fifty cells.
MOST_CELLS = 256

#: A likelihood is at least this.
LEAST = 1e-8


@dataclass(frozen=True)
class Mixtures:
    """Mixtures of every joint in every view, normalised coordinates.

    Attributes
    ----------
    weights : sum to 1.
    means : of the Gaussians.
    variances : of either coordinate.
    """

    weights: Float[Tensor, "*shape gaussian"]
    means: Float[Tensor, "*shape gaussian 2"]
    variances: Float[Tensor, "*shape gaussian"]

    @property
    def places(self) -> Float[Tensor, "*shape 2"]:
        """Means of the mixtures."""
        return (self.weights[..., None] * self.means).sum(dim=-2)

    def flatten(self) -> Float[Tensor, "*shape number"]:
        """All numbers of a mixture in a row: four of each Gaussian."""
        return torch.cat([self.weights, self.means.flatten(-2), self.variances], dim=-1)

    def measure(self, points: Float[Tensor, "*shape 2"]) -> Float[Tensor, "*shape"]:
        """-log of the likelihood of points."""
        squares = (points[..., None, :] - self.means).square().sum(dim=-1)
        densities = torch.exp(-squares / (2 * self.variances)) / (2 * math.pi * self.variances)
        return -torch.log((self.weights * densities).sum(dim=-1) + LEAST)


def fit_mixtures(heatmaps: Float[Tensor, "*shape height width"], n_steps: int = N_STEPS) -> Mixtures:
    """Fit mixtures to heatmaps, of which only what rises above :data:`FLOOR` of the peak counts, at most :data:`MOST_CELLS` cells.

    The means start along the heatmap's first principal axis. Half a cell, as a variance, is added at the end: nothing is known more closely.
    """
    height, width = heatmaps.shape[-2:]
    shares, kept = heatmaps.flatten(-2).topk(min(MOST_CELLS, height * width), dim=-1)
    cells = make_cell_centres(height, width, heatmaps)[kept]
    shares = torch.where(shares > FLOOR * shares[..., :1], shares.clamp_min(0), 0.0) + 1e-6
    shares = shares / shares.sum(dim=-1, keepdim=True)
    mean = (shares[..., None] * cells).sum(dim=-2)
    apart = cells - mean[..., None, :]
    xx, yy, xy = ((shares * apart[..., i] * apart[..., j]).sum(dim=-1) for i, j in ((0, 0), (1, 1), (0, 1)))
    angle = 0.5 * torch.atan2(2 * xy, xx - yy)
    axis = torch.stack([angle.cos(), angle.sin()], dim=-1)
    largest = (xx + yy) / 2 + (((xx - yy) / 2).square() + xy.square()).sqrt()
    steps = torch.linspace(-1.5, 1.5, N_GAUSSIANS, dtype=heatmaps.dtype, device=heatmaps.device)
    means = mean[..., None, :] + (steps * largest.sqrt()[..., None])[..., None] * axis[..., None, :]
    variances = ((xx + yy) / 2).clamp_min(1e-6)[..., None].expand(means.shape[:-1])
    weights = torch.full_like(variances, 1 / N_GAUSSIANS)
    squares_of_cells = cells.square().sum(dim=-1)
    for _ in range(n_steps):
        squares = squares_of_cells[..., None, :] - 2 * means @ cells.mT + means.square().sum(dim=-1, keepdim=True)
        logits = torch.log(weights / variances)[..., None] - squares.clamp_min(0) / (2 * variances[..., None])
        parts = shares[..., None, :] * logits.softmax(dim=-2)
        total = parts.sum(dim=-1).clamp_min(1e-8)
        weights = total / total.sum(dim=-1, keepdim=True)
        means = parts @ cells / total[..., None]
        spreads = (parts @ squares_of_cells[..., None])[..., 0] / total
        variances = (spreads - means.square().sum(dim=-1)).clamp_min(2e-6) / 2
    return Mixtures(weights, means, variances + 1 / (height * width))
