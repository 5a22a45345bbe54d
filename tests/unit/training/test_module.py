"""One step: the same in micro-batches of any size, and skipped where it is not sound."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bkind3d.checkpoint import load_model
from bkind3d.config import InputError
from bkind3d.data.parquet import read_table
from bkind3d.methods.discovery.objective import DiscoveryObjective
from bkind3d.networks.detector import KeypointDetector
from bkind3d.training import trainer
from bkind3d.training.callbacks import Previews
from tests.unit.scenes import write_session
from tests.unit.training.experiments import (
    CPU,
    assert_equal_models,
    fill_memory,
    make_plain_experiment,
    make_small_experiment,
    with_training,
)


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
