"""Calib_Results_stereo.mat of Bouguet's toolbox."""

import io
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.io

from bkind3d.calibration.formats.reading import read_given_cameras
from bkind3d.config import InputError
from bkind3d.geometry.lenses import project_through_lens
from tests.unit.calibration.formats.rigs import KnownCamera


def write_bouguet(path: Path, rig: list[KnownCamera]) -> Path:
    content = {}
    for camera in rig:
        (fx, skew, cx), (_, fy, cy) = camera.matrix[:2]
        values = {"fc": [[fx], [fy]], "cc": [[cx], [cy]], "alpha_c": skew / fx, "kc": np.array([[*camera.k[:2], *camera.p, camera.k[2]]]).T}
        content |= {f"{key}_{camera.name}": value for key, value in values.items()}
    left, right = rig
    rotation = right.rotation @ left.rotation.T
    content |= {"R": rotation, "om": cv2.Rodrigues(rotation)[0], "T": (right.translation - rotation @ left.translation)[:, None]}
    scipy.io.savemat(path, content)
    return path


def test_a_real_pair_sees_its_boards(real_data: Path, tmp_path: Path) -> None:
    """The toolbox's own two calibrations of one camera, with a pose of every board in each: the pair follows, and sees all corners."""
    sides, content = {}, {}
    with zipfile.ZipFile(real_data / "calibrations/dlc_stereo_bouguet/examples/stereo_example.zip") as archive:
        for side in ("left", "right"):
            (tmp_path / f"{side}.mat").write_bytes(archive.read(f"Calib_Results_{side}.mat"))
            sides[side] = scipy.io.loadmat(io.BytesIO(archive.read(f"Calib_Results_{side}.mat")))
            content |= {f"{key}_{side}": sides[side][key] for key in ("fc", "cc", "alpha_c", "kc")}
    with pytest.raises(InputError, match=r"holds one camera of the toolbox and no pair; give Calib_Results_stereo\.mat"):
        read_given_cameras(tmp_path / "left.mat")
    boards = [number for number in range(1, 15) if all(f"omc_{number}" in side for side in sides.values())]
    poses = {side: [(cv2.Rodrigues(v[f"omc_{n}"])[0], v[f"Tc_{n}"][:, 0]) for n in boards] for side, v in sides.items()}
    pairs = [(right @ left.T, to - right @ left.T @ at) for (left, at), (right, to) in zip(poses["left"], poses["right"], strict=True)]
    u, _, v = np.linalg.svd(sum(pair[0] for pair in pairs))
    shift = np.median([pair[1] for pair in pairs], axis=0)
    scipy.io.savemat(tmp_path / "stereo.mat", {**content, "R": u @ v, "T": shift[:, None], "nx": 640, "ny": 480})
    cameras, _ = read_given_cameras(tmp_path / "stereo.mat")
    errors = []
    for number, (turn, move) in zip(boards, poses["left"], strict=True):
        corners = sides["left"][f"X_{number}"].T @ turn.T + move
        errors.append(project_through_lens(cameras["left"], corners) - sides["left"][f"x_{number}"].T)
    assert np.median(np.linalg.norm(np.concatenate(errors), axis=1)) < 0.2
    # The boards' poses that the right camera measured alone differ from the pair's by a millimetre or two, which is a pixel or two.
    (turn, move), number = poses["left"][0], boards[0]
    corners = sides["left"][f"X_{number}"].T @ turn.T + move
    assert np.median(np.linalg.norm(project_through_lens(cameras["right"], corners) - sides["right"][f"x_{number}"].T, axis=1)) < 2
