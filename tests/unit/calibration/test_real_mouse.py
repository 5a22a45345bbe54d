"""The real recording of a mouse: calibrated from its board movies, and its published calibration with a copied camera caught."""

from pathlib import Path

import numpy as np
import pytest

from bkind3d.calibration.boards import Corners
from bkind3d.calibration.calibration import calibrate_corners, judge_cameras
from bkind3d.calibration.corners import find_corners
from bkind3d.calibration.displacement import check_given
from bkind3d.config import BoardConfig, CalibrationConfig
from bkind3d.data.calibration_files import read_calibration

pytestmark = [pytest.mark.real_data, pytest.mark.slow]
BOARD = BoardConfig(squares_x=8, squares_y=11, square_length=24, marker_length=18.75, dictionary_size=1000)
CAMERAS = ("back", "mid", "side", "top")


@pytest.fixture(scope="module")
def folder(real_data: Path) -> Path:
    return real_data / "sleap_anipose"


@pytest.fixture(scope="module")
def corners(folder: Path) -> Corners:
    pytest.importorskip("aniposelib", reason="aniposelib is not installed")
    videos = {name: folder / name / "calibration_images" / f"minimal_session-{name}-calibration.MOV" for name in CAMERAS}
    return find_corners(videos, BOARD, CalibrationConfig())


def test_the_rig_is_calibrated_from_its_board_movies(folder: Path, corners: Corners) -> None:
    cameras, judged = calibrate_corners(corners, CalibrationConfig(), "mm")
    assert [finding.text for finding in judged.findings if finding.level == "failure"] == []
    assert judged.table["mean_px"].max() < 1
    assert abs(judged.details["squares"]["mean_percent"]) < 0.5
    published = read_calibration(folder / "from_fd57457" / "calibration.toml")[0]
    for one, other in (("back", "mid"), ("side", "top"), ("back", "top")):
        found = {camera.name: camera.centre for camera in cameras}
        distance = np.linalg.norm(found[one] - found[other])
        assert distance == pytest.approx(np.linalg.norm(published[one].centre - published[other].centre), rel=0.05)
    # The board covered a fifth of the pictures: said, not hidden.
    assert {finding.kind for finding in judged.findings} <= {"views"}


def test_the_published_copy_is_caught(folder: Path, corners: Corners) -> None:
    found = read_calibration(folder / "calibration.toml", allow_copies=True)[0]
    findings = check_given([found[name] for name in CAMERAS], corners)
    assert [(finding.level, finding.kind, finding.cameras) for finding in findings] == [
        ("failure", "copy", ("side", "top")),
        ("failure", "moved", ("side",)),
    ]
    assert "its entry is the copied one" in findings[1].text


def test_the_corrected_calibration_is_not_blamed(folder: Path, corners: Corners) -> None:
    found = read_calibration(folder / "from_fd57457" / "calibration.toml")[0]
    cameras = [found[name] for name in CAMERAS]
    assert check_given(cameras, corners) == []
    judged = judge_cameras(cameras, corners, corners, CalibrationConfig(), "mm")
    assert judged.table["mean_px"].max() < 2
