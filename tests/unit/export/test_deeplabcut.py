import json

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("tables")

from bkind3d.export.deeplabcut import write_session  # noqa: E402
from tests.unit.export.conftest import CAMERAS, LATE, NAMES, RATE, make_confidences, make_positions, project_with_opencv  # noqa: E402

MOVEMENT = """
import json, sys
from movement.io import load_poses
data = load_poses.from_dlc_file(sys.argv[1], fps=float(sys.argv[2]))
assert list(data.keypoints.values) == json.loads(sys.argv[3]), data.keypoints
position = data.position.transpose("time", "keypoints", "space", "individuals").values[..., 0]
print(json.dumps({"position": position.tolist(), "confidence": data.confidence.values[..., 0].tolist()}))
"""


def read_both(folder, name):
    """The table as DeepLabCut itself reads its two kinds of files."""
    return pd.read_hdf(folder / f"{name}.h5"), pd.read_csv(folder / f"{name}.csv", header=[0, 1, 2], index_col=0)


def test_the_3d_table_holds_positions_in_the_rigs_units(session, tmp_path):
    write_session(session, tmp_path / "s1")
    for table in read_both(tmp_path / "s1", "3d"):
        assert table.columns.names == ["scorer", "bodyparts", "coords"]
        assert list(table["bkind3d"].columns.get_level_values("bodyparts").unique()) == NAMES
        np.testing.assert_array_equal(table["bkind3d"]["nose"][["x", "y", "z"]].to_numpy(np.float32), make_positions()[:, 0])
        assert table.index.tolist() == list(range(20))


#: Half a hundredth of a pixel, half of the fourth digit of a likelihood, and what projecting twice may differ by.
ROUNDING, DIGITS = 0.005 + 1e-4, 5e-5 + 1e-6


def test_the_tables_of_the_cameras_have_the_frames_of_their_videos(session, tmp_path):
    write_session(session, tmp_path / "s1")
    for name, late in (("cam1", 0), ("cam2", LATE)):
        expected = project_with_opencv(CAMERAS[name], make_positions())[late:]
        for table in read_both(tmp_path / "s1", name):
            found = table["bkind3d"]["tail_base"]
            np.testing.assert_allclose(found[["x", "y"]].to_numpy(), expected[:, 2], rtol=0, atol=ROUNDING)
            np.testing.assert_allclose(found["likelihood"].to_numpy(), make_confidences()[late:, 2], rtol=0, atol=DIGITS)
            assert table.index.tolist() == list(range(len(expected)))


def test_both_kinds_of_a_table_hold_the_same_numbers(session, tmp_path):
    write_session(session, tmp_path / "s1")
    for name in ("3d", *CAMERAS):
        binary, text = read_both(tmp_path / "s1", name)
        pd.testing.assert_frame_equal(binary, text.astype(np.float32), check_exact=True)


@pytest.mark.parametrize("suffix", ["csv", "h5"])
def test_movement_reads_both_kinds(session, tmp_path, read_elsewhere, suffix):
    write_session(session, tmp_path / "s1")
    found = read_elsewhere("BKIND3D_MOVEMENT_PYTHON", MOVEMENT, tmp_path / "s1" / f"3d.{suffix}", RATE, json.dumps(NAMES))
    np.testing.assert_allclose(np.array(found["position"], float), make_positions(), rtol=1e-6)
    found = read_elsewhere("BKIND3D_MOVEMENT_PYTHON", MOVEMENT, tmp_path / "s1" / f"cam1.{suffix}", RATE, json.dumps(NAMES))
    np.testing.assert_allclose(
        np.array(found["position"], float), project_with_opencv(CAMERAS["cam1"], make_positions()), rtol=0, atol=ROUNDING
    )
    np.testing.assert_allclose(np.array(found["confidence"], float), make_confidences(), rtol=0, atol=DIGITS)
