"""Budgets of labelled frames: drawn once, those of fewer among those of more, written down, and refused where there are not enough."""

import numpy as np
import pytest

from bkind3d.checkpoint import load_model
from bkind3d.config import ExperimentConfig, InputError, LabelledTrainingConfig, parse_section
from bkind3d.data.datasets import SessionFrames
from bkind3d.data.joint_files import make_joints
from bkind3d.data.parquet import read_table, write_table
from bkind3d.training import trainer
from bkind3d.training.labels import draw_labels, read_labels
from tests.unit.scenes import make_body, write_session
from tests.unit.training.experiments import CPU

NAMES = ("nose", "neck", "hip", "tail")


def write_labelled(folder, sessions=("one", "two"), n_frames=12):
    frames, joints = {}, {}
    for seed, name in enumerate(sessions):
        frames[name] = write_session(folder, name, n_frames=n_frames, seed=seed)
        joints[name] = folder / name / "joints.parquet"
        write_table(make_joints(np.arange(n_frames), NAMES, make_body(n_frames, seed)), "joints", joints[name], {"units": "mm"})
    return frames, joints


def draw(folder, labels, seed=0):
    frames, joints = write_labelled(folder)
    sessions = [SessionFrames(paths) for paths in frames.values()]
    _, truth = read_labels(joints, sessions)
    drawn = draw_labels(truth, sessions, LabelledTrainingConfig(labels=labels, seed=seed))
    known = {(name, int(frame)) for name, values in truth.items() for frame in np.flatnonzero(np.isfinite(values).all(axis=(1, 2)))}
    return drawn, known


def test_only_the_drawn_frames_keep_their_joints_and_a_small_budget_lies_within_a_larger_one(tmp_path) -> None:
    few, many = (draw(tmp_path, number) for number in (5, 15))
    assert (len(few[0]), len(many[0])) == (5, 15)
    assert set(few[0]) == few[1] and set(many[0]) == many[1]
    assert few[1] < many[1]
    assert draw(tmp_path, 5) == few and draw(tmp_path, 5, seed=1) != few
    assert {name for name, _ in many[0]} == {"one", "two"}
    assert len(draw(tmp_path, "all")[0]) == 24


def test_more_labels_than_there_are_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="asks for 30 labelled frames, but the training sessions have 24"):
        draw(tmp_path, 30)


def test_a_budget_goes_without_validation_sessions() -> None:
    with pytest.raises(ValueError, match="labels 10 go without validation_sessions"):
        LabelledTrainingConfig(labels=10, validation_sessions=("one",))


def test_a_training_writes_its_labels_down(tmp_path) -> None:
    frames, joints = write_labelled(tmp_path)
    training = {"steps": 2, "batch_size": 2, "precision": "32", "labels": 3}
    values = {
        "method": "supervised",
        "frames": "f",
        "model": {"volume_size": 8, "volume_channels": 4, "volume_levels": 1},
        "training": training,
    }
    folder = trainer.train_model(parse_section(ExperimentConfig, values, "test"), frames, tmp_path / "store", CPU, joints)
    table = read_table(folder / trainer.LABELS, "labels")
    assert len(table) == 3 and set(table["session"]) <= {"one", "two"}
    assert load_model(folder / "model.pt")[1].labels == 3
