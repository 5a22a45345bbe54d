"""A study that an earlier version made is opened by this one: its tables, keypoints, cameras and model are read, and its plan is made."""

import shutil

import numpy as np
import pytest

import bkind3d
from bkind3d.checkpoint import load_model
from bkind3d.cli import main
from tests.workflow.conftest import run_snakemake
from tests.workflow.released_study import FOLDER


@pytest.fixture
def study(tmp_path):
    shutil.copytree(FOLDER, tmp_path / "study")
    return tmp_path / "study"


def test_its_results_are_read(study):
    opened = bkind3d.open_study(study)
    assert list(opened.sessions.index) == ["s1", "s2"]
    keypoints = opened.keypoints("s2")
    assert dict(keypoints.sizes) == {"time": 20, "space": 3, "keypoints": 4, "individuals": 1}
    assert np.isfinite(keypoints["position"]).mean() > 0.9
    assert list(opened.cameras("s1")) == ["cam1", "cam2"]
    assert len(opened.labels("s1")) == 80
    assert len(opened.table("location", "s1")) == 20
    assert len(opened.table("history")) > 0
    pose = opened.table("pose")
    assert {"bkind3d", "mean_pose", "untrained"} <= set(pose["method"])
    assert pose["pa_mpjpe"].gt(0).all()


def test_its_model_is_loaded(study):
    model, provenance = load_model(study / "results/experiments/tiny/training/model.pt")
    assert provenance.steps == 6
    assert sum(parameter.numel() for parameter in model.parameters()) > 1000


def test_its_keypoints_are_handed_over(study, monkeypatch):
    monkeypatch.chdir(study)
    assert main(["export", "tidy", "anipose"]) == 0
    assert len((study / "results/exports/tiny/tidy/s1.csv").read_text().splitlines()) == 1 + 20 * 4


def test_its_plan_is_made(study):
    """Files of a clone have the clone's times, so everything may be planned anew; nothing is refused."""
    planned = run_snakemake(study, "-n")
    assert planned.returncode == 0, planned.stderr[-2000:]
    assert "predict_keypoints" in planned.stdout + planned.stderr
