"""One step: the same in micro-batches of any size, and skipped where it is not sound."""

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from bkind3d.checkpoint import load_model
from bkind3d.config import ExperimentConfig, InputError, find_settings, list_methods, parse_section
from bkind3d.data.datasets import Moments
from bkind3d.data.parquet import read_table
from bkind3d.methods.discovery.objective import DiscoveryObjective
from bkind3d.networks.detector import KeypointDetector
from bkind3d.training import checks, trainer
from bkind3d.training.callbacks import Previews
from bkind3d.training.module import Training
from bkind3d.training.sample_memory import make_random_moments
from tests.unit.scenes import write_session
from tests.unit.training.experiments import (
    CPU,
    assert_equal_models,
    fill_memory,
    make_plain_experiment,
    make_small_experiment,
    with_training,
)

#: Of a network that takes a step in no time.
SMALL = {"volume_size": 8, "volume_channels": 4, "volume_levels": 1, "n_keypoints": 4, "n_symmetric_pairs": 1}


@pytest.mark.parametrize("size", [1, 3])
def test_micro_batches_change_nothing(tmp_path, monkeypatch, size: int) -> None:
    frames = {"one": write_session(tmp_path, "one", n_views=4)}
    config = make_plain_experiment()
    whole = trainer.train_model(config, frames, tmp_path / "whole", CPU)
    parts = trainer.train_model(with_training(config, micro_batch_size=size), frames, tmp_path / "parts", CPU)
    assert whole.name == parts.name
    assert_equal_models(whole, parts, 1e-5)
    first, last = (load_model(whole / name)[0].state_dict()["detector.volume_network.head.weight"] for name in ("untrained.pt", "model.pt"))
    assert (first - last).abs().max() > 1e-3


def test_full_memory_makes_micro_batches_smaller_until_they_fit(tmp_path, monkeypatch) -> None:
    frames = {"one": write_session(tmp_path, "one")}
    config = make_plain_experiment()
    whole = trainer.train_model(config, frames, tmp_path / "whole", CPU)
    monkeypatch.setattr(Previews, "on_train_batch_end", lambda *_: None)
    fill_memory(monkeypatch, 2)
    assert_equal_models(whole, trainer.train_model(config, frames, tmp_path / "parts", CPU), 1e-5)


def break_at(monkeypatch, steps: range) -> None:
    """Make a loss that is not finite at some steps."""
    original = DiscoveryObjective.forward

    def broken(self, model, moments, draws, progress):
        terms, positions = original(self, model, moments, draws, progress)
        if round(progress * 20) in steps:
            terms["coverage"] = terms["coverage"] * torch.nan
        return terms, positions

    monkeypatch.setattr(DiscoveryObjective, "forward", broken)


def test_a_step_that_is_not_finite_is_skipped_and_named(tmp_path, monkeypatch, caplog) -> None:
    break_at(monkeypatch, range(4, 6))
    folder = trainer.train_model(make_small_experiment(20, length=1.0), {"one": write_session(tmp_path, "one")}, tmp_path / "store", CPU)
    assert "step 4 is skipped: the term coverage is not finite" in caplog.text
    history = read_table(folder / "history.parquet", "history")
    assert history.query("term == 'skipped'")["step"].tolist() == [4, 5]
    assert all(value.isfinite().all() for value in load_model(folder / "model.pt")[0].state_dict().values())


def test_averages_do_not_begin_with_a_step_that_is_not_finite(tmp_path, monkeypatch) -> None:
    compute, detect = DiscoveryObjective.forward, KeypointDetector.forward

    def lose(self, *arguments):
        estimate = detect(self, *arguments)
        return replace(estimate, positions=estimate.positions * torch.nan)

    def broken(self, model, moments, draws, progress):
        with monkeypatch.context() as patch:
            if progress == 0:
                patch.setattr(KeypointDetector, "forward", lose)
            return compute(self, model, moments, draws, progress)

    monkeypatch.setattr(DiscoveryObjective, "forward", broken)
    folder = trainer.train_model(make_small_experiment(12, length=1.0), {"one": write_session(tmp_path, "one")}, tmp_path / "store", CPU)
    history = read_table(folder / "history.parquet", "history")
    assert history.query("term == 'skipped'")["step"].tolist() == [0]
    assert np.isfinite(history.query("step > 0")["value"]).all()


def test_ten_steps_in_a_row_that_are_not_finite_stop_the_training(tmp_path, monkeypatch) -> None:
    break_at(monkeypatch, range(3, 20))
    with pytest.raises(InputError, match=r"the term coverage is not finite at step 12, the 10th in a row; lower training.learning_rate"):
        trainer.train_model(make_small_experiment(20), {"one": write_session(tmp_path, "one")}, tmp_path / "store", CPU)


def make_on_meta(method: str, preset: str) -> tuple[Training, tuple[Moments, ...]]:
    """A module at its full size, and a batch, on the device that has shapes and no numbers."""
    config = parse_section(ExperimentConfig, {"method": method, "preset": preset, "frames": "f", "training": {"batch_size": 2}}, preset)
    names = ["nose", "back", "tail"] if config.description.role == "supervised" else ()
    with torch.device("meta"):
        module = Training(config.without_published_weights().for_cameras(4), names)
    return module.to("meta"), (make_random_moments(2, 4, 64, 3).to("meta"),) * module.objective.n_moments


@pytest.mark.parametrize(("method", "preset"), [(name, preset) for name in list_methods() for preset in find_settings(name).presets])
def test_two_steps_of_every_preset_stay_on_their_device_and_read_nothing_back(method, preset) -> None:
    module, batch = make_on_meta(method, preset)
    optimizer = module.configure_optimizers()["optimizer"]
    for module.step in range(2):
        optimizer.zero_grad()
        terms = module.compute(batch, module.objective.draw(module.step, 4, 2))
        module.update(optimizer, terms, torch.stack(list(terms.values())).sum())
    assert all(sound.is_meta and value.is_meta for _, sound, terms in module.unread for value in terms.values())


def test_steps_that_are_read_back_late_are_skipped_all_the_same(caplog) -> None:
    module = checks.make_training(
        parse_section(ExperimentConfig, {"preset": "demo", "frames": "f", "losses": {"length": 1.0}, "model": SMALL}, "small")
    )
    optimizer, batch = module.configure_optimizers()["optimizer"], checks.make_batch(module, 2)

    def step(number: int, spoil: float) -> None:
        module.step = number
        optimizer.zero_grad()
        terms = module.compute(batch, module.objective.draw(number, checks.N_VIEWS, 2)) | {"spoilt": torch.tensor(spoil)}
        module.update(optimizer, terms, torch.stack(list(terms.values())).sum())

    step(0, 0.0)
    before = copy.deepcopy((module.state_dict(), optimizer.state_dict()["state"]))
    for number in (1, 2):
        step(number, math.nan)
    assert not caplog.records
    module.read_back()
    assert module.skipped == 2 and "step 1 is skipped: the term spoilt is not finite" in caplog.text
    checks.assert_equal(before[0], module.state_dict(), "after steps that are skipped")
    for number, state in optimizer.state_dict()["state"].items():
        checks.assert_equal(before[1][number], state, "after steps that are skipped")
