"""A training in several processes, as srun starts them."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from bkind3d.checkpoint import load_model
from bkind3d.data.parquet import read_table

pytestmark = pytest.mark.slurm


def test_two_tasks_train_the_model_of_one(slurm, study):
    """Two tasks on CPUs, as there would be one for each GPU; the study's model was trained by one process."""
    training = study / "results/experiments/tiny/training"
    frames = ",".join(f"{study}/results/frames/small/s1/cam{n}.parquet" for n in (1, 2))
    outputs = [part for name in ("output", "untrained", "history", "edges") for part in (f"--{name}", str(study / "two" / name))]
    command = ["srun", "--partition=cpu", "--ntasks=2", "--ntasks-per-node=2", "--time=10", "--mem=4000", "--chdir", str(study)]
    command += [sys.executable, "-m", "bkind3d", "train-model", "--config", "results/config/training/tiny.json", "--frames", f"s1={frames}"]
    slurm.run(*command, "--store", str(study / "two" / "models"), *outputs, "--device", "cpu", "--devices", "2")
    one, two = (load_model(path)[0].state_dict() for path in (training / "model.pt", study / "two" / "output"))
    # Biases in front of a softmax or a normalisation have no gradient but rounding, of which the optimiser makes steps of full length.
    assert all(torch.allclose(value, two[name], atol=1e-3) for name, value in one.items() if not name.endswith("bias"))
    first, second = (read_totals(path) for path in (training / "history.parquet", study / "two" / "history"))
    assert len(first) > 10
    np.testing.assert_allclose(second, first, rtol=1e-3)
    assert len(list((study / "two" / "models").iterdir())) == 1


def read_totals(path: Path) -> np.ndarray:
    """The objective, step by step."""
    table = read_table(path, "history")
    return table.loc[table["term"] == "total", "value"].to_numpy()
