import json

import pytest
import yaml

from bkind3d.config import PRESETS, ExperimentConfig, SimulationConfig, read_section
from bkind3d.data.sections import explain_retraining, format_sections, format_sheets
from bkind3d.data.sheets import read_cameras, read_rigs, read_sessions
from bkind3d.data.study import load_study

STEPS = PRESETS["bkind3d"]["training"]["steps"]


def write_files(study):
    for name, text in format_sections(study).items():
        path = study.folder / "results" / "config" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")


def configure(folder, **sections):
    path = folder / "config" / "config.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **sections}))
    return load_study(folder=folder)


@pytest.fixture
def trained(folder):
    """A study whose files of settings are written."""
    write_files(load_study(folder=folder))
    return folder


def list_changed(folder, study):
    # The whole study, which the doctor reads, changes with every part of it.
    parts = {name: text for name, text in format_sections(study).items() if name != "study"}
    return {name for name, text in parts.items() if text + "\n" != (folder / f"results/config/{name}.json").read_text()}


def test_every_file_is_read_back_by_its_model(trained):
    study = load_study(folder=trained)
    assert read_section(ExperimentConfig, trained / "results/config/experiments/one.json") == study.config.experiments["one"]
    assert list_changed(trained, study) == set()


@pytest.mark.parametrize(
    ("sections", "changed"),
    [
        ({"survey": {"threshold": 5}}, {"survey"}),
        ({"report": {"title": "x"}}, {"report"}),
        ({"experiments": {"one": {"frames": "subject", "evaluation": {"seed": 3}}}}, {"experiments/one", "evaluation/one"}),
        ({"experiments": {"one": {"frames": "subject", "actions": {"seed": 3}}}}, {"experiments/one"}),
        ({"experiments": {"one": {"frames": "subject", "training": {"steps": 7}}}}, {"experiments/one", "evaluation/one", "training/one"}),
        ({"experiments": {"one": {"frames": "subject", "naming": {"keypoints": {"k03": "nose"}}}}}, {"naming/one"}),
    ],
)
def test_a_change_touches_the_files_of_the_stages_that_use_it(trained, sections, changed):
    assert list_changed(trained, configure(trained, **sections)) == changed


def test_a_file_that_means_the_same_is_kept_word_for_word(trained):
    path = trained / "results/config/training/one.json"
    stored = json.loads(path.read_text())
    del stored["losses"]["separation_sigma"]  # as if written before this key, whose default it has, was there
    path.write_text(json.dumps(stored) + "\n")
    study = load_study(folder=trained)
    assert list_changed(trained, study) == set()
    assert explain_retraining(study) == []


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


def test_adding_a_simulated_session_leaves_the_others_alone(folder):
    sessions = {"s1": {"subject": "rat", "rig": "arena"}}
    simulation = {"rigs": {"arena": {"cameras": 2}}, "subjects": {"rat": {}, "other": {}}, "sessions": sessions}
    boards = {"charuco": {"squares_x": 5, "squares_y": 4, "square_length": 20, "marker_length": 15}}
    write_files(configure(folder, simulation=simulation, boards=boards))
    before = read_section(SimulationConfig, folder / "results/config/simulation/sessions/s1.json")
    assert list(before.subjects) == ["rat"]
    sessions["s2"] = {"subject": "other", "rig": "arena"}
    assert "simulation/sessions/s2" in format_sections(configure(folder, simulation=simulation))
    (folder / "results/config/simulation/sessions/s2.json").write_text("")
    assert list_changed(folder, load_study(folder=folder)) == {"simulation/sessions/s2"}


def test_sheets_are_written_as_they_were_read(trained):
    sheet = trained / "config/sessions.tsv"
    sheet.write_text(sheet.read_text().replace("behaviours", "behaviours\tdose").replace("m2\tbox", "m2\tbox" + "\t" * 6 + "3 mg"))
    study = load_study(folder=trained)
    for name, text in format_sheets(study).items():
        (trained / f"{name}.tsv").write_text(text + "\n")
    again = read_sessions(trained / "sessions.tsv")
    assert [(row.session, row.split, row.more) for row in again.values()] == [
        ("a", "train", {"dose": ""}),
        ("b", "predict", {"dose": "3 mg"}),
    ]
    assert {name: list(rows) for name, rows in read_cameras(trained / "cameras.tsv").items()} == {s: ["left", "right"] for s in "ab"}
    assert read_rigs(trained / "rigs.tsv")["box"].calibration == "box.toml"
