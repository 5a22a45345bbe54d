"""Real runs of the workflow on generated studies."""

import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pynwb
import pytest
from PIL import Image

from benchmarks.kills import MODES, run_campaign
from bkind3d.data.parquet import read_failure, read_table
from bkind3d.data.results import ACTION_COLUMNS, NO_REFERENCE, POSE_COLUMNS
from tests.workflow.conftest import ROOT, make_environment, run_snakemake
from tests.workflow.test_dry_run import configure, list_jobs
from tests.workflow.tiny_study import write_study


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A study that was run once; its recordings could only be read."""
    folder = write_study(tmp_path_factory.mktemp("finished") / "study")
    recordings = folder / "recordings"
    before = list_files(recordings)
    for path in (recordings, *recordings.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    result = run_snakemake(folder)
    assert result.returncode == 0, result.stderr[-3000:]
    assert list_files(recordings) == before
    return folder, result


def list_files(folder: Path) -> dict[str, int]:
    """Every file below a folder, and when it was last written."""
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def copy(finished, tmp_path):
    """The finished study, to be changed."""
    shutil.copytree(finished[0], tmp_path / "study")
    return tmp_path / "study"


def test_the_tables_have_every_column_and_floor(finished):
    folder, _ = finished
    pose = pd.read_csv(folder / "results/tables/pose.csv")
    assert tuple(pose.columns) == POSE_COLUMNS
    assert {"bkind3d", "mean_pose", "untrained"} <= set(pose["method"])
    assert set(pose["dataset"]) == {"balls"}
    assert pose["pa_mpjpe"].gt(0).all()
    actions = pd.read_csv(folder / "results/tables/actions.csv")
    assert tuple(actions.columns) == ACTION_COLUMNS
    assert {"discovered", "ground_truth", "majority_class"} <= set(actions["features"])


def test_every_frame_has_every_keypoint(finished):
    for session in ("s1", "s2"):
        table = read_table(finished[0] / f"results/experiments/tiny/keypoints/{session}.parquet", "keypoints")
        assert table.groupby("frame").size().tolist() == [4] * 24


def test_movements_are_found_in_all_sessions(finished):
    table = read_table(finished[0] / "results/experiments/tiny/movements.parquet", "movements")
    assert set(table["session"]) == {"s1", "s2"} and set(table["cluster"]) == {1, 2, 3} and set(table["behaviour"]) == {"turn", "walk"}
    assert (finished[0] / "results/report.html").read_text().count('src="data:image/webp') == 3


def test_snakemakes_own_report_has_tables_and_figures_with_captions(finished, tmp_path):
    folder, _ = finished
    result = run_snakemake(folder, "--report", str(tmp_path / "report.zip"))
    assert result.returncode == 0, result.stderr[-2000:]
    with zipfile.ZipFile(tmp_path / "report.zip") as archive:
        page = archive.read("report/report.html").decode()
        shown = {Path(name).name for name in archive.namelist()}
    assert {"pose.csv", "actions.csv", "labels.csv", "tiny.pose.svg", "tiny.skeleton.svg", "tiny.overlays.png", "report.html"} <= shown
    for caption in (ROOT / "workflow/report").glob("*.rst"):
        assert caption.read_text().split(":")[0].split("``")[0].strip()[:40] in page, caption


def test_chosen_formats_are_handed_over(finished):
    folder, _ = finished
    with pynwb.NWBHDF5IO(folder / "results/exports/tiny/nwb/s1.nwb", "r") as io:
        series = io.read().processing["behavior"]["MultiCameraPoseEstimation"].pose_estimation_series
        keypoints = read_table(folder / "results/experiments/tiny/keypoints/s1.parquet", "keypoints").query("keypoint == 'k01'")
        np.testing.assert_allclose(series["k01"].data[:] * 1000, keypoints[["x", "y", "z"]], rtol=1e-5)
    assert {path.name for path in (folder / "results/exports/tiny/sleap/s2").glob("*.h5")} == {f"cam{n}.analysis.h5" for n in (1, 2, 3)}


def test_the_end_of_a_run_shows_the_table_and_the_report(finished):
    folder, result = finished
    assert "PA-MPJPE" in result.stdout
    assert f"Report: {folder / 'results/report.html'}" in result.stdout + result.stderr
    assert "<html" in (folder / "results/report.html").read_text()[:500]
    assert (folder / "results/sessions/s2.html").exists()
    assert (folder / "results/figures/tiny.pose.svg").exists()


def test_a_second_run_has_nothing_to_do(copy):
    assert "Nothing to be done" in run_snakemake(copy, "-n").stdout


def test_tables_of_the_paper_are_made_of_what_is_there(copy):
    tables = {
        "main": {"title": "Balls", "published": "human36m", "rows": {"tiny": "ours"}, "grid": ["tiny"]},
        "actions": {"title": "Balls", "measure": "actions", "published": "human36m", "rows": {"tiny": "ours"}},
    }
    configure(copy, paper=tables, dataset="simulated_balls")
    for folder in ("evaluation", "keypoints"):
        assert (copy / "results/experiments/tiny" / folder).exists()
    result = run_snakemake(copy, "paper_tables")
    assert result.returncode == 0, result.stderr[-3000:]
    assert "make_paper_table" in result.stderr
    assert not [line for line in result.stderr.splitlines() if "train_model" in line]
    table = pd.read_csv(copy / "results/paper/main.csv")
    measured = table[table["origin"] == "measured"].set_index("method")
    pose = pd.read_csv(copy / "results/tables/pose.csv").set_index("method")
    np.testing.assert_allclose(measured["pa_mpjpe"].astype(float), pose.loc[measured.index, "pa_mpjpe"], rtol=1e-4)
    assert set(measured["source"]) == {"results/experiments/tiny/evaluation/pose.json"}
    assert (copy / "results/experiments/tiny/evaluation/pose.json").exists()
    for name in ("main", "actions"):
        assert (copy / f"results/paper/{name}.md").read_text().startswith("# SIMULATED: Balls")
        assert "\\caption{SIMULATED: Balls" in (copy / f"results/paper/{name}.tex").read_text()
        assert "SIMULATED: Balls" in (copy / f"results/paper/{name}.bars.svg").read_text()
    with Image.open(copy / "results/paper/main.grid.png") as grid:
        assert grid.size[0] > 500
    examined = run_snakemake(copy, "-n", "paper_tables")
    assert "Nothing to be done" in examined.stdout


def test_adding_a_session_retrains_nothing(copy):
    (copy / "recordings").chmod(0o755)
    shutil.copytree(copy / "recordings" / "s2", copy / "recordings" / "s3")
    with (copy / "config/sessions.tsv").open("a") as sheet:
        sheet.write("s3\tanimal3\tring\n")
    with (copy / "config/cameras.tsv").open("a") as sheet:
        sheet.writelines(f"s3\tcam{n}\ts3/cam{n}.mp4\n" for n in (1, 2, 3))
    result = run_snakemake(copy, "-n")
    jobs = list_jobs(result)
    assert "will be trained again" not in result.stderr
    assert "experiment tiny: 2 of 3 sessions have keypoints; without: s3" in result.stderr
    assert jobs["train_model"] == jobs["import_calibration"] == 0
    assert jobs["survey_video"] == jobs["extract_frames"] == 3
    assert jobs["predict_keypoints"] == jobs["locate_subject"] == 1
    # What was made of the other sessions stays, and so does what is judged without the new one.
    assert jobs["write_session_page"] == jobs["draw_overlays"] == jobs["export_nwb"] == 1
    # What is shown and handed over of the new one, and what is said of all.
    assert (jobs["write_session_settings"], jobs["write_settings"]) == (2, 1)
    assert jobs["regress_joints"] == jobs["classify_actions"] == jobs["make_tables"] == 0


def test_the_order_of_rows_retrains_nothing(copy):
    for name in ("sessions", "cameras"):
        sheet = copy / f"config/{name}.tsv"
        header, *rows = sheet.read_text().splitlines()
        sheet.write_text("\n".join([header, *reversed(rows)]) + "\n")
    jobs = list_jobs(run_snakemake(copy, "-n"))
    assert jobs["write_report"] == 1
    assert jobs["train_model"] == jobs["import_calibration"] == jobs["locate_subject"] == jobs["extract_frames"] == 0


def test_a_column_of_a_session_repeats_what_shows_that_session(copy):
    sheet = copy / "config/sessions.tsv"
    sheet.write_text(sheet.read_text().replace("group0", "other"))
    jobs = list_jobs(run_snakemake(copy, "-n"))
    assert jobs["regress_joints"] == jobs["export_nwb"] == jobs["fit_joints"] == 1
    assert jobs["predict_joints"] == jobs["write_session_page"] == 2  # the session is one of those that joints are fitted to
    assert jobs["train_model"] == jobs["predict_keypoints"] == 0


@pytest.mark.parametrize(
    ("old", "new", "runs", "stays"),
    [
        ("max_frames: 10", "max_frames: 11", {"write_report"}, {"train_model", "predict_keypoints", "regress_joints", "export_nwb"}),
        (
            "bootstrap: 100",
            "bootstrap: 101",
            {"regress_joints", "classify_actions", "write_report"},
            {"train_model", "predict_keypoints", "extract_frames", "write_session_page", "draw_overlays", "export_nwb"},
        ),
        ("window_seconds: 0.3", "window_seconds: 0.5", {"classify_actions"}, {"train_model", "predict_keypoints", "regress_joints"}),
        ("n_clusters: 3", "n_clusters: 4", {"find_movements", "write_report"}, {"train_model", "predict_keypoints", "classify_actions"}),
        (
            "    frames: small\n",
            "    frames: small\n    naming: {keypoints: {k01: nose}}\n",
            {"export_nwb", "export_sleap", "write_report", "write_session_page"},
            {"train_model", "predict_keypoints", "regress_joints", "classify_actions"},
        ),
        ("steps: 6", "steps: 7", {"train_model", "predict_keypoints"}, {"survey_video", "extract_frames"}),
        ("size: 16", "size: 17", {"extract_frames", "train_model"}, {"survey_video", "locate_subject"}),
    ],
)
def test_a_changed_setting_repeats_the_stages_that_use_it(copy, old, new, runs, stays):
    path = copy / "config/config.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    result = run_snakemake(copy, "-n")
    jobs = list_jobs(result)
    assert all(jobs[rule] for rule in runs), jobs
    assert not any(jobs[rule] for rule in stays), jobs
    assert ("experiment tiny will be trained again" in result.stderr) == ("train_model" in runs)


def test_a_session_with_a_damaged_video_costs_its_own_results_alone(copy):
    shutil.rmtree(copy / "results/survey/s2")
    video, before = copy / "recordings/s2/cam2.mp4", read_table(copy / "results/experiments/tiny/keypoints/s1.parquet", "keypoints")
    video.chmod(0o644)
    video.write_bytes(b"this is no video")
    result = run_snakemake(copy)
    assert result.returncode == 0, result.stderr[-3000:]
    assert "results/survey/s2/cam2.parquet: recordings/s2/cam2.mp4: " in result.stdout
    assert "the other sessions go on without it" in result.stdout
    assert "Traceback" not in (copy / "results/logs/survey_video/s2/cam2.log").read_text()
    pd.testing.assert_frame_equal(read_table(copy / "results/experiments/tiny/keypoints/s1.parquet", "keypoints"), before)
    assert "camera cam2: recordings/s2/cam2.mp4" in read_failure(copy / "results/experiments/tiny/keypoints/s2.parquet")
    report = (copy / "results/report.html").read_text()
    assert "s2: camera cam2: recordings/s2/cam2.mp4" in report and "No other session is the worse for it." in report
    # It was the only one to judge by: the table is there, and says so.
    assert set(pd.read_csv(copy / "results/tables/pose.csv")["regressor"]) == {NO_REFERENCE}
    assert "keypoints not evaluated" in report
    for path in ("sessions/s1.html", "sessions/s2.html", "doctor.html", "exports/tiny/sleap/s2", "videos/tiny/s1.mp4"):
        assert (copy / "results" / path).exists(), path


def test_a_killed_run_is_finished_by_running_again(make_study):
    """Also: sessions without joints and behaviours go through to tables that say so."""
    folder = make_study(cameras=2, joints=False, behaviours=False, sessions="train predict")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    killed = subprocess.Popen(command, env=make_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 240
    while not (folder / "results/models").exists() and time.monotonic() < deadline:
        assert killed.poll() is None, "the run ended before it could be killed"
        time.sleep(0.1)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert list((folder / ".snakemake/locks").iterdir()), "the killed run left its lock"
    result = run_snakemake(folder)
    assert result.returncode == 0, result.stderr[-3000:]
    assert set(pd.read_csv(folder / "results/tables/pose.csv")["regressor"]) == {NO_REFERENCE}
    assert set(pd.read_csv(folder / "results/tables/actions.csv")["classifier"]) == {NO_REFERENCE}
    assert not [path for path in (folder / "results").rglob(".*") if path.is_file() and path.suffix == ".html"]


def test_two_runs_of_one_study_do_not_mix(make_study):
    folder = make_study(frames=2, cameras=2)
    holder = (
        "import fcntl, pathlib, sys, time; pathlib.Path('.snakemake/locks').mkdir(parents=True); held = open('.snakemake/alive', 'w');"
        "fcntl.lockf(held, fcntl.LOCK_EX); pathlib.Path('.snakemake/locks/0.output.lock').write_text('results/report.html\\n');"
        "print('ready', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", holder], cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "ready\n"
        result = run_snakemake(folder)
        assert result.returncode == 1
        assert "Directory cannot be locked" in result.stderr
        assert "this study is being run by another process" in result.stderr
    finally:
        other.kill()
        other.wait()


@pytest.mark.slow
def test_kills_leave_nothing_half_written(copy):
    """The short form of `python -m benchmarks.kills`, which kills every verb."""
    entries = list(run_campaign(copy.parent, 3, ["locate", "export", "import-h36m", "add-session"]))
    assert [entry["mode"] for entry in entries] == 4 * list(MODES)
    assert [entry for entry in entries if entry.get("missed") or entry["wrong"]] == []
