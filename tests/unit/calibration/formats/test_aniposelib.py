"""TOML files as aniposelib, and Pose2Sim write them."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from bkind3d.calibration.formats.reading import read_given_cameras
from bkind3d.geometry.lenses import project_through_lens
from tests.unit.calibration.formats.rigs import KnownCamera, make_points, make_rig, see

NAMES = ["cam_0", "cam_1", "cam_2"]


def give_distortion(camera: KnownCamera) -> list[float]:
    return [*camera.k[:2], *camera.p, camera.k[2]]


def test_a_file_of_aniposelib_is_read(tmp_path: Path) -> None:
    anipose = pytest.importorskip("aniposelib.cameras")
    rig = make_rig(["top", "side", "back"])
    cameras = [
        anipose.Camera(
            matrix=known.matrix,
            dist=give_distortion(known),
            rvec=cv2.Rodrigues(known.rotation)[0].ravel(),
            tvec=known.translation,
            name=known.name,
            size=known.size,
        )
        for known in rig
    ]
    group = anipose.CameraGroup(cameras, metadata={"error": 0.3, "adjusted": True})
    group.dump(str(tmp_path / "calibration.toml"))
    found, given = read_given_cameras(tmp_path / "calibration.toml")
    assert list(found) == ["top", "side", "back"]
    assert given.error == 0.3
    for known, other in zip(rig, cameras, strict=True):
        pixels = project_through_lens(found[known.name], make_points())
        assert np.abs(pixels - see(known, make_points())).max() < 1e-7
        assert np.abs(pixels - other.project(make_points()).reshape(-1, 2)).max() < 1e-7


def write_pose2sim(path: Path, rig: list[KnownCamera]) -> Path:
    """Metres, sizes as real numbers, four coefficients."""
    lines = []
    for camera in rig:
        lines += [
            f"[{camera.name}]",
            f'name = "{camera.name}"',
            f"size = [ {float(camera.size[0])}, {float(camera.size[1])}]",
            f"matrix = {camera.matrix.tolist()}",
            f"distortions = {give_distortion(camera)[:4]}",
            f"rotation = {cv2.Rodrigues(camera.rotation)[0].ravel().tolist()}",
            f"translation = {(camera.translation / 1000).tolist()}",
            "fisheye = false",
            "",
        ]
    path.write_text("\n".join([*lines, "[metadata]", "adjusted = false", "error = 0.0"]))
    return path


def test_a_file_of_pose2sim_is_read(tmp_path: Path) -> None:
    rig = [KnownCamera(**{**vars(camera), "k": (*camera.k[:2], 0.0)}) for camera in make_rig(NAMES)]
    found, given = read_given_cameras(write_pose2sim(tmp_path / "Calib.toml", rig))
    assert given.error is None
    for known in rig:
        assert np.abs(project_through_lens(found[known.name], make_points() / 1000) - see(known, make_points())).max() < 1e-7


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("pose2sim_single/Calib_qualisys.toml", ["cam_01", "cam_02", "cam_03", "cam_04"]),
        ("sleap_anipose/from_fd57457/calibration.toml", ["back", "mid", "side", "top"]),
    ],
)
def test_real_files_are_read(real_data: Path, file: str, names: list[str]) -> None:
    assert list(read_given_cameras(real_data / file)[0]) == names
