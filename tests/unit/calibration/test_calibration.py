from pathlib import Path

import numpy as np
import pytest

from bkind3d.calibration.calibration import calibrate_cameras
from bkind3d.config import CalibrationConfig, InputError
from bkind3d.data.calibration_files import read_calibration, write_calibration
from bkind3d.data.parquet import read_metadata, read_table
from tests.unit.calibration.conftest import BOARD, CONFIG, BoardScene


def test_a_filmed_board_gives_the_cameras_back(board_scene: BoardScene, tmp_path: Path) -> None:
    write_calibration(board_scene.cameras, tmp_path / "truth.toml", "mm")
    output, quality = tmp_path / "rig.toml", tmp_path / "rig.parquet"
    calibrate_cameras(CONFIG, BOARD, board_scene.videos, "mm", output, quality, tmp_path / "truth.toml")
    cameras, metadata = read_calibration(output)
    assert list(cameras) == ["left", "right", "back"]
    assert metadata["units"] == "mm"
    assert metadata["error"] < 0.3
    table, details = read_table(quality, "calibration"), read_metadata(quality)
    assert (table["mean_px"] < 0.3).all()
    for name, camera in cameras.items():
        true = board_scene.cameras[name]
        distance = float(np.linalg.norm(camera.centre - true.centre))
        assert details["truth"][name]["distance"] == pytest.approx(distance)
        assert details["truth"][name]["aligned_percent"] < 0.5
        assert distance < 0.015 * np.linalg.norm(true.centre)
        assert camera.matrix[0, 0] == pytest.approx(true.matrix[0, 0], rel=0.01)


def test_an_error_beyond_the_limit_stops_and_writes_nothing(board_scene: BoardScene, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"more than calibration\.max_error_px 0\.01.*worst is camera"):
        config = CalibrationConfig(floor_frame=0, max_error_px=0.01)
        calibrate_cameras(config, BOARD, board_scene.videos, "mm", tmp_path / "rig.toml", tmp_path / "rig.parquet")
    assert list(tmp_path.iterdir()) == []


def test_one_camera_is_refused(board_scene: BoardScene, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least 2"):
        calibrate_cameras(CONFIG, BOARD, {"left": board_scene.videos["left"]}, "mm", tmp_path / "a.toml", tmp_path / "a.parquet")
