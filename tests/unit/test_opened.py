import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bkind3d
from bkind3d.config import InputError
from bkind3d.data.parquet import write_table
from tests.unit.export.conftest import NAMES, make_positions, study_folder  # noqa: F401


def test_keypoints_and_joints_are_data_sets_of_movement(study_folder):  # noqa: F811
    study = bkind3d.open_study(study_folder)
    assert list(study.sessions["subject"])[:1] == [study.sessions.loc["s1", "subject"]]
    found = study.keypoints("s1")
    assert found["position"].dims == ("time", "space", "keypoints", "individuals")
    assert found.attrs["ds_type"] == "poses" and found["position"].attrs["units"] == "cm"
    np.testing.assert_array_equal(
        found["position"].sel(individuals=study.sessions.loc["s1", "subject"]).values.transpose(0, 2, 1), make_positions()
    )
    assert list(found["keypoints"].values) == NAMES
    with pytest.raises(InputError, match="no frame of the study has labelled joints"):
        study.joints("s1")
    table = pd.DataFrame({"frame": np.arange(20), "time_s": np.arange(20) / 25, "joint": "nose", "x": 1.0, "y": 2.0, "z": 3.0})
    table = table.assign(spread=0.5, reprojection_px=0.0)
    write_table(table, "found_joints", study_folder / "results/experiments/one/joints/s1.parquet", {"units": "cm", "level": 0.9})
    joints = study.joints("s1")
    assert joints["position"].sel(keypoints="nose", space="z").values.ravel().tolist() == [3.0] * 20
    assert joints["spread"].attrs == {"units": "cm", "level": 0.9}
    assert set(study.cameras("s1")) == {"cam1", "cam2"}


def test_what_is_not_there_is_refused_in_a_line(study_folder):  # noqa: F811
    study = bkind3d.open_study(study_folder)
    for ask, said in (
        (lambda: study.keypoints("s9"), "'s9' is not in the sheet"),
        (lambda: study.keypoints("s1", "two"), "'two' is not in the settings"),
        (lambda: study.table("nothing"), "there is no table 'nothing'"),
        (lambda: study.table("pose"), "run the workflow"),
        (lambda: study.labels("s1"), "no labelled joints"),
    ):
        with pytest.raises(InputError, match=said):
            ask()


def test_the_notebook_of_the_documentation_runs(study_folder):  # noqa: F811
    table = pd.DataFrame({"frame": np.arange(20), "time_s": np.arange(20) / 25, "joint": "nose", "x": 1.0, "y": 2.0, "z": 3.0})
    table = table.assign(spread=0.5, reprojection_px=0.0)
    write_table(table, "found_joints", study_folder / "results/experiments/one/joints/s1.parquet", {"units": "cm", "level": 0.9})
    location = pd.DataFrame(
        {"frame": [0], "time_s": [0.0], "x": [0.0], "y": [0.0], "z": [0.0], "n_views": [2], "residual": [0.0], "valid": [True]}
    )
    write_table(location, "location", study_folder / "results/location/s1.parquet", {})
    notebook = json.loads((Path(__file__).parents[2] / "docs/how-to/results-in-python.ipynb").read_text())
    names: dict = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]).replace("MY_STUDY", str(study_folder)), names)
    assert names["pixels"].shape == (20, 2) and np.isfinite(names["pixels"]).all()
