"""What is said before a run: which sessions are done, what is trained again."""

import os
import time

import pytest

from bkind3d.methods.discovery.settings import PRESETS
from bkind3d.study.opening import load_study
from bkind3d.study.remarks import explain_done, explain_retraining, remark_on_clocks, remark_on_weights
from tests.unit.study.conftest import configure, write_files
from tests.workflow.tiny_study import write_study


@pytest.mark.parametrize(
    ("done", "lines"),
    [
        ([], []),
        (["s2"], ["experiment tiny: 1 of 3 sessions have keypoints; without: s1, s3"]),
        (["s1", "s2", "s3"], ["experiment tiny: 3 of 3 sessions have keypoints"]),
    ],
)
def test_sessions_that_wait_are_named(tmp_path, done, lines):
    study = write_study(tmp_path / "study", cameras=2, frames=3, sessions="train train test")
    for name in done:
        path = study / "results/experiments/tiny/keypoints" / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert explain_done(load_study(folder=study)) == lines


STEPS = PRESETS["bkind3d"]["training"]["steps"]


def test_retraining_is_explained(trained):
    study = configure(trained, survey={"threshold": 5}, experiments={"one": {"frames": "subject", "training": {"steps": 7}}})
    assert explain_retraining(study) == [f"experiment one will be trained again: training.steps {STEPS} -> 7; survey.threshold 4.0 -> 5.0"]


def test_a_session_to_predict_retrains_nothing_and_one_to_train_does(trained):
    sheet, cameras = trained / "config/sessions.tsv", trained / "config/cameras.tsv"
    before = sheet.read_text()
    cameras.write_text(cameras.read_text() + "c\tleft\tb/left.mp4\nc\tright\tb/right.mp4\n")
    sheet.write_text(before + "c\tm3\tbox\n")
    assert explain_retraining(load_study(folder=trained)) == []
    sheet.write_text(before + "c\tm3\tbox\ttrain\n")
    assert explain_retraining(load_study(folder=trained)) == ["experiment one will be trained again: session c is new in training"]
    sheet.write_text(before.replace("train", "train\t1") + "c\tm3\tbox\n")
    assert explain_retraining(load_study(folder=trained)) == ["experiment one will be trained again: session a changed in the sheets"]


@pytest.fixture
def made(trained):
    """A study whose training session is surveyed and whose rig is calibrated, later than anything was recorded."""
    for name, text in (("survey/a/left.parquet", ""), ("survey/a/right.parquet", ""), ("calibration/box.toml", "[left]\n[right]\n")):
        path = trained / "results" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (time.time() + 60,) * 2)
    return trained


def touch(path):
    os.utime(path, (time.time() + 120,) * 2)


def test_what_is_older_than_its_survey_explains_nothing(made):
    assert explain_retraining(load_study(folder=made)) == []


def test_a_touched_recording_is_named(made):
    touch(made / "rec/b/left.mp4")  # of no training session
    assert explain_retraining(load_study(folder=made)) == []
    touch(made / "rec/a/left.mp4")
    touch(made / "rec/box.toml")
    assert explain_retraining(load_study(folder=made)) == [
        "experiment one will be trained again if that changes the pictures that it learns from: rec/a/left.mp4 is newer than "
        "results/survey/a/left.parquet; rec/box.toml is newer than results/calibration/box.toml"
    ]


def test_a_link_that_leads_elsewhere_since_is_newer(made):
    video = made / "rec/a/left.mp4"
    video.rename(made / "rec/elsewhere.mp4")
    video.symlink_to(made / "rec/elsewhere.mp4")
    os.utime(video, (time.time() + 120,) * 2, follow_symlinks=False)
    assert "rec/a/left.mp4 is newer" in explain_retraining(load_study(folder=made))[0]


def test_another_camera_calibrates_its_rig_again(made):
    (made / "rec/box.toml").write_text("[left]\n[right]\n[top]\n")
    cameras = made / "config/cameras.tsv"
    cameras.write_text(cameras.read_text() + "b\ttop\tb/top.mp4\n")
    (made / "rec/b/top.mp4").write_text("x")
    (line,) = explain_retraining(load_study(folder=made))
    assert line.endswith("rig box is calibrated again, because of top")


def test_what_changes_how_a_training_runs_and_not_what_comes_out_is_no_reason(made):
    settings = {"checkpoint_minutes": 9, "log_every": 3, "micro_batch_size": 1}
    assert explain_retraining(configure(made, experiments={"one": {"frames": "subject", "training": settings}})) == []


def test_newer_first_weights_are_named(folder):
    weights = folder / "weights"
    weights.mkdir()
    (weights / "config.json").write_text("{}")
    write_files(configure(folder, experiments={"one": {"frames": "subject", "preset": "paper", "model": {"pretrained": "weights"}}}))
    model = folder / "results/experiments/one/training/model.pt"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"")
    os.utime(model, (time.time() + 60,) * 2)
    assert explain_retraining(load_study(folder=folder)) == []
    touch(weights / "config.json")
    assert explain_retraining(load_study(folder=folder)) == [
        "experiment one will be trained again if that changes its first weights: weights/config.json is newer than "
        "results/experiments/one/training/model.pt"
    ]


def test_weights_of_the_hub_without_a_commit_are_remarked(folder):
    model = {"pretrained": "hub:lab/net@main"}
    study = configure(folder, experiments={"one": {"frames": "subject", "preset": "paper", "model": model}})
    (line,) = remark_on_weights(study)
    assert line.startswith("experiment one: model.pretrained 'hub:lab/net@main' names no commit")
    assert "hub:lab/net@COMMIT" in line
    assert remark_on_weights(configure(folder, experiments={"one": {"frames": "subject"}})) == []


def test_files_from_the_future_are_remarked(tmp_path):
    folder = write_study(tmp_path / "study", cameras=2, frames=3)
    study, soon = load_study(folder=folder), time.time() + 3600
    assert remark_on_clocks(study) == []
    os.utime(folder / "recordings/s1/cam2.mp4", (soon, soon))
    study.results.settings("training/tiny").parent.mkdir(parents=True)
    study.results.settings("training/tiny").write_text("{}")
    os.utime(study.results.settings("training/tiny"), (soon, soon))
    (line,) = remark_on_clocks(study)
    assert line.startswith("recordings/s1/cam2.mp4 (and 1 more) was written in the future: until then, every run makes again")
