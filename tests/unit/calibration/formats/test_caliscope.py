"""TOML files as caliscope writes them."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from bkind3d.calibration.formats.reading import read_given_cameras
from bkind3d.config import InputError
from bkind3d.data.calibration_formats import read_camera_names
from bkind3d.geometry.lenses import project_through_lens
from tests.unit.calibration.formats.rigs import KnownCamera, make_points, make_rig, see
from tests.unit.calibration.formats.test_aniposelib import NAMES, give_distortion, write_pose2sim


def write_caliscope(path: Path, rig: list[KnownCamera], vectors: bool = True, **more: str) -> Path:
    lines = []
    for index, camera in enumerate(rig):
        rotation = cv2.Rodrigues(camera.rotation)[0].ravel() if vectors else camera.rotation
        lines += [
            f"[cameras.{index}]",
            f"cam_id = {index}",
            "rotation_count = 1",
            "error = 0.453",
            "grid_count = 24",
            f"size = {list(camera.size)}",
            f"matrix = {camera.matrix.tolist()}",
            f"distortions = {give_distortion(camera)}",
            f"translation = {camera.translation.tolist()}",
            f"rotation = {rotation.tolist()}",
            more.get(f"camera{index}", "fisheye = false"),
            "",
        ]
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize("vectors", [True, False])
def test_a_camera_array_of_caliscope_is_read(tmp_path: Path, vectors: bool) -> None:
    rig = make_rig(NAMES)
    path = write_caliscope(tmp_path / "camera_array.toml", rig, vectors)
    found, _ = read_given_cameras(path)
    assert list(found) == read_camera_names(path) == NAMES
    for known in rig:
        assert found[known.name].size == known.size
        assert np.abs(project_through_lens(found[known.name], make_points()) - see(known, make_points())).max() < 1e-7


def test_cameras_that_caliscope_ignores_or_could_not_place_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rig = make_rig([*NAMES, "cam_3"])
    path = write_caliscope(tmp_path / "camera_array.toml", rig, camera1="ignore = true")
    head, _, tail = path.read_text().rpartition("rotation = ")
    path.write_text(head + "turn = " + tail)
    assert list(read_given_cameras(path)[0]) == ["cam_0", "cam_2"]
    assert "camera 1 is left out: caliscope ignores it" in caplog.text
    assert "camera 3 is left out: caliscope did not place it" in caplog.text


def test_another_toml_file_is_no_camera_array(tmp_path: Path) -> None:
    path = write_pose2sim(tmp_path / "a.toml", make_rig(NAMES))
    with pytest.raises(InputError, match="has no table 'cameras'; caliscope's file is camera_array.toml"):
        read_given_cameras(path, "caliscope")
