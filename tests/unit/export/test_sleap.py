import json

import numpy as np
import pytest

pytest.importorskip("h5py")

from bkind3d.export.sleap import write_session  # noqa: E402
from tests.unit.export.conftest import CAMERAS, FRAMES, LATE, LOST, NAMES, RATE, make_confidences, make_positions, project_with_opencv  # noqa: E402

MOVEMENT = """
import json, sys
from movement.io import load_poses
data = load_poses.from_sleap_file(sys.argv[1], fps=float(sys.argv[2]))
assert list(data.keypoints.values) == json.loads(sys.argv[3]), data.keypoints
position = data.position.transpose("time", "keypoints", "space", "individuals").values[..., 0]
print(json.dumps({"position": position.tolist(), "confidence": data.confidence.values[..., 0].tolist(), "names": list(data.individuals.values)}))
"""


@pytest.mark.parametrize(("name", "late"), [("cam1", 0), ("cam2", LATE)])
def test_sleap_io_reads_pixels_scores_names_and_skeleton(session, study_folder, tmp_path, name, late):
    sleap_io = pytest.importorskip("sleap_io")
    write_session(session, tmp_path / "s1")
    labels = sleap_io.load_analysis_h5(str(tmp_path / "s1" / f"{name}.analysis.h5"))
    expected = project_with_opencv(CAMERAS[name], make_positions())[late:]
    assert [frame.frame_idx for frame in labels] == [index for index in range(FRAMES - late) if index + late not in LOST]
    for frame in labels:
        (instance,) = frame.instances
        np.testing.assert_allclose(instance.numpy(), expected[frame.frame_idx], atol=1e-3)
        np.testing.assert_allclose(instance.points["score"], make_confidences()[late + frame.frame_idx], rtol=1e-6)
        assert instance.track.name == "m1"
    assert labels.skeletons[0].node_names == NAMES
    assert labels.skeletons[0].edge_inds == [(0, 1), (1, 2), (2, 3)]
    assert labels.video.filename == str((study_folder / "rec" / "s1" / f"{name}.mp4").resolve())


def test_the_layout_is_the_one_that_sleap_io_writes(session, tmp_path):
    """What sleap-io read is written again by itself: every array and every attribute that both have agrees."""
    import h5py

    sleap_io = pytest.importorskip("sleap_io")
    write_session(session, tmp_path / "s1")
    ours = tmp_path / "s1" / "cam1.analysis.h5"
    sleap_io.save_analysis_h5(sleap_io.load_analysis_h5(str(ours)), str(tmp_path / "theirs.h5"))
    with h5py.File(ours) as one, h5py.File(tmp_path / "theirs.h5") as other:
        assert set(one) == set(other)
        for key in ("tracks", "track_occupancy", "point_scores", "instance_scores"):
            assert one[key].attrs["dims"] == other[key].attrs["dims"]
            np.testing.assert_allclose(np.nan_to_num(one[key][:]), np.nan_to_num(other[key][:]), rtol=1e-5, err_msg=key)
        for key in ("node_names", "edge_names", "edge_inds", "track_names"):
            assert one[key][:].tolist() == other[key][:].tolist()
        assert set(other.attrs) - set(one.attrs) <= {"sleap_io_version"}


def test_movement_reads_it(session, tmp_path, read_elsewhere):
    write_session(session, tmp_path / "s1")
    found = read_elsewhere("BKIND3D_MOVEMENT_PYTHON", MOVEMENT, tmp_path / "s1" / "cam1.analysis.h5", RATE, json.dumps(NAMES))
    np.testing.assert_allclose(np.array(found["position"], float), project_with_opencv(CAMERAS["cam1"], make_positions()), atol=1e-3)
    assert found["names"] == ["m1"]
