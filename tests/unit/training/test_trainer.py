"""Training: it learns, is never repeated, and is refused where it cannot work."""

import numpy as np
import pytest

from bkind3d.config import ExperimentConfig, InputError, parse_section
from bkind3d.data.datasets import PairDataset, SessionFrames
from bkind3d.data.parquet import read_metadata, read_table, write_empty, write_table
from bkind3d.training import trainer
from bkind3d.training.machine import Machine
from bkind3d.training.trainer import warn_of_silhouettes
from tests.unit.scenes import write_session
from tests.unit.training.experiments import CPU, make_small_experiment, with_training


def test_training_lowers_the_loss(tmp_path) -> None:
    frames = {"one": write_session(tmp_path, "one", n_frames=20)}
    folder = trainer.train_model(make_small_experiment(60), frames, tmp_path / "store", CPU)
    total = read_table(folder / "history.parquet", "history").query("term == 'total'")["value"].to_numpy()
    assert total[-15:].mean() < 0.9 * total[:15].mean()
    edges = read_table(folder / "edges.parquet", "edges")
    assert len(edges) == 6
    assert (edges["weight"] >= 0).all()


def test_a_complete_training_is_not_repeated_and_another_one_does_not_touch_it(tmp_path) -> None:
    frames = {"one": write_session(tmp_path, "one")}
    first = trainer.train_model(make_small_experiment(2), frames, tmp_path / "store", CPU)
    written = (first / "model.pt").stat().st_mtime_ns
    assert trainer.train_model(make_small_experiment(2), frames, tmp_path / "store", CPU) == first
    assert trainer.train_model(make_small_experiment(3), frames, tmp_path / "store", CPU) != first
    assert (first / "model.pt").stat().st_mtime_ns == written
    trainer.deliver(first, {"model": tmp_path / "out" / "model.pt"})
    assert (tmp_path / "out" / "model.pt").read_bytes() == (first / "model.pt").read_bytes()


@pytest.mark.parametrize("preset", ["demo", "paper"])
def test_several_rigs_and_views_that_miss_frames_train_one_model(tmp_path, preset: str) -> None:
    """Two cameras, and seven at other distances with other lenses, each missing a third of the frames: every step is sound."""
    frames = {
        "pair": write_session(tmp_path, "pair", n_views=2),
        "ring": write_session(tmp_path, "ring", n_frames=16, n_views=7, seed=1, distances=(300.0, 800.0, 2000.0), missing=0.35),
    }
    lost = ~SessionFrames(frames["ring"]).valid
    assert 0.15 < lost.mean() < 0.5 and lost.any(axis=0).all()
    config = make_small_experiment(8)
    if preset == "paper":
        values = {
            "preset": "paper",
            "frames": "f",
            "model": {"n_keypoints": 4, "volume_size": 8, "volume_channels": 4, "volume_levels": 1, "encoder": "resnet18"},
            "losses": {"perceptual": "pyramid", "length_start": 0.0},
            "training": {"steps": 3, "batch_size": 2, "log_every": 1, "precision": "32", "frame_gap_seconds": 0.1},
        }
        config = parse_section(ExperimentConfig, values, "test")
    folder = trainer.train_model(config, frames, tmp_path / "store", CPU)
    history = read_table(folder / "history.parquet", "history")
    assert np.isfinite(history["value"]).all()
    assert "skipped" not in set(history["term"])
    sessions = [SessionFrames(paths) for paths in frames.values()]
    headings = {session.session: np.zeros(len(session), np.float32) for session in sessions}
    dataset = PairDataset(sessions, headings, 16, config.training.seed, 2, config.pair_gap_seconds)
    assert {int(dataset[index][0].views.present.sum()) for index in range(16)} >= {2, 4}


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_picture_is_named_in_one_line_whoever_reads_it(tmp_path, workers: int) -> None:
    paths = write_session(tmp_path, "one")
    table = read_table(paths[1], "frames")
    table["image"] = [b"x" if frame == 5 else image for frame, image in zip(table["frame"], table["image"], strict=True)]
    write_table(table, "frames", paths[1], {k: v for k, v in read_metadata(paths[1]).items() if k not in ("table", "version")})
    config = make_small_experiment(40)
    plain = config.model_copy(update={"model": config.model.model_copy(update={"heading": False, "place_spread": None})})
    with pytest.raises(InputError) as error:
        trainer.train_model(plain, {"one": paths}, tmp_path / "store", Machine("cpu", workers=workers))
    assert str(error.value) == f"{paths[1]}: the picture in row 5 cannot be decoded; delete the file and run again"


def test_worlds_of_different_units_are_refused(tmp_path) -> None:
    frames = {"one": write_session(tmp_path, "one"), "two": write_session(tmp_path, "two")}
    for path in frames["two"]:
        metadata = {k: v for k, v in read_metadata(path).items() if k not in ("table", "version")}
        write_table(read_table(path, "frames"), "frames", path, metadata | {"units": "m"})
    with pytest.raises(InputError, match="session two: its rig is in m"):
        trainer.train_model(make_small_experiment(2), frames, tmp_path / "store", CPU)


def test_held_out_sessions_have_to_be_there(tmp_path) -> None:
    frames = {"one": write_session(tmp_path, "one")}
    for held_out, message in ((("three",), "'three' is not a training session; those are one"), (("one",), "leave at least one")):
        with pytest.raises(InputError, match=message):
            trainer.train_model(with_training(make_small_experiment(2), validation_sessions=held_out), frames, tmp_path / "store", CPU)


def test_silhouettes_that_the_views_do_not_agree_on_are_told(tmp_path, caplog: pytest.LogCaptureFixture) -> None:
    sessions = []
    for name, agreement in (("one", 0.9), ("two", 0.6), ("three", None)):
        paths = write_session(tmp_path, name, 3, 3)
        write_table(read_table(paths[1], "frames"), "frames", paths[1], read_metadata(paths[1]) | {"agreement": agreement})
        sessions.append(SessionFrames(paths))
    warn_of_silhouettes(sessions)
    assert "do not agree on the silhouettes of two: look" in caplog.text
    caplog.clear()
    warn_of_silhouettes([sessions[0], sessions[2]])
    assert not caplog.records


def test_a_session_without_frames_is_left_out_and_none_at_all_refused(tmp_path) -> None:
    good, lost = ([tmp_path / f"{name}{view}.parquet" for view in range(2)] for name in ("good", "lost"))
    for path in (*good, *lost):
        write_empty("frames", path, {"failed": "camera cam2: no video"} if path in lost else {})
    assert trainer.leave_out_failed({"good": good, "lost": lost}) == {"good": good}
    with pytest.raises(InputError, match="no training session can be learned from; of the last, lost: camera cam2: no video"):
        trainer.leave_out_failed({"lost": lost})
