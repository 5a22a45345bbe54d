"""A training that is killed again and again ends with the weights of one that was left alone."""

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest
import torch

from bkind3d.checkpoint import load_model
from bkind3d.cli import main
from bkind3d.config import ExperimentConfig, parse_section
from bkind3d.training import trainer  # noqa: F401 - imported once, before processes are forked
from tests.unit.scenes import write_session

STEPS = 100


def start(folder: Path, config: Path, frames: str) -> multiprocessing.Process:
    """Start the verb in a process of its own, which need not import everything again."""
    arguments = ["train-model", "--config", str(config), "--frames", frames, "--store", str(folder / "models"), "--device", "cpu"]
    arguments += [part for name in ("output", "untrained", "history", "edges") for part in (f"--{name}", str(folder / name))]
    process = multiprocessing.get_context("fork").Process(target=lambda: os._exit(main(arguments)))
    process.start()
    return process


def read_step(folder: Path) -> int:
    """The step of the last checkpoint."""
    paths = list((folder / "models").glob("*/resume.pt"))
    return int(torch.load(paths[0], weights_only=True)["step"]) if paths else 0


@pytest.mark.slow
def test_twenty_kills_change_nothing(tmp_path):
    """By all that ends a job: SIGKILL, which nothing can be done about, the signals of schedulers, and Ctrl-C."""
    values = {
        "preset": "demo",
        "frames": "subject",
        "model": {"n_keypoints": 4, "n_symmetric_pairs": 1, "volume_size": 8, "volume_channels": 4, "volume_levels": 1},
        "training": {"steps": STEPS, "batch_size": 2, "log_every": 1, "precision": "32", "drop_views": 0.3, "checkpoint_minutes": 1e-6},
    }
    config = tmp_path / "experiment.json"
    config.write_text(parse_section(ExperimentConfig, values, "test").model_dump_json())
    frames = "one=" + ",".join(map(str, write_session(tmp_path / "frames", "one")))
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    assert wait(start(alone, config, frames)) == 0
    chance = random.Random(0)
    for _ in range(20):
        before = read_step(killed)
        process = start(killed, config, frames)
        while read_step(killed) == before and process.is_alive():
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 0.05))
        assert process.is_alive(), "the training ended before it could be killed"
        os.kill(process.pid, chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1]))
        assert wait(process) != 0
        assert not (killed / "output").exists()
    assert wait(start(killed, config, frames)) == 0
    one, other = (load_model(folder / "output")[0].state_dict() for folder in (alone, killed))
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def wait(process: multiprocessing.Process) -> int:
    """Exit code of a process."""
    process.join(timeout=120)
    return process.exitcode
