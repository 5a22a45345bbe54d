"""A training that ends early goes on exactly; what is no checkpoint of it is refused."""

import resource
import shutil
import signal

import pandas as pd
import pytest

from bkind3d.checkpoint import read_content
from bkind3d.config import TRAINING_REVISION, InputError
from bkind3d.data.parquet import read_table
from bkind3d.training import trainer
from bkind3d.training.folder import hash_files, identify_training
from bkind3d.training.resume import ResumeCheckpoint
from tests.unit.scenes import write_session
from tests.unit.training.experiments import CPU, assert_equal_models, make_small_experiment, signal_after, with_training


def test_a_training_that_a_signal_ends_continues_exactly(tmp_path, monkeypatch) -> None:
    frames = {"one": write_session(tmp_path, "one")}
    config = make_small_experiment(4, length=1.0, length_start=0.0)
    straight = trainer.train_model(config, frames, tmp_path / "straight", CPU)
    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        signal_after(patch, 2)
        with pytest.raises(SystemExit, match="stopped by SIGTERM after step 2; the same command goes on from the last checkpoint"):
            trainer.train_model(config, frames, tmp_path / "resumed", CPU)
    assert signal.getsignal(signal.SIGTERM) == before
    assert not list((tmp_path / "resumed").glob("*/model.pt"))
    resumed = trainer.train_model(config, frames, tmp_path / "resumed", CPU)
    assert_equal_models(straight, resumed)
    histories = [read_table(folder / "history.parquet", "history") for folder in (straight, resumed)]
    pd.testing.assert_frame_equal(histories[0].drop(columns="seconds"), histories[1].drop(columns="seconds"))
    assert not (resumed / "resume.pt").exists()


def test_a_checkpoint_of_other_keypoints_is_refused(tmp_path, monkeypatch) -> None:
    frames, config = {"one": write_session(tmp_path, "one")}, make_small_experiment(3)
    more = config.model_copy(update={"model": config.model.model_copy(update={"n_keypoints": 5})})
    store, hashes = tmp_path / "store", hash_files(frames)
    with monkeypatch.context() as patch:
        signal_after(patch, 1)
        with pytest.raises(SystemExit):
            trainer.train_model(config, frames, store, CPU)
    here, there = (store / identify_training(settings, hashes) for settings in (config, more))
    there.mkdir()
    shutil.copyfile(here / "resume.pt", there / "resume.pt")
    with pytest.raises(
        InputError, match=rf"resume.pt: is a checkpoint of training {here.name}, with other settings .*; delete .*resume.pt"
    ):
        trainer.train_model(more, frames, store, CPU)


def test_a_training_killed_after_its_last_step_needs_no_further_step(tmp_path, monkeypatch) -> None:
    frames, config = {"one": write_session(tmp_path, "one")}, make_small_experiment(3)
    straight = trainer.train_model(config, frames, tmp_path / "straight", CPU)
    with monkeypatch.context() as patch:
        signal_after(patch, 3)
        with pytest.raises(SystemExit):
            trainer.train_model(config, frames, tmp_path / "killed", CPU)
    assert_equal_models(straight, trainer.train_model(config, frames, tmp_path / "killed", CPU))


def test_a_full_disk_leaves_the_old_checkpoint_and_the_training_goes_on(tmp_path, monkeypatch, caplog) -> None:
    frames, config = {"one": write_session(tmp_path, "one")}, with_training(make_small_experiment(3), checkpoint_minutes=1e-9)
    straight = trainer.train_model(config, frames, tmp_path / "straight", CPU)
    original, sizes = ResumeCheckpoint.save, []

    def save(self, *arguments) -> None:
        # No file may grow beyond a kilobyte while the second checkpoint is written.
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024 if len(sizes) == 1 else soft, hard))
        try:
            original(self, *arguments)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        sizes.append(read_content(self.path, "bkind3d-resume", TRAINING_REVISION, "")["step"])

    monkeypatch.setattr(ResumeCheckpoint, "save", save)
    assert_equal_models(straight, trainer.train_model(config, frames, tmp_path / "full", CPU))
    assert sizes == [1, 1, 3]
    assert "no checkpoint at step 2 (" in caplog.text
