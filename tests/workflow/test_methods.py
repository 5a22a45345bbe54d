"""Methods beside each other in one study: ours, the supervised one, and one that another package brings in one file."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from bkind3d.data.parquet import read_table
from tests.workflow.conftest import run_snakemake
from tests.workflow.test_dry_run import configure
from tests.workflow.tiny_study import BALLS, SETTINGS, write_study

TOY = Path(__file__).with_name("toy_method.py")
TRAINING = {"steps": 6, "batch_size": 2, "log_every": 2}
EXPERIMENTS = {
    "ours": SETTINGS["experiments"]["tiny"],
    "toy": {"method": "toy", "frames": "small", "training": TRAINING, "evaluation": {"bootstrap": 100}},
    "taught": {
        "method": "supervised",
        "frames": "small",
        "model": {"volume_size": 8, "volume_channels": 4, "volume_levels": 1},
        "training": TRAINING,
        "evaluation": {"bootstrap": 100},
    },
}


@pytest.fixture
def site(tmp_path, monkeypatch) -> Path:
    """A folder of packages in which the toy is installed, as pip would: a module, and a row of entry points."""
    folder = tmp_path / "site"
    (folder / "toy_method-1.0.dist-info").mkdir(parents=True)
    shutil.copy(TOY, folder)
    (folder / "toy_method-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: toy-method\nVersion: 1.0\n")
    (folder / "toy_method-1.0.dist-info/entry_points.txt").write_text("[bkind3d.methods]\ntoy = toy_method:ToyExperiment\n")
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=":")
    return folder


def test_three_methods_go_from_videos_to_tables_and_report(tmp_path, site):
    assert len(TOY.read_text().splitlines()) <= 60
    folder = write_study(tmp_path / "study", settings={"experiments": EXPERIMENTS})
    result = run_snakemake(folder)
    assert result.returncode == 0, result.stderr[-3000:]
    pose = pd.read_csv(folder / "results/tables/pose.csv").set_index(["experiment", "method"])
    for experiment, label, supervision, regressor in (
        ("ours", "bkind3d", "none", "linear"),
        ("toy", "toy", "none", "linear"),
        ("taught", "taught", "3D", "none"),
    ):
        row = pose.loc[experiment, label]
        assert (row["supervision"], row["regressor"]) == (supervision, regressor)
        assert row["pa_mpjpe"] > 0
        assert {"mean_pose", "untrained"} <= set(pose.loc[experiment].index)
    keypoints = read_table(folder / "results/experiments/taught/keypoints/s2.parquet", "keypoints")
    assert set(keypoints["keypoint"]) == set(BALLS)
    report = (folder / "results/report.html").read_text()
    assert "a toy" in report and "BKinD-3D, this run" in report and "taught by joints" in report
    assert (folder / "results/videos/toy/s2.mp4").exists()
    assert "Nothing to be done" in run_snakemake(folder, "-n").stdout


def test_a_supervised_method_in_a_study_without_joints_is_refused_at_the_dry_run(tmp_path):
    folder = write_study(tmp_path / "study", joints=False)
    configure(folder, experiments={"taught": EXPERIMENTS["taught"]})
    result = run_snakemake(folder, "-n")
    assert result.returncode == 2
    assert "experiments.taught: method 'supervised' learns from joints, which no session with split 'train' has" in result.stderr


def test_a_method_that_is_not_there_is_refused(tmp_path):
    folder = write_study(tmp_path / "study")
    configure(folder, experiments={"one": {"method": "toy", "frames": "small"}})
    result = run_snakemake(folder, "-n")
    assert result.returncode == 2
    assert "experiments.one.method" in result.stderr and "discovery, supervised" in result.stderr
