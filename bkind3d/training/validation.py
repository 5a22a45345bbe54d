"""Watch sessions that nothing is learned from: which step was the best, and whether to go on."""

import logging
import math
from dataclasses import replace
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor
from torch.utils.data import Dataset

from bkind3d.checkpoint import Provenance, save_model
from bkind3d.data.datasets import Moments, collate_moments
from bkind3d.training.machine import sum_over_processes
from bkind3d.training.module import Training

log = logging.getLogger(__name__)

#: Stands in place of a step's number when pairs and cubes for validation are drawn: they are the same ones every time.
DRAWS_OF_VALIDATION = 999_999


class Validation(Callback):
    """Compute the objective on the same samples of held-out sessions again and again; keep the best model.

    Every process computes all of it, so that all come to the same decision; as many samples at once as training computes.

    Parameters
    ----------
    samples : gives the samples of the held-out sessions, of which there are as many as wanted.
    provenance : of the model.
    path : where the best model is kept.
    """

    def __init__(self, samples: Dataset[tuple[Moments, ...]], provenance: Provenance, path: Path) -> None:
        self.samples, self.provenance, self.path = samples, provenance, path
        self.batches: list[tuple[Moments, ...]] = []

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: object) -> None:
        """Validate every so many steps, and after the last."""
        assert isinstance(pl_module, Training)
        settings = pl_module.config.training
        if pl_module.step % settings.validation_every and not pl_module.is_last:
            return
        terms = self.compute(pl_module)
        pl_module.history.record(pl_module.step - 1, {f"validation_{name}": value for name, value in terms.items()})
        # The processes' own values may differ by rounding.
        self.judge(trainer, pl_module, float(sum_over_processes(terms["total"]) / trainer.world_size))

    def judge(self, trainer: lightning.Trainer, module: Training, value: float) -> None:
        """Keep the model if it is the best so far, which one without a finite value never is; stop if none was for long."""
        settings, best = module.config.training, module.best
        value = value if math.isfinite(value) else math.inf
        if not best or value < best["value"]:
            module.best = {"value": value, "step": module.step, "stale": 0}
            if trainer.is_global_zero:
                save_model(module.model, replace(self.provenance, steps=module.step), self.path)
        else:
            module.best = {**best, "stale": best["stale"] + 1}
        log.info("step %d: validation %.4g, best %.4g at step %d", module.step, value, module.best["value"], module.best["step"])
        if settings.patience and module.best["stale"] >= settings.patience and not module.is_last:
            log.info("step %d: no better validation since step %d: the training ends here", module.step, module.best["step"])
            module.stopped_early = trainer.should_stop = True

    @torch.no_grad()
    def compute(self, module: Training) -> dict[str, Tensor]:
        """Mean of every term over the samples, and their total; terms that begin late count from the start, or no later step could be the best."""
        n_samples = module.config.training.validation_pairs
        parts = [range(n_samples)[first : first + 16] for first in range(0, n_samples, 16)]
        self.batches = self.batches or [collate_moments([self.samples[index] for index in part]) for part in parts]
        module.eval()
        totals: dict[str, Tensor] = {}
        for index, batch in enumerate(self.batches):
            n = len(batch[0])
            draws = module.objective.draw(DRAWS_OF_VALIDATION + index, batch[0].views.present.shape[1], n)
            for start in range(0, n, module.micro_batch):
                part = range(start, min(start + module.micro_batch, n))
                moments = Moments.stack([every.take(slice(part.start, part.stop)) for every in batch]).to(module.device)
                with torch.autocast(module.device.type, torch.bfloat16, enabled=module.trainer.precision == "bf16-mixed"):
                    terms, _ = module.look(moments, draws.take(part, module.device), progress=1.0)
                for name, value in terms.items():
                    totals[name] = totals.get(name, 0) + value * len(part) / n_samples
        module.train()
        return {**totals, "total": torch.stack(list(totals.values())).sum()}
