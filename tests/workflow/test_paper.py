"""The paper's tables: what every shipped configuration would run."""

import re
from pathlib import Path

import pytest
import yaml

from tests.workflow.conftest import ROOT, run_snakemake
from tests.workflow.test_dry_run import configure, list_jobs, read_refusal

PAPER = ROOT / "config" / "paper"
TABLES = sorted(path.stem for path in PAPER.glob("*.yaml") if path.stem != "reduced")
CAMERAS = ("54138969", "55011271", "58860488", "60457274")


@pytest.fixture
def imported(tmp_path) -> Path:
    """A study as an importer leaves it: sheets, calibration, joints and behaviours; no experiments."""
    folder = tmp_path / "study"
    for name in ("config", "videos"):
        (folder / name).mkdir(parents=True)
    subjects = {"S1": "train", "S5": "train", "S9": "test"}
    sessions = [f"{name}_Walking_1\t{name}\tstage\t{split}\t{name}.parquet\t{name}.behaviours.parquet" for name, split in subjects.items()]
    cameras = [f"{name}_Walking_1\t{camera}\tvideos/{name}.{camera}.mp4" for name in subjects for camera in CAMERAS]
    sheets = {
        "sessions": ["session\tsubject\trig\tsplit\tjoints\tbehaviours", *sessions],
        "cameras": ["session\tcamera\tvideo", *cameras],
        "rigs": ["rig\tunits\tcalibration", "stage\tmm\tstage.toml"],
    }
    for name, lines in sheets.items():
        (folder / "config" / f"{name}.tsv").write_text("\n".join(lines) + "\n")
    (folder / "config" / "config.yaml").write_text("dataset: simulated_human36m\nrecordings: .\n")
    for name in subjects:
        for path in (f"{name}.parquet", f"{name}.behaviours.parquet", *(f"videos/{name}.{camera}.mp4" for camera in CAMERAS)):
            (folder / path).write_text("x")
    (folder / "stage.toml").write_text("".join(f"[{camera}]\n" for camera in CAMERAS))
    return folder


def plan(folder: Path, *names: str):
    """What Snakemake would do for the tables of these configurations."""
    return run_snakemake(folder, "-n", "paper_tables", "--configfile", *(str(PAPER / f"{name}.yaml") for name in names))


@pytest.mark.parametrize("name", TABLES)
def test_a_table_runs_its_own_experiments_and_no_others(imported, name):
    settings = yaml.safe_load((PAPER / f"{name}.yaml").read_text())
    table = settings["paper"][name]
    # What a study has of its own is not run, though Snakemake merges the settings.
    configure(imported, experiments={"demo": {"preset": "demo", "frames": "subject"}, "left_over": {"frames": "subject"}})
    jobs = list_jobs(plan(imported, name))
    assert jobs["train_model"] == len(table["rows"])
    assert (jobs["regress_joints"], jobs["classify_actions"])[:: -1 if table.get("measure") == "actions" else 1] == (len(table["rows"]), 0)
    assert jobs["make_paper_table"] == 1
    assert jobs["plot_paper_grid"] == bool(table.get("grid"))
    assert jobs["predict_keypoints"] == 3 * len(table["rows"])
    assert not any(jobs[rule] for rule in ("write_report", "make_tables", "plot_figures", "examine_recordings"))


def test_all_tables_of_a_data_set_share_their_experiments_and_can_be_reduced(imported):
    names = [name for name in TABLES if name not in ("rat7m", "rivals_rat7m", "demo_actions")]
    rows = {row for name in names for row in yaml.safe_load((PAPER / f"{name}.yaml").read_text())["paper"][name]["rows"]}
    jobs = list_jobs(plan(imported, *names, "reduced"))
    assert (jobs["train_model"], jobs["make_paper_table"]) == (len(rows), len(names))
    reduced = yaml.safe_load((PAPER / "reduced.yaml").read_text())["experiments"]
    assert rows <= set(reduced)
    assert all(entry["training"]["steps"] <= 600 for entry in reduced.values())


def test_two_views_are_two_views(imported):
    result = run_snakemake(imported, "-n", "-p", "paper_tables", "--configfile", str(PAPER / "views.yaml"))
    assert result.returncode == 0, result.stderr[-2000:]
    (command,) = re.findall(r"train-model --config results/config/training/views_2.json --frames (.*?) --store", result.stdout)
    assert {Path(path).stem for entry in command.split() for path in entry.split(",")} == {"55011271", "60457274"}


def test_without_a_table_one_line_says_where_they_come_from(make_study):
    result = run_snakemake(make_study(frames=2, cameras=2), "-n", "paper_tables")
    assert result.returncode == 2
    last = result.stderr.splitlines()[-1]
    assert last.startswith("bkind3d: error: paper_tables: the settings name no table of the paper; choose some with --configfile")


def test_published_numbers_that_are_not_there_are_refused(imported):
    (imported / "mine.yaml").write_text("paper: {rat7m: {published: mouse}}\n")
    result = run_snakemake(imported, "-n", "paper_tables", "--configfile", str(PAPER / "rat7m.yaml"), str(imported / "mine.yaml"))
    assert "paper.rat7m.published: there are published numbers (pose) of human36m, rat7m, none of 'mouse'" in read_refusal(result)
