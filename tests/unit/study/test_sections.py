import json
from pathlib import Path

import pytest

from bkind3d.config import ExperimentConfig, SimulationConfig, read_section
from bkind3d.study.opening import load_study, open_study
from bkind3d.study.sections import format_sections, format_session, format_sessions
from bkind3d.study.sheets import read_sessions
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
        ({"report": {"title": "x"}}, set()),
        ({"experiments": {"one": {"frames": "subject", "evaluation": {"seed": 3}}}}, {"experiments/one", "evaluation/one"}),
        ({"experiments": {"one": {"frames": "subject", "actions": {"seed": 3}}}}, {"experiments/one"}),
        ({"experiments": {"one": {"frames": "subject", "training": {"steps": 7}}}}, {"experiments/one", "evaluation/one", "training/one"}),
        ({"experiments": {"one": {"frames": "subject", "naming": {"keypoints": {"k03": "nose"}}}}}, set()),
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


def test_the_sheet_of_sessions_is_written_as_it_was_read(trained):
    sheet = trained / "config/sessions.tsv"
    sheet.write_text(sheet.read_text().replace("behaviours", "behaviours\tdose").replace("m2\tbox", "m2\tbox" + "\t" * 6 + "3 mg"))
    text = format_sessions(load_study(folder=trained), ["b", "a"])
    (trained / "sessions.tsv").write_text(text + "\n")
    again = read_sessions(trained / "sessions.tsv")
    assert [(row.session, row.split, row.more) for row in again.values()] == [
        ("a", "train", {"dose": ""}),
        ("b", "predict", {"dose": "3 mg"}),
    ]


def test_a_rate_in_the_sheet_changes_what_is_learned_from(trained):
    before = format_sections(load_study(folder=trained))
    sheet = trained / "config/sessions.tsv"
    header, first, *rest = sheet.read_text().splitlines()
    sheet.write_text("\n".join([f"{header}\tframe_rate", first, *rest]) + "\n")
    assert format_sections(load_study(folder=trained)) == before
    sheet.write_text(
        "\n".join([f"{header}\tframe_rate", f"{first}{chr(9) * (header.count(chr(9)) - first.count(chr(9)))}\t30", *rest]) + "\n"
    )
    after = format_sections(load_study(folder=trained))
    assert {name for name in after if after[name] != before[name]} == {"study", "training_sessions"}


def test_a_study_is_read_back_from_what_is_said_of_it(trained):
    study = load_study(folder=trained)
    whole = open_study(trained / "results/config/study.json")
    assert whole.folder.resolve() == trained.resolve()
    assert (whole.config.experiments, whole.config.framesets) == (study.config.experiments, study.config.framesets)
    assert [(row.rig, row.calibration) for row in whole.rigs.values()] == [("box", "box.toml")]
    assert {name: list(rows) for name, rows in whole.cameras.items()} == {session: ["left", "right"] for session in "ab"}
    path = trained / "results/config/shown/b.json"
    path.parent.mkdir()
    path.write_text(format_session(study, "shown", "b"))
    one = open_study(path)
    assert (list(one.sessions), list(one.cameras), list(one.rigs)) == (["b"], ["b"], ["box"])
    assert one.find_videos("b", "left") == study.find_videos("b", "left")
    assert one.results.survey("b", "left").resolve() == study.results.survey("b", "left").resolve()


def test_a_file_says_of_which_study_it_is(trained, monkeypatch):
    monkeypatch.chdir(trained)
    assert open_study(Path("results/config/study.json")).folder == open_study(Path()).folder == Path()
    assert open_study(Path("config/config.yaml")).folder == Path()
    monkeypatch.chdir(trained / "results")
    assert open_study(Path("config/study.json")).folder == Path("..")


def list_said(study, session):
    return {use: format_session(study, use, session) for use in ("shown", "exported")}


def test_what_is_said_of_a_session_changes_with_its_rows_alone(trained):
    sheet = trained / "config/sessions.tsv"
    before = list_said(load_study(folder=trained), "b")
    sheet.write_text(sheet.read_text().replace("a\tm1", "# a comment\na\tm9"))
    assert list_said(load_study(folder=trained), "b") == before
    sheet.write_text(sheet.read_text().replace("b\tm2", "b\tm9"))
    changed = list_said(load_study(folder=trained), "b")
    assert all(changed[use] != text for use, text in before.items())


@pytest.mark.parametrize(
    ("sections", "changed"),
    [
        ({"report": {"title": "x"}}, {"shown"}),
        ({"survey": {"threshold": 5}}, set()),
        ({"export": {"formats": ["nwb"]}}, set()),
        ({"experiments": {"one": {"frames": "subject", "evaluation": {"seed": 3}}}}, set()),
        ({"experiments": {"one": {"frames": "subject", "actions": {"seed": 3}}}}, set()),
        ({"experiments": {"one": {"frames": "subject", "naming": {"keypoints": {"k03": "nose"}}}}}, {"shown", "exported"}),
    ],
)
def test_what_is_said_of_a_session_changes_with_what_shows_in_it(trained, sections, changed):
    before, now = list_said(load_study(folder=trained), "b"), list_said(configure(trained, **sections), "b")
    assert {use for use in before if before[use] != now[use]} == changed


def test_what_is_said_of_a_study_does_not_change_with_what_else_is_made_of_it(trained):
    before = format_sections(load_study(folder=trained))["study"]
    assert format_sections(configure(trained, export={"formats": ["nwb"]}))["study"] == before
    assert format_sections(configure(trained, report={"title": "x"}))["study"] != before
