"""Budgets in counted operations: a step's count is what the counter sees, and the training ends where the budget does."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from bkind3d.checkpoint import load_model
from bkind3d.config import ExperimentConfig, parse_section
from bkind3d.data.datasets import SessionFrames, collate_moments
from bkind3d.data.parquet import read_metadata
from bkind3d.training import trainer
from bkind3d.training.budget import FORMULAS, allot_steps, count_step
from bkind3d.training.module import Training
from tests.unit.scenes import write_session
from tests.unit.training.experiments import CPU, make_small_experiment, with_training

SUPERVISED = {"volume_size": 8, "volume_channels": 4, "volume_levels": 1, "encoder": "none"}


def make_samples(module: Training, paths):
    session = SessionFrames(paths)
    joints = np.zeros((len(session), len(module.model.names), 3), np.float32)
    truth = {session.session: joints} if module.config.description.role == "supervised" else {}
    return module.objective.make_samples([session], {session.session: np.zeros(len(session), np.float32)}, truth, 4, 0)


@pytest.mark.parametrize("method", ["discovery", "supervised"])
def test_a_step_is_counted_without_being_computed(tmp_path, method: str) -> None:
    config = make_small_experiment(3)
    if method == "supervised":
        values = {"method": method, "frames": "subject", "model": SUPERVISED, "training": {"batch_size": 2}}
        config = parse_section(ExperimentConfig, values, "test")
    module = Training(config, ["nose", "tail"] if method == "supervised" else ())
    samples = make_samples(module, write_session(tmp_path, "one"))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    counted = count_step(module, samples)
    assert all(value.equal(before[name]) for name, value in module.state_dict().items())
    assert all(value.grad is None for value in module.parameters())
    batch = collate_moments([samples[0], samples[1]])
    with FlopCounterMode(display=False) as counter:
        module.compute(batch, module.objective.draw(0, batch[0].views.present.shape[1], 2))
    assert counted == pytest.approx(counter.get_total_flops() / 1e12)
    assert counted > 1e-6


@pytest.mark.parametrize("groups", [1, 2, 8])
def test_gradients_of_a_grouped_convolution_take_as_many_operations_as_itself(groups: int) -> None:
    convolution, pictures = torch.nn.Conv2d(8, 8, 3, padding=1, groups=groups), torch.rand(2, 8, 6, 5, requires_grad=True)
    with FlopCounterMode(display=False, custom_mapping=FORMULAS) as counter:
        convolution(pictures).sum().backward()
    assert counter.get_total_flops() == 3 * (2 * 6 * 5) * (2 * 8 * 8 * 9) // groups


def test_what_saves_memory_costs_no_budget(tmp_path) -> None:
    paths = write_session(tmp_path, "one")
    modules = [Training(with_training(make_small_experiment(3), activation_checkpointing=flag)) for flag in (False, True)]
    counts = [count_step(module, make_samples(module, paths)) for module in modules]
    assert counts[0] == counts[1]


def test_a_training_ends_with_its_budget_and_says_what_it_took(tmp_path) -> None:
    frames = {"one": write_session(tmp_path, "one")}
    config = make_small_experiment(3)
    free = trainer.train_model(config, frames, tmp_path / "store", CPU)
    per_step = load_model(free / "model.pt")[1].tflop_per_step
    budget = with_training(config, budget_tflop=5.2 * per_step)
    assert allot_steps(budget.training, per_step).steps == 5
    assert allot_steps(with_training(config, budget_tflop=per_step / 9).training, per_step).steps == 1
    folder = trainer.train_model(budget, frames, tmp_path / "store", CPU)
    assert folder != free
    provenance = load_model(folder / "model.pt")[1]
    assert (provenance.steps, provenance.tflop_per_step) == (5, per_step)
    assert read_metadata(folder / "history.parquet")["tflop_per_step"] == per_step
