from pathlib import Path

import cv2
import numpy as np
import pytest

from bkind3d.calibration.exporters import EXPORT_FORMATS, export_calibration
from bkind3d.config import InputError
from bkind3d.data.calibration_files import write_calibration
from bkind3d.geometry.cameras import Camera
from tests.unit.calibration.formats.rigs import make_points, make_rig, see

NAMES = ["left", "54138969", "top-2"]


def write_rig(folder: Path, skew: float = 0.0, fisheye: bool = False) -> Path:
    cameras = {}
    for known in make_rig(NAMES, skew):
        bent = fisheye and known.name == "left"
        distortion = np.array([0.05, -0.01, 0.002, 0.001] if bent else [*known.k[:2], *known.p, known.k[2]])
        cameras[known.name] = Camera(known.name, known.size, known.matrix, distortion, known.rotation, known.translation, bent)
    write_calibration(cameras, folder / "rig.toml", "mm", {"error": 0.25})
    return folder / "rig.toml"


@pytest.mark.parametrize("ending", ["yaml", "json", "xml"])
def test_opencv_sees_the_same_with_what_is_exported(tmp_path: Path, ending: str) -> None:
    export_calibration(write_rig(tmp_path), tmp_path / f"rig.{ending}")
    storage = cv2.FileStorage(str(tmp_path / f"rig.{ending}"), cv2.FILE_STORAGE_READ)
    ks, distortions, rotations, translations = (storage.getNode(key).mat() for key in ("Ks", "distortions", "rvecs", "Ts"))
    assert storage.getNode("cam_ids").string().split(",") == NAMES
    assert storage.getNode("units").string() == "mm"
    assert storage.getNode("image_sizes").mat().tolist() == [list(known.size) for known in make_rig(NAMES)]
    for index, known in enumerate(make_rig(NAMES)):
        pixels = cv2.projectPoints(make_points(), rotations[index], translations[index], ks[index], distortions[index])[0]
        assert np.abs(pixels.reshape(-1, 2) - see(known, make_points())).max() < 1e-7


def test_aniposelib_sees_the_same_with_what_is_exported(tmp_path: Path) -> None:
    anipose = pytest.importorskip("aniposelib.cameras")
    export_calibration(write_rig(tmp_path), tmp_path / "exported.toml", "aniposelib")
    group = anipose.CameraGroup.load(str(tmp_path / "exported.toml"))
    for known, pixels in zip(make_rig(NAMES), group.project(make_points()), strict=True):
        assert np.abs(pixels.reshape(-1, 2) - see(known, make_points())).max() < 1e-7


def test_the_skew_that_others_pass_over_is_said_in_pixels(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    export_calibration(write_rig(tmp_path, skew=3.0), tmp_path / "rig.yaml")
    # The first camera: 3 of skew, 1410 of focal length, 515.8 pixels down to the principal point.
    assert (
        f"camera left has a skewed matrix, which OpenCV and aniposelib pass over: points are up to {3 * 515.8 / 1410:.2f} px off"
        in caplog.text
    )


@pytest.mark.parametrize(
    ("output", "format_name"), [("a.csv", None), ("a.toml", "opencv"), ("a.yaml", "aniposelib"), ("a", None), ("a.mat", "opencv")]
)
def test_another_ending_is_refused(tmp_path: Path, output: str, format_name: str | None) -> None:
    path = write_rig(tmp_path)
    with pytest.raises(InputError, match=f"{output}: has another ending than .*; rename it"):
        export_calibration(path, tmp_path / "out" / output, format_name)
    assert not (tmp_path / "out").exists()


def test_formats_are_known_to_the_verb() -> None:
    from bkind3d.cli import build_parser

    for name in EXPORT_FORMATS:
        assert build_parser().parse_args(["export-calibration", "a.toml", "--format", name, "-o", "b"]).format == name
