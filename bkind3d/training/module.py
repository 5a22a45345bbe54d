"""One training step, for Lightning: which samples, which terms, which optimiser."""

import math
import time
from datetime import timedelta
from typing import Any

import lightning
import pandas as pd
import torch
from torch import Tensor

from bkind3d.config import ExperimentConfig
from bkind3d.data.datasets import Views
from bkind3d.geometry.voxels import make_orientations
from bkind3d.inference.prediction import keypoint_names
from bkind3d.model.discovery import DiscoveryModel
from bkind3d.training.objective import Objective


class DiscoveryTraining(lightning.LightningModule):
    """The model, its objective and its optimiser.

    All randomness of a step comes from a generator seeded by (seed, step), so that a resumed training is the same
    training.
    """

    def __init__(self, config: ExperimentConfig) -> None:
        super().__init__()
        self.config = config
        self.model = DiscoveryModel(config.model)
        self.objective = Objective(config)
        self.history: list[dict[str, Any]] = []
        self.seconds_before, self.started = 0.0, time.monotonic()

    @property
    def checkpoint_interval(self) -> timedelta:
        """Time between two resume checkpoints."""
        return timedelta(minutes=self.config.training.checkpoint_minutes)

    def training_step(self, batch: tuple[Views, Views], batch_index: int) -> Tensor:
        """Compute the weighted sum of all terms in use."""
        generator = torch.Generator().manual_seed(self.config.training.seed * 1_000_003 + self.global_step)
        views = drop_views(Views.stack(batch), self.config.training.drop_views, generator)
        estimate = self.model.detector(views, *self.draw_cube(len(views.centres), generator))
        terms = self.objective(self.model, views, estimate, self.global_step / self.config.training.steps)
        loss = torch.stack(list(terms.values())).sum()
        self.record({**{name: float(term.detach()) for name, term in terms.items()}, "total": float(loss.detach())})
        self.log("loss", loss.detach(), prog_bar=True)
        return loss
