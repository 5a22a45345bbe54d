"""Previews and validation: pictures, which step was the best, when a training ends."""

from pathlib import Path

import cv2
import lightning
import numpy as np
import torch

from bkind3d.checkpoint import Provenance, load_model
from bkind3d.config import ExperimentConfig
from bkind3d.data.datasets import SessionFrames
from bkind3d.data.parquet import read_table
from bkind3d.methods.discovery.objective import DiscoveryObjective
from bkind3d.training import trainer
from bkind3d.training.callbacks import DRAWS_OF_VALIDATION, Previews, Validation
from bkind3d.training.module import Training
from tests.unit.scenes import write_session
from tests.unit.training.experiments import CPU, fill_memory, make_small_experiment, with_training


def test_previews_and_curves_are_written_while_training(tmp_path) -> None:
    folder = trainer.train_model(make_small_experiment(3), {"one": write_session(tmp_path, "one")}, tmp_path / "store", CPU)
    picture = cv2.imread(str(folder / "preview.jpg"))
    assert picture.shape == (3 * 160, 3 * 160, 3)
    assert picture.std() > 10
    assert list((folder / "tensorboard").glob("events.out.tfevents.*"))


def make_module(config: ExperimentConfig) -> Training:
    module = Training(config)
    module.trainer = lightning.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    return module


def make_validation(module: Training, folder: Path) -> Validation:
    """Watch a session of its own, whose subject nobody turned."""
    session, settings = SessionFrames(write_session(folder, "two", seed=1)), module.config.training
    headings = {"two": np.zeros(len(session), np.float32)}
    samples = module.objective.make_samples([session], headings, {}, settings.validation_pairs, settings.seed + DRAWS_OF_VALIDATION)
    return Validation(samples, Provenance("x", 0, "mm", 0), folder / "best.pt")


def test_validation_keeps_the_best_model_and_ends_early(tmp_path, monkeypatch) -> None:
    frames = {name: write_session(tmp_path, name, seed=seed) for seed, name in enumerate(("one", "two"))}
    config = with_training(make_small_experiment(20), validation_sessions=("two",), validation_every=2, validation_pairs=4, patience=3)
    values = iter([5.0, 4.0, 6.0, 7.0, 4.5])
    original = Validation.compute
    monkeypatch.setattr(Validation, "compute", lambda self, module: {**original(self, module), "total": torch.tensor(next(values))})
    folder = trainer.train_model(config, frames, tmp_path / "store", CPU)
    assert load_model(folder / "model.pt")[1].steps == 4
    assert load_model(folder / "last.pt")[1].steps == 10
    edges = [load_model(folder / name)[0].edges().detach().numpy() for name in ("model.pt", "last.pt")]
    assert np.allclose(read_table(folder / "edges.parquet", "edges")["weight"], edges[0])
    assert not np.allclose(*edges)
    history = read_table(folder / "history.parquet", "history")
    assert history["step"].max() == 9
    assert set(history["term"]) >= {"validation_total", "validation_consistency"}


def test_validation_computes_the_same_for_the_same_weights(tmp_path) -> None:
    module = make_module(with_training(make_small_experiment(5), validation_pairs=6))
    validation = make_validation(module, tmp_path)
    first, second = validation.compute(module), validation.compute(module)
    assert first == second
    assert module.training
    assert sum(len(batch[0]) for batch in validation.batches) == 6


def test_validation_takes_no_more_memory_than_training(tmp_path, monkeypatch) -> None:
    frames = {name: write_session(tmp_path, name, seed=seed) for seed, name in enumerate(("one", "two"))}
    config = with_training(make_small_experiment(1), validation_sessions=("two",), validation_pairs=5, micro_batch_size=1)
    monkeypatch.setattr(Previews, "on_train_batch_end", lambda *_: None)
    fill_memory(monkeypatch, 2)
    folder = trainer.train_model(config, frames, tmp_path / "store", CPU)
    assert np.isfinite(read_table(folder / "history.parquet", "history").query("term == 'validation_total'")["value"]).all()


def test_a_term_that_begins_late_does_not_decide_which_step_was_the_best(tmp_path) -> None:
    module = make_module(with_training(make_small_experiment(10, length=1.0, length_start=0.5), validation_pairs=2))
    validation = make_validation(module, tmp_path)
    early = validation.compute(module)
    module.step = 9
    assert validation.compute(module) == early
    assert early["length"] > 0


def test_a_look_without_a_finite_value_is_never_the_best(tmp_path) -> None:
    module = make_module(make_small_experiment(10))
    validation = make_validation(module, tmp_path)
    for step, value in enumerate((float("nan"), 3.0, float("nan")), 1):
        module.step = step
        validation.judge(module.trainer, module, value)
    assert module.best == {"value": 3.0, "step": 2, "stale": 1}


def test_places_on_the_body_come_from_sessions_that_are_learned_from_alone(tmp_path) -> None:
    frames = {name: write_session(tmp_path, name, seed=seed, radii=(3, 4, 5, 7)) for seed, name in enumerate(("one", "two"))}
    alone = trainer.train_model(make_small_experiment(1), {"one": frames["one"]}, tmp_path / "store", CPU)
    watched = trainer.train_model(with_training(make_small_experiment(1), validation_sessions=("two",)), frames, tmp_path / "store", CPU)
    places = [load_model(folder / "untrained.pt")[0].detector.places for folder in (alone, watched)]
    assert places[0].abs().max() > 0.05
    assert torch.equal(*places)


def test_validation_sees_held_out_sessions_alone_and_training_the_others(tmp_path, monkeypatch) -> None:
    original, seen = DiscoveryObjective.make_samples, []

    def note(self, sessions, *others):
        seen.append([session.session for session in sessions])
        return original(self, sessions, *others)

    monkeypatch.setattr(DiscoveryObjective, "make_samples", note)
    frames = {name: write_session(tmp_path, name, seed=seed) for seed, name in enumerate(("one", "two", "three"))}
    config = with_training(make_small_experiment(1), validation_sessions=("two",), validation_pairs=2)
    trainer.train_model(config, frames, tmp_path / "store", CPU)
    assert seen == [["one", "three"], ["one", "three"], ["two"]]  # to count a step, to learn from, to watch
