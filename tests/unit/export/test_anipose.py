import json

import numpy as np
import pandas as pd

from bkind3d.export.anipose import write_session
from tests.unit.export.conftest import CAMERAS, LOST, NAMES, RATE, make_confidences, make_positions, project_with_opencv

MOVEMENT = """
import json, sys
from movement.io import load_poses
data = load_poses.from_anipose_file(sys.argv[1], fps=float(sys.argv[2]))
order = json.loads(sys.argv[3])
position = data.position.sel(keypoints=order).transpose("time", "keypoints", "space", "individuals")
print(json.dumps({"position": position.values[..., 0].tolist(), "confidence": data.confidence.sel(keypoints=order).values[..., 0].tolist()}))
"""


def test_columns_are_those_of_anipose(session, tmp_path):
    write_session(session, tmp_path / "s1.csv")
    table = pd.read_csv(tmp_path / "s1.csv")
    assert list(table.columns[:12]) == [f"{name}_{part}" for name in NAMES[:2] for part in ("x", "y", "z", "error", "ncams", "score")]
    assert list(table.columns[-13:]) == [f"M_{i}{j}" for i in range(3) for j in range(3)] + ["center_0", "center_1", "center_2", "fnum"]
    assert table["fnum"].tolist() == list(range(20))
    assert table["nose_ncams"].tolist() == session.count_views().tolist()
    assert table.loc[LOST, "nose_x"].isna().all()
    for index, name in enumerate(NAMES):
        found = table[[f"{name}_{axis}" for axis in "xyz"]].to_numpy(np.float32)
        np.testing.assert_array_equal(found, make_positions()[:, index])


def test_aniposelib_projects_the_table_with_the_calibration_of_the_study(session, study_folder, tmp_path):
    from aniposelib.cameras import CameraGroup

    write_session(session, tmp_path / "s1.csv")
    table = pd.read_csv(tmp_path / "s1.csv").drop(index=LOST)
    points = table[[f"nose_{axis}" for axis in "xyz"]].to_numpy()
    group = CameraGroup.load(str(study_folder / "results" / "calibration" / "box.toml"))
    expected = np.delete(make_positions()[:, 0], LOST, axis=0)
    for name, pixels in zip(group.get_names(), group.project(points), strict=True):
        np.testing.assert_allclose(np.squeeze(pixels), project_with_opencv(CAMERAS[name], expected), atol=1e-3)


def test_movement_reads_it(session, tmp_path, read_elsewhere):
    write_session(session, tmp_path / "s1.csv")
    found = read_elsewhere("BKIND3D_MOVEMENT_PYTHON", MOVEMENT, tmp_path / "s1.csv", RATE, json.dumps(NAMES))
    np.testing.assert_allclose(np.array(found["position"], float), make_positions(), rtol=1e-6)
    np.testing.assert_allclose(np.array(found["confidence"], float), make_confidences(), rtol=1e-6)
