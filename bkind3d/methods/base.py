"""What training, inference and checkpoints know of a method: a network that finds points, and the objective that it learns by.

A method is a folder here, or a module of another package, with

- a subclass of :class:`bkind3d.config.ExperimentConfig`: its settings, and what it says of itself; without torch;
- a subclass of :class:`Model` and one of :class:`Objective`, which that class names.

One row makes it known: in :data:`bkind3d.config.methods.METHODS`, or an entry point of the group ``bkind3d.methods``.
:mod:`bkind3d.training.checks` has checks that every method passes.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Generator, Tensor, nn
from torch.utils.data import Dataset

from bkind3d.config import ExperimentConfig, LabelledTrainingConfig, ModelConfig, TrainingConfig
from bkind3d.data.augmentation import N_DISTORTIONS, distort_views
from bkind3d.data.datasets import MomentDataset, Moments, PerSession, SessionFrames, Views
from bkind3d.networks.detector import Estimate


@dataclass(frozen=True)
class Draws:
    """How each moment of a batch is looked at: first moments of all samples, then second ones.

    However a batch is split over processes and micro-batches, every sample meets the same turn, mirror image and views.

    Attributes
    ----------
    n_samples : of the batch.
    order : views with the smallest numbers are left out; none if no view is ever left out.
    turns : radians beyond the subject's heading.
    mirrored : whether the cube is mirrored.
    shifts : of the cube, in shares of its side.
    distortions : of pictures, -1 to 1, the same for all moments of a sample; none if they are left as they are.
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
    """Draw for the batch of a step of samples of `n_moments`; the same seed and step always give the same.

    A moment's cube is mirrored with the chance `mirrored_share`; `distorted`: pictures that give the appearance are distorted.
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
    """Leave out the views whose number in `order`, in [0, 1], is below `chance`; at least two of each moment stay."""
    if order is None:
        return views
    ranked = torch.where(views.present, order, -1.0).argsort(dim=1, descending=True).argsort(dim=1)
    return replace(views, present=views.present & ((order >= chance) | (ranked < 2)))


class Model(nn.Module, ABC):
    """A network that finds points in the views of a moment.

    Parameters
    ----------
    config : the section `model` of the settings.
    names : of the points, where these are joints that it learns from; else the settings name them.
    load : whether published weights are read; not for a model that is filled from its own checkpoint.
    """

    #: What to change where all points end in one place.
    remedy: ClassVar[str] = "lower training.learning_rate, or look at the frames"

    def __init__(self, config: ModelConfig, names: Sequence[str] = (), load: bool = True) -> None:
        super().__init__()
        self.config, self.names = config, list(names) or config.keypoint_names

    @abstractmethod
    def forward(self, views: Views, turns: Float[Tensor, "batch"]) -> Estimate:
        """Find the points of a batch of moments.

        Parameters
        ----------
        views : of the moments.
        turns : radians about the vertical axis that the cube around the subject is turned, from :meth:`find_headings` and maybe
            beyond; a method that looks into no cube passes over them.
        """

    def prepare(self, sessions: Sequence[SessionFrames], settings: TrainingConfig) -> dict[str, Float[NDArray, "frame"]]:
        """Find what the network starts from in the training sessions; give the headings of all their frames, by session, in radians.

        Nothing may be learned from ``settings.validation_sessions``.
        """
        return {session.session: self.find_headings(session) for session in sessions}

    def find_headings(self, session: SessionFrames, device: str = "cpu") -> Float[NDArray, "frame"]:
        """Find which way the subject faces in every frame, radians about the vertical axis (32 bits); 0 where it is not known."""
        return np.zeros(len(session), np.float32)

    @property
    def heading_agreement(self) -> float | None:
        """Share of the frames in which independent fits of the headings agree; none of methods that find no headings."""
        return None

    def list_edges(self) -> list[tuple[str, str, float]]:
        """Edges between points that it learned, with their weights; a method may have none."""
        return []

    def group_parameters(self, settings: TrainingConfig) -> list[dict[str, Any]]:
        """Parameters for the optimiser, in groups with settings of their own."""
        return [{"params": list(self.parameters())}]

    def keep_less(self) -> None:
        """Compute large parts once more in the backward pass in place of keeping what they computed."""

    def round_products(self) -> None:
        """Multiply in bf16, for predictions on devices built for it, where that moves points by less than a hundredth of a voxel or pixel."""

    @property
    def encoder_revision(self) -> str:
        """Commit, or SHA-256, of the published weights that an image encoder started from; empty where there are none."""
        return ""


class Objective(nn.Module, ABC):
    """What a model, which is given before its first step, learns from in an experiment, and what it makes small."""

    #: Moments of a sample: 2 of a method that learns from pairs.
    n_moments: ClassVar[int] = 1

    def __init__(self, config: ExperimentConfig, model: Model) -> None:
        super().__init__()
        self.config = config

    @abstractmethod
    def forward(
        self, model: Any, moments: Moments, draws: Draws, progress: float
    ) -> tuple[dict[str, Float[Tensor, ""]], Float[Tensor, "batch point 3"]]:
        """Give the weighted terms of a step, and the points of all moments, world units.

        Parameters
        ----------
        model : that learns.
        moments : the first moments of all samples, then the second ones (of :attr:`n_moments`), in the same order.
        draws : the randomness of the step.
        progress : share of the training that is done.
        """

    def make_samples(
        self, sessions: Sequence[SessionFrames], headings: PerSession, joints: PerSession, length: int, seed: int
    ) -> Dataset[tuple[Moments, ...]]:
        """Set up the samples of the training, or of its validation.

        Parameters
        ----------
        sessions, headings : what to draw from; headings as :meth:`Model.prepare` gives them.
        joints : of a supervised method: of every frame of each session, world units, NaN where not known.
        length, seed : number of samples, and of which draws.
        """
        return MomentDataset(sessions, headings, length, seed, joints or None)

    def draw(self, step: int, n_views: int, n_samples: int) -> Draws:
        """Draw the randomness of a step; the same seed and step always give the same."""
        return draw_step(self.config.training, step, n_views, n_samples, self.n_moments)

    def change_views(self, views: Views, draws: Draws) -> Views:
        """Change what is learned from at random; views are left out, where the settings say so."""
        return drop_views(views, self.config.training.drop_views, draws.order)


class LabelledObjective(Objective):
    """What a method learns from that is told joints: moments whose pictures may be distorted, cameras with them."""

    def draw(self, step: int, n_views: int, n_samples: int) -> Draws:
        """Draw distortions, too, where the settings say so."""
        settings = self.config.training
        assert isinstance(settings, LabelledTrainingConfig)
        return draw_step(settings, step, n_views, n_samples, self.n_moments, distorted=settings.distort_views > 0)

    def change_views(self, views: Views, draws: Draws) -> Views:
        """Distort the pictures."""
        settings = self.config.training
        assert isinstance(settings, LabelledTrainingConfig)
        views = super().change_views(views, draws)
        if draws.distortions is None:
            return views
        return distort_views(views, draws.distortions.repeat(self.n_moments, 1, 1), settings.distort_views)
