import json

import pytest

from bkind3d.config import ExperimentConfig, SimulationConfig, read_section
from bkind3d.study.sections import format_sections, format_sheets
from bkind3d.study.sheets import read_cameras, read_rigs, read_sessions
from bkind3d.study.study import load_study
from tests.unit.study.conftest import configure, write_files


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


def test_what_the_sheets_say_of_a_session_changes_with_its_rows_alone(trained):
    sheet = trained / "config/sessions.tsv"
    before = format_sheets(load_study(folder=trained), ["b"])
    assert [text.count("\n") for text in before.values()] == [1, 2, 1]
    sheet.write_text(sheet.read_text().replace("a\tm1", "a\tm9"))
    assert format_sheets(load_study(folder=trained), ["b"]) == before
    sheet.write_text(sheet.read_text().replace("b\tm2", "b\tm9"))
    assert format_sheets(load_study(folder=trained), ["b"]) != before
