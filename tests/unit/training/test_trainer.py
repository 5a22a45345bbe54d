"""Training: resumed exactly, never repeated, refused where it cannot work; and it learns."""

import pandas as pd
import pytest
import torch

from bkind3d.checkpoint import load_model, save_model
from bkind3d.config import ExperimentConfig, InputError, parse_section
from bkind3d.data.datasets import SessionFrames
from bkind3d.data.parquet import read_metadata, read_table, write_table
from bkind3d.training import trainer
from bkind3d.training.identity import identify_training
from bkind3d.training.module import DiscoveryTraining, drop_views
from tests.unit.scenes import write_session


def small_experiment(steps: int, **losses: float) -> ExperimentConfig:
    values = {
        "preset": "demo",
        "frames": "subject",
        "model": {"n_keypoints": 4, "n_symmetric_pairs": 1, "volume_size": 8, "volume_channels": 4, "volume_levels": 1},
        "losses": losses,
        "training": {"steps": steps, "batch_size": 2, "log_every": 1, "precision": "32", "drop_views": 0.3},
    }
    return parse_section(ExperimentConfig, values, "test")


class Stopped(Exception):
    """The training was interrupted."""


def stop_after(monkeypatch, n: int) -> None:
    """Interrupt the training after `n` steps, with a checkpoint just written, as a signal would find it."""
    original = DiscoveryTraining.on_train_batch_end

    def interrupted(self, outputs, batch, batch_idx) -> None:
        original(self, outputs, batch, batch_idx)
        if self.global_step == n:
            self.trainer.save_checkpoint(self.trainer.checkpoint_callback.dirpath + "/last.ckpt")
            raise Stopped

    monkeypatch.setattr(DiscoveryTraining, "on_train_batch_end", interrupted)


def test_an_interrupted_training_continues_exactly(tmp_path, monkeypatch) -> None:
    frames = {"one": write_session(tmp_path, "one")}
    config = small_experiment(4, length=1.0, length_start=0.0)
    straight = trainer.train_model(config, frames, tmp_path / "straight", "cpu")
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        with pytest.raises(Stopped):
            trainer.train_model(config, frames, tmp_path / "resumed", "cpu")
    resumed = trainer.train_model(config, frames, tmp_path / "resumed", "cpu")
    for (name, value), other in zip(
        load_model(straight / "model.pt")[0].state_dict().items(), load_model(resumed / "model.pt")[0].state_dict().values(), strict=True
    ):
        assert torch.equal(value, other), name
    histories = [read_table(folder / "history.parquet", "history") for folder in (straight, resumed)]
    pd.testing.assert_frame_equal(histories[0].drop(columns="seconds"), histories[1].drop(columns="seconds"))
    assert not (resumed / "last.ckpt").exists()


def test_a_complete_training_is_not_repeated_and_another_one_does_not_touch_it(tmp_path) -> None:
    frames = {"one": write_session(tmp_path, "one")}
    first = trainer.train_model(small_experiment(2), frames, tmp_path / "store", "cpu")
    written = (first / "model.pt").stat().st_mtime_ns
    assert trainer.train_model(small_experiment(2), frames, tmp_path / "store", "cpu") == first
    assert trainer.train_model(small_experiment(3), frames, tmp_path / "store", "cpu") != first
    assert (first / "model.pt").stat().st_mtime_ns == written
    trainer.deliver(first, {"model": tmp_path / "out" / "model.pt"})
    assert (tmp_path / "out" / "model.pt").read_bytes() == (first / "model.pt").read_bytes()


def test_identity_depends_on_settings_and_data_but_not_on_evaluation(tmp_path) -> None:
    paths, others = write_session(tmp_path, "one"), write_session(tmp_path, "two", seed=1)
    config = small_experiment(2)
    judged = config.model_copy(update={"evaluation": config.evaluation.model_copy(update={"regressor": "ridge"})})
    assert identify_training(config, paths) == identify_training(judged, list(reversed(paths)))
    assert identify_training(config, paths) != identify_training(small_experiment(3), paths)
    assert identify_training(config, paths) != identify_training(config, others)


def test_training_lowers_the_loss(tmp_path) -> None:
    frames = {"one": write_session(tmp_path, "one", n_frames=20)}
    folder = trainer.train_model(small_experiment(60), frames, tmp_path / "store", "cpu")
    total = read_table(folder / "history.parquet", "history").query("term == 'total'")["value"].to_numpy()
    assert total[-15:].mean() < 0.9 * total[:15].mean()
    edges = read_table(folder / "edges.parquet", "edges")
    assert len(edges) == 6
    assert (edges["weight"] >= 0).all()


def test_worlds_of_different_units_are_refused(tmp_path) -> None:
    frames = {"one": write_session(tmp_path, "one"), "two": write_session(tmp_path, "two")}
    for path in frames["two"]:
        metadata = {k: v for k, v in read_metadata(path).items() if k not in ("table", "version")}
        write_table(read_table(path, "frames"), "frames", path, metadata | {"units": "m"})
    with pytest.raises(InputError, match="session two: its rig is in m"):
        trainer.train_model(small_experiment(2), frames, tmp_path / "store", "cpu")


def test_dropping_views_leaves_two(tmp_path) -> None:
    session = SessionFrames(write_session(tmp_path, "one", n_views=4))
    dropped = [drop_views(session.decode(0), 0.5, torch.Generator().manual_seed(i)).present.sum().item() for i in range(30)]
    assert min(dropped) == 2
    assert max(dropped) > 2


def test_a_file_that_is_no_model_and_one_of_another_revision_are_refused(tmp_path, monkeypatch) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(b"nonsense")
    with pytest.raises(InputError, match="cannot be read as a model"):
        load_model(path)
    torch.save({"weights": {}}, path)
    with pytest.raises(InputError, match="is not a bkind3d model"):
        load_model(path)
    module = DiscoveryTraining(small_experiment(1))
    save_model(module.model, trainer.Provenance("x", 1, "mm", 0), path)
    assert load_model(path)[1].units == "mm"
    monkeypatch.setattr("bkind3d.checkpoint.MODEL_REVISION", 99)
    with pytest.raises(InputError, match="train it again"):
        load_model(path)
