"""The randomness of a step, drawn for the whole batch at once.

However a batch is split over processes and micro-batches, every sample meets the same turn, mirror image and views.
"""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from bkind3d.config import TrainingConfig
from bkind3d.data.augmentation import N_DISTORTIONS
from bkind3d.data.datasets import Views


@dataclass(frozen=True)
class Draws:
    """How each moment of a batch is looked at: first moments of all samples, then second ones.

    Attributes
    ----------
    n_samples : of the batch.
    order : views with the smallest numbers are left out; none if no view is ever left out.
    turns : radians beyond the subject's heading.
    mirrored : whether the cube is mirrored.
    shifts : of the cube, in shares of its side.
    distortions : of the pictures that give the appearance, -1 to 1; none if they are left as they are.
    """

    n_samples: int
    order: Float[Tensor, "batch view"] | None
    turns: Float[Tensor, "batch"]
    mirrored: Bool[Tensor, "batch"]
    shifts: Float[Tensor, "batch 3"]
    distortions: Float[Tensor, "sample view number"] | None = None

    def take(self, samples: range, device: torch.device) -> "Draws":
        """Those of some samples, on a device."""
        rows = torch.cat([torch.tensor(samples) + first for first in range(0, len(self.turns), self.n_samples)])
        order = None if self.order is None else self.order[rows].to(device)
        distortions = None if self.distortions is None else self.distortions[[*samples]].to(device)
        turns, mirrored, shifts = (value[rows].to(device) for value in (self.turns, self.mirrored, self.shifts))
        return Draws(len(samples), order, turns, mirrored, shifts, distortions)


def draw_step(
    settings: TrainingConfig,
    step: int,
    n_views: int,
    n_samples: int,
    n_moments: int = 1,
    mirrored_share: float = 0.0,
    distorted: bool = False,
) -> Draws:
    """Draw for the batch of a step; the same seed and step always give the same.

    Parameters
    ----------
    settings : of the training.
    n_views, n_samples, n_moments : of the batch; moments of a sample.
    mirrored_share : chance that a moment's cube is mirrored.
    distorted : whether pictures that give the appearance are distorted.
    """
    n = n_moments * n_samples
    generator = Generator().manual_seed(settings.seed * 1_000_003 + step)
    order = torch.rand(n, n_views, generator=generator) if settings.drop_views else None
    mirrored = torch.rand(n, generator=generator) < mirrored_share
    turns = (torch.rand(n, generator=generator) * 2 - 1) * math.radians(settings.turn_degrees)
    shifts = (torch.rand(n, 3, generator=generator) * 2 - 1) * settings.jitter
    distortions = torch.rand(n_samples, n_views, N_DISTORTIONS, generator=generator) * 2 - 1 if distorted else None
    return Draws(n_samples, order, turns, mirrored, shifts, distortions)


def drop_views(views: Views, chance: float, order: Float[Tensor, "batch view"] | None) -> Views:
    """Leave out the views whose number in `order` is below `chance`; at least two of each moment stay."""
    if order is None:
        return views
    ranked = torch.where(views.present, order, -1.0).argsort(dim=1, descending=True).argsort(dim=1)
    return replace(views, present=views.present & ((order >= chance) | (ranked < 2)))
