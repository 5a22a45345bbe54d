"""A metadata.xml in the layout of Human3.6M, and its own formula of projection."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from bkind3d.calibration.formats.reading import read_given_cameras
from bkind3d.config import InputError
from bkind3d.geometry.lenses import project_through_lens
from tests.unit.calibration.formats.rigs import make_points

NAMES = ["54138969", "55011271", "58860488", "60457274"]


def make_numbers() -> tuple[np.ndarray, np.ndarray]:
    """(camera, subject, 6) angles and positions, and (camera, 9) lenses."""
    generator = np.random.default_rng(3)
    poses = np.concatenate([generator.uniform(-3, 3, (4, 11, 3)), generator.uniform(-4000, 4000, (4, 11, 3))], axis=2)
    lenses = np.stack(
        [[1145.0 + c, 1143.8 - c, 512.5 + c, 515.4 - c, -0.2 - 0.01 * c, 0.24, -0.002, -0.0014 - 0.001 * c, -0.005] for c in range(4)]
    )
    return poses, lenses


def write_metadata(path: Path, names: list[str] = NAMES, n_numbers: int = 300, tag: str = "w0") -> Path:
    poses, lenses = make_numbers()
    root = ElementTree.Element("metadata")
    cameras = ElementTree.SubElement(ElementTree.SubElement(root, "dbcameras"), "index2id")
    for name in names:
        ElementTree.SubElement(cameras, "id").text = name
    numbers = np.concatenate([poses.ravel(), lenses.ravel()])[:n_numbers]
    ElementTree.SubElement(root, tag).text = "[" + " ".join(repr(float(number)) for number in numbers) + "]"
    ElementTree.ElementTree(root).write(path)
    return path


def see_in_human36m(pose: np.ndarray, lens: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The data set's ``ProjectPointRadial``: R (P - T), then radial and its own tangential part."""
    x, y, z = pose[:3]
    rotation = (
        np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
        @ np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
        @ np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    )
    inside = (points - pose[3:]) @ rotation.T
    inside[:, 2] = np.abs(inside[:, 2])
    rays = inside[:, :2] / inside[:, 2:]
    r2 = (rays**2).sum(axis=1)
    radial = 1 + lens[4] * r2 + lens[5] * r2**2 + lens[6] * r2**3
    tangential = lens[7] * rays[:, 1] + lens[8] * rays[:, 0]
    distorted = rays * (radial + tangential)[:, None] + r2[:, None] * lens[[8, 7]]
    return distorted * lens[:2] + lens[2:4]


@pytest.mark.parametrize("subject", [1, 5, 11])
def test_cameras_of_a_subject_project_as_the_data_set_does(tmp_path: Path, subject: int) -> None:
    cameras, given = read_given_cameras(write_metadata(tmp_path / "metadata.xml"), subject=f"S{subject}")
    assert list(cameras) == NAMES
    assert [camera.size for camera in cameras.values()] == [(1000, 1002), (1000, 1000), (1000, 1000), (1000, 1002)]
    assert given.units == "mm"
    poses, lenses = make_numbers()
    for camera, pose, lens in zip(cameras.values(), poses[:, subject - 1], lenses, strict=True):
        assert np.allclose(camera.centre, pose[3:])
        # Points in front of this camera, up to the edges of its picture.
        points = camera.centre + (make_points() / 100 * [1, 1, 0] * 0.25 + [0, 0, 5.0]) @ camera.rotation * 700
        expected = see_in_human36m(pose, lens, points)
        assert np.abs(project_through_lens(camera, points) - expected).max() < 1e-9


def test_cameras_of_other_pictures_need_their_size(tmp_path: Path) -> None:
    path = write_metadata(tmp_path / "metadata.xml", ["a", "b", "c", "d"])
    with pytest.raises(InputError, match="camera 'a': the file does not say for which picture size"):
        read_given_cameras(path, subject="S1")
    assert read_given_cameras(path, subject="S1", sizes={"": (640, 480)})[0]["b"].size == (640, 480)


@pytest.mark.parametrize(
    ("options", "subject", "message"),
    [
        ({}, None, "has cameras per subject; name one"),
        ({}, "S12", "subjects S1 to S11, not of 'S12'"),
        ({}, "1", "not of '1'"),
        ({"n_numbers": 299}, "S1", "'w0' is not 300 numbers"),
        ({"tag": "w1"}, "S1", "has no element 'w0', so it is not the metadata.xml"),
        ({"names": NAMES[:3]}, "S1", "has 3 cameras, expected 4"),
    ],
)
def test_wrong_files_and_subjects_are_refused(tmp_path: Path, options: dict, subject: str | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_given_cameras(write_metadata(tmp_path / "metadata.xml", **options), subject=subject)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = write_metadata(tmp_path / "metadata.xml")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match="is not valid XML"):
        read_given_cameras(path, subject="S1")
