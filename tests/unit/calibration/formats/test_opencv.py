"""FileStorage as OpenCV's samples and other programs write it."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from bkind3d.calibration.formats.reading import read_given_cameras
from bkind3d.config import InputError
from bkind3d.geometry.lenses import project_through_lens
from tests.unit.calibration.formats.rigs import KnownCamera, make_points, make_rig, see

NAMES = ["left", "right", "54138969"]


def give_distortion(camera: KnownCamera) -> np.ndarray:
    return np.array([[*camera.k[:2], *camera.p, camera.k[2]]])


def write_rows(path: Path, rig: list[KnownCamera], rotations: str = "rvecs", leave_out: str = "") -> Path:
    """As OpenCV's multi-camera calibration does, entry by entry."""
    turns = [cv2.Rodrigues(camera.rotation)[0] if rotations == "rvecs" else camera.rotation for camera in rig]
    entries = {
        rotations: np.array(turns),
        "distortions": np.array([give_distortion(camera) for camera in rig]),
        "Ks": np.array([camera.matrix for camera in rig]),
        "Ts": np.array([camera.translation[:, None] for camera in rig]),
        "is_fisheye": np.array([False] * len(rig), dtype=int),
        "image_sizes": np.array([camera.size for camera in rig], dtype=int),
        "cam_ids": ",".join(camera.name for camera in rig),
    }
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    for key, value in entries.items():
        if key != leave_out:
            storage.write(key, value)
    storage.release()
    return path


def write_maps(path: Path, rig: list[KnownCamera], rotation: str = "R", translation: str = "T") -> Path:
    """A map per camera, with the names that OpenCV's calibration of one camera gives."""
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    for camera in rig:
        storage.startWriteStruct(camera.name, cv2.FILE_NODE_MAP)
        storage.write("image_width", camera.size[0])
        storage.write("image_height", camera.size[1])
        storage.write("camera_matrix", camera.matrix)
        storage.write("distortion_coefficients", give_distortion(camera).T)
        storage.write(rotation, cv2.Rodrigues(camera.rotation)[0] if rotation == "rvec" else camera.rotation)
        storage.write(translation, camera.translation[:, None])
        storage.endWriteStruct()
    storage.release()
    return path


def check(path: Path, rig: list[KnownCamera]) -> None:
    cameras, _ = read_given_cameras(path)
    assert list(cameras) == [camera.name for camera in rig]
    for known in rig:
        assert cameras[known.name].size == known.size
        assert np.abs(project_through_lens(cameras[known.name], make_points()) - see(known, make_points())).max() < 1e-7


@pytest.mark.parametrize("ending", ["yaml", "yml", "json", "xml"])
@pytest.mark.parametrize("rotations", ["rvecs", "Rs"])
def test_rows_of_cameras_are_read(tmp_path: Path, ending: str, rotations: str) -> None:
    check(write_rows(tmp_path / f"rig.{ending}", make_rig(NAMES), rotations), make_rig(NAMES))


@pytest.mark.parametrize("ending", ["yaml", "json", "xml"])
@pytest.mark.parametrize(("rotation", "translation"), [("R", "T"), ("rvec", "tvec")])
def test_maps_of_cameras_are_read(tmp_path: Path, ending: str, rotation: str, translation: str) -> None:
    rig = make_rig(["left", "right", "top"])
    check(write_maps(tmp_path / f"rig.{ending}", rig, rotation, translation), rig)


def test_rows_without_names_are_numbered(tmp_path: Path) -> None:
    assert list(read_given_cameras(write_rows(tmp_path / "rig.yaml", make_rig(NAMES), leave_out="cam_ids"))[0]) == ["0", "1", "2"]


def test_rows_without_sizes_need_one(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rig.yaml", make_rig(NAMES), leave_out="image_sizes")
    with pytest.raises(InputError, match="'left': the file does not say for which picture size"):
        read_given_cameras(path)
    sizes = {"": (1152, 1024), "right": (640, 512)}
    assert [camera.size for camera in read_given_cameras(path, sizes=sizes)[0].values()] == [(1152, 1024), (640, 512), (1152, 1024)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", "holds no cameras as OpenCV writes them"),
        ("%YAML:1.0\n---\ncamera_matrix: !!opencv-matrix\n   rows: 3\n", "holds no cameras"),
        ("%YAML:1.0\n---\na: { camera_matrix: [1, 2, 3] }\nb: { camera_matrix: [1, 2, 3] }\n", "'a': 'camera_matrix' is not 3x3 numbers"),
        ("%YAML:1.0\n---\na: { camera_matrix: [1, 2, 3, 4, 5, 6, 7, 8, 9] }\n", "'a': 'distortion_coefficients' is missing"),
        ("%YAML:1.0\n---\nKs: [1, 2, 3, 4, 5, 6, 7, 8, 9]\n", "matrix 'rvecs' is missing|matrix 'Rs' is missing"),
        ("%YAML:1.0\n---\nKs: [1, x]\n", "'Ks' is not 0x3x3 numbers"),
        ("\0\0\0\0", "holds no cameras"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "rig.yaml").write_text(text)
    with pytest.raises(InputError, match=message) as error:
        read_given_cameras(tmp_path / "rig.yaml")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    path = write_rows(tmp_path / "rig.yaml", make_rig(NAMES))
    path.write_text(path.read_text()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match=r"rig\.yaml: "):
        read_given_cameras(path)


def test_json_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rig.json").write_text(json.dumps({"a": [1, 2], "b": {"c": None}}))
    with pytest.raises(InputError, match="holds no cameras"):
        read_given_cameras(tmp_path / "rig.json")


def test_a_number_that_is_none_is_named(tmp_path: Path) -> None:
    rig = make_rig(NAMES)
    rig[1].translation[0] = np.nan
    with pytest.raises(InputError, match="camera 'right': translation contains a number that is not finite"):
        read_given_cameras(write_rows(tmp_path / "rig.yaml", rig))
