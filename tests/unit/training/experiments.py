"""Small experiments, how their trainings are disturbed, and how two models are compared."""

import os
import signal
from pathlib import Path

import torch

from bkind3d.checkpoint import load_model
from bkind3d.config import ExperimentConfig, parse_section
from bkind3d.networks.detector import KeypointDetector
from bkind3d.training.machine import Machine
from bkind3d.training.module import Training

CPU = Machine("cpu")


def make_small_experiment(steps: int, **losses: float) -> ExperimentConfig:
    values = {
        "preset": "demo",
        "frames": "subject",
        "model": {"n_keypoints": 4, "n_symmetric_pairs": 1, "volume_size": 8, "volume_channels": 4, "volume_levels": 1},
        "losses": losses,
        "training": {"steps": steps, "batch_size": 2, "log_every": 1, "precision": "32", "drop_views": 0.3},
    }
    return parse_section(ExperimentConfig, values, "test")


def with_training(config: ExperimentConfig, **settings: object) -> ExperimentConfig:
    return config.model_copy(update={"training": config.training.model_copy(update=settings)})


def make_plain_experiment() -> ExperimentConfig:
    """Plain gradient descent: AdamW's first steps have the same size however small a gradient is, that of rounding included."""
    settings = {"batch_size": 4, "optimizer": "sgd", "learning_rate": 0.03, "warmup_steps": 0, "drop_views": 0.3}
    return with_training(make_small_experiment(3, length=1.0, length_start=0.0), **settings)


def signal_after(monkeypatch, n: int) -> None:
    """End the training with a signal while it computes step `n`, as schedulers do."""
    original = Training.training_step

    def interrupted(self, batch, batch_index) -> None:
        original(self, batch, batch_index)
        if self.step == n:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Training, "training_step", interrupted)


def assert_equal_models(one: Path, other: Path, tolerance: float = 0.0) -> None:
    weights = [load_model(folder / "model.pt")[0].state_dict() for folder in (one, other)]
    for name, value in weights[0].items():
        assert torch.allclose(value, weights[1][name], rtol=0, atol=tolerance), name


def fill_memory(monkeypatch, n_moments: int) -> None:
    """Let memory hold `n_moments` at once and no more."""
    original = KeypointDetector.forward

    def limited(self, views, *arguments):
        if len(views.sides) > n_moments and not views.sides.is_meta:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return original(self, views, *arguments)

    monkeypatch.setattr(KeypointDetector, "forward", limited)
