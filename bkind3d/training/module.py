"""One training step, for Lightning: which cubes, which terms, which optimiser."""

import math
import time
from datetime import timedelta
from typing import Any

import lightning
import pandas as pd
import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from bkind3d.config import ExperimentConfig, InputError
from bkind3d.data.datasets import Views
from bkind3d.losses.running_mean import commit_running_means
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

    def transfer_batch_to_device(self, batch: tuple[Views, Views], device: torch.device, dataloader_idx: int) -> tuple[Views, Views]:
        """Move both moments of the pairs."""
        return batch[0].to(device), batch[1].to(device)

    def training_step(self, batch: tuple[Views, Views], batch_index: int) -> Tensor:
        """Compute the weighted sum of all terms in use."""
        settings, step = self.config.training, self.global_step
        generator = Generator().manual_seed(settings.seed * 1_000_003 + step)
        views = drop_views(Views.stack(batch), settings.drop_views, generator)
        turns, mirrored, shifts = (value.to(views.centres.device) for value in self.draw_cubes(len(views.centres), generator))
        estimate = self.model.detector(views, turns, mirrored, shifts)
        terms = self.objective(self.model, views, estimate, step / settings.steps)
        loss = torch.stack(list(terms.values())).sum()
        if not torch.isfinite(loss):
            raise InputError(f"training: the loss is not finite at step {step}; lower training.learning_rate, or look at the frames")
        if step % settings.log_every == 0 or step == settings.steps - 1:
            self.record(step, {**terms, "total": loss})
        self.log("loss", loss.detach(), prog_bar=True)
        return loss

    def draw_cubes(self, n: int, generator: Generator) -> tuple[Float[Tensor, "batch"], Bool[Tensor, "batch"], Float[Tensor, "batch 3"]]:
        """Draw how far each cube is turned, whether it is mirrored (where the body has symmetric pairs), and how far shifted."""
        settings = self.config.training
        mirrored = torch.rand(n, generator=generator) < (0.5 if self.config.model.n_symmetric_pairs else 0.0)
        turns = (torch.rand(n, generator=generator) * 2 - 1) * math.radians(settings.turn_degrees)
        shifts = (torch.rand(n, 3, generator=generator) * 2 - 1) * settings.jitter
        return turns, mirrored, shifts

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Fold what the running averages noted into them."""
        commit_running_means(self)

    def configure_optimizers(self) -> Any:
        """SGD as in the paper, or AdamW; warm-up, then a cosine to the final rate; larger steps for the edges' weights."""
        settings = self.config.training
        edges = list(self.model.edges.parameters())
        others = [value for name, value in self.model.named_parameters() if not name.startswith("edges.")]
        groups: list[dict[str, Any]] = [
            {"params": others},
            {"params": edges, "lr": settings.learning_rate * settings.edge_learning_rate_factor, "weight_decay": 0.0},
        ]
        optimizer: torch.optim.Optimizer
        if settings.optimizer == "sgd":
            optimizer = torch.optim.SGD(groups, lr=settings.learning_rate, momentum=0.9)
        else:
            optimizer = torch.optim.AdamW(groups, lr=settings.learning_rate, weight_decay=1e-4)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self.rate_at)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def rate_at(self, step: int) -> float:
        """Share of the peak learning rate at a step."""
        settings = self.config.training
        rise = min(1.0, (step + 1) / max(settings.warmup_steps, 1))
        fall = 0.5 * (1 + math.cos(math.pi * min(step / settings.steps, 1.0)))
        return rise * (settings.final_learning_rate + (1 - settings.final_learning_rate) * fall)

    def record(self, step: int, terms: dict[str, Tensor]) -> None:
        """Keep the values of a step."""
        seconds = self.seconds_before + time.monotonic() - self.started
        self.history += [{"step": step, "seconds": seconds, "term": name, "value": float(value.detach())} for name, value in terms.items()]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the history, and the time that was spent so far."""
        checkpoint["history"] = self.history
        checkpoint["seconds"] = self.seconds_before + time.monotonic() - self.started

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the history up again."""
        self.history, self.seconds_before = checkpoint["history"], checkpoint["seconds"]

    def history_table(self) -> pd.DataFrame:
        """Give the history as a table."""
        return pd.DataFrame(self.history, columns=["step", "seconds", "term", "value"])

    def edges_table(self) -> pd.DataFrame:
        """Give the learned weight of every pair of keypoints."""
        names = self.config.model.keypoint_names
        first, second = self.model.edges.pairs.tolist()
        weights = self.model.edges().detach().cpu().tolist()
        return pd.DataFrame({"keypoint_a": [names[i] for i in first], "keypoint_b": [names[j] for j in second], "weight": weights})


def drop_views(views: Views, chance: float, generator: Generator) -> Views:
    """Leave views out at random; at least two of each moment stay."""
    if not chance:
        return views
    order = torch.rand(views.present.shape, generator=generator).to(views.present.device)
    keep = (order >= chance) | (order.argsort(dim=1, descending=True).argsort(dim=1) < 2)
    return Views(views.images, views.masks, views.projections, views.present & keep, views.centres, views.sides, views.headings)
