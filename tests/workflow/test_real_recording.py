"""The whole workflow on a real recording, with a short training: minutes."""

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.workflow.conftest import ROOT, run_snakemake

REAL_DATA = os.environ.get("BKIND3D_REAL_DATA")


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.skipif(not REAL_DATA, reason="BKIND3D_REAL_DATA does not name a folder of recordings")
def test_a_person_on_a_beam(tmp_path):
    folder = shutil.copytree(ROOT / "config" / "examples" / "pose2sim", tmp_path / "study")
    path = folder / "config" / "config.yaml"
    settings = yaml.safe_load(path.read_text())
    settings["recordings"] = str(Path(REAL_DATA).resolve() / "pose2sim_single")
    settings["experiments"]["demo"]["training"] = {"steps": 10}
    path.write_text(yaml.safe_dump(settings))
    result = run_snakemake(folder)
    assert result.returncode == 0, result.stderr[-3000:]
    pose = pd.read_csv(folder / "results/tables/pose.csv").set_index("method")
    assert set(pose["split"]) == {"blocks"}
    assert set(pose["unit"]) == {"m"}
    # In metres: a person's mean pose is off by centimetres, and so is whatever else is not broken.
    assert pose["pa_mpjpe"].between(0.001, 0.5).all()
    assert (folder / "results/report.html").exists()
