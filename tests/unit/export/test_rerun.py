import numpy as np
import pytest

pytest.importorskip("rerun")

from bkind3d.export.rerun import write_session  # noqa: E402
from tests.unit.export.conftest import CAMERAS, LOST, NAMES, RATE, make_positions  # noqa: E402


@pytest.fixture
def chunks(session, tmp_path):
    """What rerun's own reader finds, by place in the scene."""
    from rerun.chunk import RrdReader

    write_session(session, tmp_path / "s1.rrd")
    found = {}
    for chunk in RrdReader(str(tmp_path / "s1.rrd")).stream():
        batch = chunk.to_record_batch()
        found.setdefault(chunk.entity_path, {}).update({name: batch.column(name).to_pylist() for name in batch.schema.names})
    return found


def test_keypoints_are_read_back_by_frame_and_number(chunks):
    keypoints = chunks["/world/keypoints"]
    assert keypoints["frame"] == list(range(20))
    seconds = [time.total_seconds() if hasattr(time, "total_seconds") else time / 1e9 for time in keypoints["time"]]
    np.testing.assert_allclose(seconds, np.arange(20) / RATE)
    for frame, (positions, numbers) in enumerate(zip(keypoints["Points3D:positions"], keypoints["Points3D:keypoint_ids"], strict=True)):
        if frame in LOST:
            assert not positions
        else:
            np.testing.assert_array_equal(np.array(positions, np.float32), make_positions()[frame])
            assert numbers == [0, 1, 2, 3]


def test_names_skeleton_and_cameras_are_there(chunks):
    context = str(chunks["/world/keypoints"]["AnnotationContext:context"])
    assert all(name in context for name in NAMES)
    assert "'keypoint0': 1, 'keypoint1': 2" in context
    for name, camera in CAMERAS.items():
        view = chunks[f"/world/{name}"]
        np.testing.assert_allclose(np.ravel(view["Transform3D:translation"]), camera.centre, rtol=1e-5)
        np.testing.assert_allclose(np.reshape(view["Pinhole:image_from_camera"], (3, 3)).T, camera.matrix, rtol=1e-6)
