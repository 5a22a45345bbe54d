"""Checkpoints from which an interrupted training goes on, exactly as if nothing had happened.

All randomness of a step follows from the seed and the step's number, so that weights, optimiser, running averages and
the number of steps are the whole state.
"""

import logging
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from bkind3d.checkpoint import read_content, write_content
from bkind3d.config import TRAINING_REVISION, InputError, TrainingConfig
from bkind3d.data.parquet import write_table
from bkind3d.training.machine import requeue_job
from bkind3d.training.module import Training

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
#: What SLURM is asked to send before the time of a job is over (profiles/slurm).
WARNING_SIGNAL = signal.SIGUSR1


class ResumeCheckpoint(Callback):
    """Write a checkpoint every so many minutes, at a signal and at the end, to the training's `folder`; read it when a training goes on.

    A checkpoint that cannot be written (the disk is full) is told, the one before stays, and the training goes on.
    """

    def __init__(self, folder: Path, minutes: float) -> None:
        self.path, self.history, self.identity = folder / "resume.pt", folder / "history.parquet", folder.name
        self.seconds, self.saved = 60 * minutes, time.monotonic()
        self.received: int | None = None
        self.content: dict[str, Any] | None = None

    def read(self) -> int:
        """Read the checkpoint, if there is one; give the step at which the training goes on."""
        if not self.path.exists():
            return 0
        advice = f"delete {self.path} to train from the beginning"
        self.content = read_content(self.path, "bkind3d-resume", TRAINING_REVISION, advice)
        identity = self.content.get("identity", self.identity)
        if identity != self.identity:
            raise InputError(self.path, f"is a checkpoint of training {identity}, with other settings or frames", advice)
        return int(self.content["step"])

    def is_over(self, settings: TrainingConfig) -> bool:
        """Whether the checkpoint is that of a training that has ended: nothing but its last files is missing."""
        if self.content is None:
            return False
        stale = self.content["best"].get("stale", 0)
        return self.content["step"] >= settings.steps or 0 < settings.patience <= stale

    def restore(self, module: Training) -> None:
        """Take up weights, running averages and history of the checkpoint."""
        assert self.content is not None
        module.load_state_dict(self.content["module"])
        module.step, module.skipped, module.best = self.content["step"], self.content["skipped"], self.content["best"]
        module.history.restore(self.content["history"])
        module.health.restore(self.content["health"], module.device)

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Take up the state of the checkpoint, and listen to signals in place of Lightning, which restores what was before."""
        assert isinstance(pl_module, Training)
        if self.content is not None:
            self.restore(pl_module)
            trainer.optimizers[0].load_state_dict(self.content["optimizer"])
            trainer.lr_scheduler_configs[0].scheduler.load_state_dict(self.content["schedule"])
            self.content = None
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                signal.signal(number, self.note)

    def note(self, number: int, frame: FrameType | None) -> None:
        """Note a signal: the step that is being computed is finished first."""
        self.received = number

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: object) -> None:
        """Write a checkpoint if it is time; stop if a signal asked for it."""
        assert isinstance(pl_module, Training)
        due = time.monotonic() - self.saved >= self.seconds
        flags = self.received is not None, due or pl_module.is_last or pl_module.stopped_early
        stop, due = (trainer.strategy.reduce_boolean_decision(flag, all=False) for flag in flags)
        if stop or due:
            self.save(trainer, pl_module)
        if stop:
            name = signal.Signals(self.received).name if self.received is not None else "a signal to another process"
            log.info("stopping after step %d because of %s", pl_module.step, name)
            if self.received == WARNING_SIGNAL and trainer.is_global_zero:
                requeue_job()
            advice = "the same command goes on from the last checkpoint"
            sys.exit(f"bkind3d train-model: stopped by {name} after step {pl_module.step}; {advice}")

    def save(self, trainer: lightning.Trainer, module: Training) -> None:
        """Write the checkpoint, and the history so far."""
        self.saved = time.monotonic()
        module.read_back()
        if not trainer.is_global_zero:
            return
        optimizer, schedule = trainer.optimizers[0], trainer.lr_scheduler_configs[0].scheduler
        states = {"module": module.state_dict(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict()}
        done = {"step": module.step, "skipped": module.skipped, "best": module.best}
        noted = {"history": module.history.state(), "health": module.health.state()}
        try:
            write_content({"identity": self.identity, **states, **done, **noted}, "bkind3d-resume", TRAINING_REVISION, self.path)
            write_table(module.history.table(), "history", self.history)
        except (OSError, InputError) as error:
            log.warning("no checkpoint at step %d (%s); the one before stays, and the training goes on", module.step, error)
