import numpy as np
import pytest
import yaml

from bkind3d.config import InputError
from bkind3d.export.keypoint_moseq import measure_lead, write_session
from tests.unit.export.conftest import NAMES, make_confidences, make_positions

MOSEQ = """
import json, sys, yaml
import keypoint_moseq as kpms
folder, project = sys.argv[1:]
coordinates, confidences, bodyparts = kpms.load_keypoints(folder, "anipose")
kpms.setup_project(project, **yaml.safe_load(open(folder + "/s1/setup.yaml")))
config = kpms.load_config(project)
data, metadata = kpms.format_data(coordinates, confidences, **config)
print()
print(json.dumps({"coordinates": coordinates["s1"].tolist(), "confidences": confidences["s1"].tolist(), "bodyparts": bodyparts,
                  "skeleton": config["skeleton"], "fps": config["fps"], "used": config["use_bodyparts"], "shape": list(data["Y"].shape)}))
"""


def test_setup_names_what_is_used_and_where_the_front_is(session, tmp_path):
    session.keypoints.positions[:, 1] = np.nan
    write_session(session, tmp_path / "s1")
    setup = yaml.safe_load((tmp_path / "s1" / "setup.yaml").read_text())
    assert setup["bodyparts"] == NAMES
    assert setup["use_bodyparts"] == ["nose", "tail_base", "k03"]
    assert (setup["anterior_bodyparts"], setup["posterior_bodyparts"]) == (["nose"], ["tail_base"])
    assert setup["fps"] == 25


def test_lead_is_the_distance_ahead_of_the_middle_along_the_way():
    heading = np.array([0.6, 0.8, 0.0])
    offsets = np.array([30.0, -10.0, -20.0])
    way = np.arange(50)[:, None, None] * 5.0 * heading
    positions = way + offsets[:, None] * heading + np.array([0, 0, 7.0])
    positions[20] = np.nan
    np.testing.assert_allclose(measure_lead(positions), offsets)
    np.testing.assert_allclose(measure_lead(positions[::-1]), -offsets)


def test_a_session_without_any_keypoint_is_refused(session, tmp_path):
    session.keypoints.positions[:] = np.nan
    with pytest.raises(InputError, match="session 's1': no keypoint was found in any frame"):
        write_session(session, tmp_path / "s1")
    assert not (tmp_path / "s1").exists()


def test_keypoint_moseq_loads_it_and_takes_the_setup(session, tmp_path, read_elsewhere):
    write_session(session, tmp_path / "out" / "s1")
    found = read_elsewhere("BKIND3D_MOSEQ_PYTHON", MOSEQ, tmp_path / "out", tmp_path / "project")
    np.testing.assert_allclose(np.array(found["coordinates"], float), make_positions(), rtol=1e-6)
    np.testing.assert_allclose(np.array(found["confidences"], float), make_confidences(), rtol=1e-6)
    assert found["bodyparts"] == found["used"] == NAMES
    assert found["skeleton"] == [["nose", "k01"], ["k01", "tail_base"], ["tail_base", "k03"]]
    assert found["fps"] == 25
    assert found["shape"][-2:] == [4, 3]
