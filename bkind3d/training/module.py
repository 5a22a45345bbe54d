"""One training step, for Lightning: micro-batches, gradients, and the optimiser's step if it is a sound one."""

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pkgutil import resolve_name
from typing import Any

import lightning
import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from bkind3d.config import ExperimentConfig, InputError
from bkind3d.data.datasets import Moments
from bkind3d.geometry.projection import compute_precisely
from bkind3d.losses.running_mean import commit_running_means, discard_running_means, has_fresh_means
from bkind3d.methods.base import Draws, Model, Objective
from bkind3d.training.history import HEALTH_EVERY, History, KeypointHealth
from bkind3d.training.machine import average_gradients, explain_memory, is_out_of_memory, sum_over_processes

log = logging.getLogger(__name__)

#: Steps in a row that may be skipped because something is not finite.
MOST_SKIPPED = 10

#: Share of the training after which keypoints that are all in one place stop it.
COLLAPSE_AFTER = 0.5


class Training(lightning.LightningModule):
    """A model, its objective and its optimiser; `names` are those of the joints that a supervised method learns from.

    All randomness of a step comes from a generator seeded by (seed, step), so that a resumed training is the same
    training. A step's batch is computed in micro-batches, as many samples at once as memory holds.

    Attributes
    ----------
    step : optimiser steps that are done.
    best : of the validations so far: its value, its step, and how many did not better it since.
    history : what is logged.
    """

    model: Model
    objective: Objective

    def __init__(self, config: ExperimentConfig, names: Sequence[str] = ()) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.config = config
        self.model = resolve_name(config.description.model)(config.model, names)
        if config.training.activation_checkpointing:
            self.model.keep_less()
        self.objective = resolve_name(config.description.objective)(config, self.model)
        self.step, self.skipped, self.stopped_early = 0, 0, False
        self.best: dict[str, float] = {}
        self.micro_batch = config.training.micro_batch_size or config.training.batch_size
        self.history = History()
        #: Steps of which it is not known here yet whether they were sound: number, whether they were (on the device), terms.
        self.unread: list[tuple[int, Tensor, dict[str, Tensor]]] = []
        self.health = KeypointHealth(self.model.names)

    @property
    def is_last(self) -> bool:
        """Whether all steps are done."""
        return self.step >= self.config.training.steps

    def training_step(self, batch: tuple[Moments, ...] | InputError, batch_index: int) -> None:
        """Do one step of the optimiser on this process's share of the batch; raise what it was refused for."""
        if isinstance(batch, InputError):
            raise batch
        settings = self.config.training
        draws = self.objective.draw(self.step, batch[0].views.present.shape[1], settings.batch_size)
        if self.skipped == self.step and has_fresh_means(self.objective):
            self.begin_averages(batch, draws)
        optimizer, schedule = self.optimizers(), self.lr_schedulers()
        optimizer.zero_grad()  # type: ignore[union-attr]
        terms = self.compute_in_memory(batch, draws)
        if self.trainer.world_size > 1:
            average_gradients(self)
        terms = {name: sum_over_processes(value) / self.trainer.world_size for name, value in terms.items()}
        total = torch.stack(list(terms.values())).sum()
        self.update(optimizer, terms, total)  # type: ignore[arg-type]
        schedule.step()  # type: ignore[union-attr, call-arg]
        self.log("loss", total, prog_bar=True)
        is_logged = self.step % settings.log_every == 0 or self.step == settings.steps - 1
        # What a GPU has not computed yet would be waited for: it gets the next steps meanwhile.
        if is_logged or total.device.type == "cpu":
            self.read_back()
        if is_logged:
            self.history.record(self.step, {**terms, "total": total})
        self.step += 1
        if self.step % HEALTH_EVERY == 0 or self.is_last:
            self.check_health()

    def begin_averages(self, batch: tuple[Moments, ...], draws: Draws) -> None:
        """Let averages begin with the whole first batch that is finite: each micro-batch alone would be measured by itself."""
        with torch.no_grad():
            terms = self.compute_in_memory(batch, draws)
        commit_running_means(self, torch.isfinite(sum_over_processes(torch.stack(list(terms.values())).sum())))

    def compute_in_memory(self, batch: tuple[Moments, ...], draws: Draws) -> dict[str, Tensor]:
        """Compute terms and gradients of a batch, in smaller micro-batches where memory does not hold them.

        Raises
        ------
        InputError : if memory does not even hold one sample: a line that names what to change.
        """
        while True:
            try:
                return self.compute(batch, draws)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                size = min(self.micro_batch, len(batch[0]))
            if size == 1:
                raise explain_memory(self.config.training.activation_checkpointing)
            self.micro_batch = -(-size // 2)
            log.warning("memory does not hold %d samples at once: going on with %d, with the same result", size, self.micro_batch)
            self.zero_grad()
            discard_running_means(self)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def compute(self, batch: tuple[Moments, ...], draws: Draws) -> dict[str, Tensor]:
        """Compute the weighted terms, and where gradients are wanted add them up, one micro-batch after the other."""
        totals: dict[str, Tensor] = {}
        for n, moments, drawn in self.split(batch, draws, self.global_rank * len(batch[0])):
            views, share = moments.views, n / len(batch[0])
            terms, positions = self.look(moments, drawn, self.step / self.config.training.steps)
            if torch.is_grad_enabled():
                with compute_precisely(views.sides.device):
                    torch.autograd.backward(share * torch.stack(list(terms.values())).sum())
                self.health.add((positions - views.centres[:, None]) / views.sides[:, None, None])
            for name, value in terms.items():
                totals[name] = totals.get(name, 0) + share * value.detach()
        return totals

    def split(self, batch: tuple[Moments, ...], draws: Draws, first: int = 0) -> Iterator[tuple[int, Moments, Draws]]:
        """Micro-batches of a batch, each with its number of samples and its draws, of which those of the batch begin with the `first`."""
        for start in range(0, len(batch[0]), self.micro_batch):
            part = range(start, min(start + self.micro_batch, len(batch[0])))
            moments = Moments.stack([every.take(slice(part.start, part.stop)) for every in batch]).to(self.device)
            yield len(part), moments, draws.take(range(first + part.start, first + part.stop), self.device)

    def look(self, moments: Moments, draws: Draws, progress: float) -> tuple[dict[str, Tensor], Tensor]:
        """Compute the weighted terms of the objective, and the points (world units), as drawn, at a share of the training."""
        views = self.objective.change_views(moments.views, draws)
        terms, positions = self.objective(self.model, replace(moments, views=views), draws, progress)
        return terms, positions

    def update(self, optimizer: torch.optim.Optimizer, terms: dict[str, Tensor], total: Tensor) -> None:
        """Do the optimiser's step, or skip it where something is not finite: then neither weights nor averages change. Nothing is read back."""
        with compute_precisely(total.device):
            norm = clip_grad_norm_(self.parameters(), self.config.training.gradient_clip)
            sound = torch.isfinite(total) & torch.isfinite(norm)
            commit_running_means(self, sound)
            self.unread.append((self.step, sound, terms))
            inner: Any = getattr(optimizer, "optimizer", optimizer)  # within what Lightning wraps around it
            if inner.defaults["fused"]:
                inner.found_inf = (~sound).float()
            optimizer.step()

    def read_back(self) -> None:
        """Name the steps since the last call that were skipped."""
        unread, self.unread = self.unread, []
        for (step, _, terms), sound in zip(unread, torch.stack([flag for _, flag, _ in unread]).tolist() if unread else (), strict=True):
            self.skipped = 0 if sound else self.skipped + 1
            if not sound:
                self.tell_skipped(step, terms)

    def tell_skipped(self, step: int, terms: dict[str, Tensor]) -> None:
        """Name what is not finite; give up after :data:`MOST_SKIPPED` steps in a row."""
        bad = [f"the term {name}" for name, value in terms.items() if not torch.isfinite(value)]
        if not bad and step == self.step:
            broken = [name for name, value in self.named_parameters() if value.grad is not None and not value.grad.isfinite().all()]
            bad = [f"the gradient of {name.removeprefix('model.')}" for name in broken[:1]]
        bad = bad or ["the gradient"]
        what = f"{', '.join(bad)} {'are' if len(bad) > 1 else 'is'} not finite"
        if self.skipped >= MOST_SKIPPED:
            advice = "lower training.learning_rate, or look at the frames"
            raise InputError("training", f"{what} at step {step}, the {MOST_SKIPPED}th in a row", advice)
        log.warning("step %d is skipped: %s", step, what)
        self.history.record(step, {"skipped": torch.ones(())})

    def check_health(self) -> None:
        """Name dead and merged keypoints; stop where nothing can come of it any more."""
        report, self.health = self.health.report(), KeypointHealth(self.model.names)
        self.history.record(self.step - 1, {"merged": torch.tensor(len(report.merged)), "dead": torch.tensor(len(report.dead))})
        if report.collapsed and self.step > COLLAPSE_AFTER * self.config.training.steps:
            raise InputError("training", f"all keypoints are in one place at step {self.step}", self.model.remedy)
        if str(report):
            log.warning("step %d: %s", self.step, report)

    def configure_optimizers(self) -> Any:
        """SGD as in the paper, or AdamW; warm-up, then a cosine to the final rate."""
        settings = self.config.training
        groups = self.model.group_parameters(settings)
        sgd, adamw = partial(torch.optim.SGD, momentum=0.9), partial(torch.optim.AdamW, weight_decay=1e-4)
        # Fused ones can skip a step without being told by this side; there are none for the device meta, on which training is checked.
        fused = self.device.type != "meta"
        optimizer = (sgd if settings.optimizer == "sgd" else adamw)(groups, lr=settings.learning_rate, fused=fused)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self.rate_at)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def rate_at(self, step: int) -> float:
        """Share of the peak learning rate at a step."""
        settings = self.config.training
        rise = min(1.0, (step + 1) / max(settings.warmup_steps, 1))
        fall = 0.5 * (1 + math.cos(math.pi * min(step / settings.steps, 1.0)))
        return rise * (settings.final_learning_rate + (1 - settings.final_learning_rate) * fall)
