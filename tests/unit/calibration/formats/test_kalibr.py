"""Kalibr's camchain.yaml."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from bkind3d.calibration.formats.reading import read_given_cameras
from bkind3d.config import InputError
from bkind3d.geometry.lenses import project_through_lens
from tests.unit.calibration.formats.rigs import KnownCamera, make_points, make_rig, see


def pose_of(camera: KnownCamera) -> np.ndarray:
    """World (m) to camera."""
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = camera.rotation, camera.translation / 1000
    return pose


def write_kalibr(path: Path, rig: list[KnownCamera], by_body: bool = True, **more: object) -> Path:
    content, before = {}, None
    for camera in rig:
        table = {
            "camera_model": "pinhole", "intrinsics": [float(camera.matrix[i]) for i in ((0, 0), (1, 1), (0, 2), (1, 2))],
            "distortion_model": "plumb_bob", "distortion_coeffs": [*camera.k[:2], *camera.p, camera.k[2]],
            "resolution": list(camera.size), "rostopic": f"/{camera.name}", **more,
        }  # fmt: skip
        pose = pose_of(camera)
        if by_body:
            table["T_cam_imu"] = pose.tolist()
        elif before is not None:
            table["T_cn_cnm1"] = (pose @ np.linalg.inv(before)).tolist()
        content[camera.name], before = table, pose
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_chain_begins_at_the_first_camera(tmp_path: Path) -> None:
    rig = make_rig(["cam0", "cam1", "cam2"])
    cameras, given = read_given_cameras(write_kalibr(tmp_path / "camchain.yaml", rig, by_body=False))
    assert given.units == "m"
    points = make_points() @ rig[0].rotation.T / 1000 + rig[0].translation / 1000
    for known in rig:
        assert np.abs(project_through_lens(cameras[known.name], points) - see(known, make_points())).max() < 1e-6


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"camera_model": "omni"}, "which OpenCV does not have; calibrate with pinhole-radtan"),
        ({"distortion_model": "fov"}, "distortion 'fov', which OpenCV does not have"),
        ({"distortion_model": "equidistant"}, "has 5 coefficients of equidistant, expected 4"),
    ],
)
def test_models_that_opencv_lacks_are_refused(tmp_path: Path, more: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_given_cameras(write_kalibr(tmp_path / "camchain.yaml", make_rig(["cam0", "cam1"]), **more))


def test_eight_cameras_of_a_real_aviary_stand_around_it(real_data: Path) -> None:
    cameras, _ = read_given_cameras(real_data / "calibrations/kalibr_8cam_aviary/utils/extrinsic_calib_v2.yaml")
    centres = np.stack([camera.centre for camera in cameras.values()])
    middle = centres.mean(axis=0)
    # All of them stand in corners of a room of 5 x 2 x 2 m, and look into it.
    assert np.ptp(centres, axis=0).round(0).tolist() == [5, 2, 2]
    assert all(camera.rotation[2] @ (middle - camera.centre) > 0 for camera in cameras.values())
