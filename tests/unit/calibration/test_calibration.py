from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bkind3d.calibration.boards import Corners
from bkind3d.calibration.calibration import Given, calibrate_cameras, calibrate_corners, check_calibration
from bkind3d.config import CalibrationConfig, InputError
from bkind3d.data.calibration_files import read_calibration, write_calibration
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.geometry.lenses import project_through_lens
from tests.unit.calibration.conftest import BOARD, CONFIG, BoardScene, make_cameras


def test_a_filmed_board_gives_the_cameras_back(board_scene: BoardScene, tmp_path: Path) -> None:
    write_calibration(board_scene.cameras, tmp_path / "truth.toml", "mm")
    output, quality = tmp_path / "rig.toml", tmp_path / "rig.parquet"
    calibrate_cameras(CONFIG, BOARD, board_scene.videos, "mm", output, quality, Given(truth=tmp_path / "truth.toml"))
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
    with pytest.raises(InputError, match=r"camera '\w+' misses held-out corners.*more than calibration\.max_error_px 0\.01.*accept_poor"):
        config = CalibrationConfig(floor_frame=0, max_error_px=0.01)
        calibrate_cameras(config, BOARD, board_scene.videos, "mm", tmp_path / "rig.toml", tmp_path / "rig.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_poor_calibration_may_be_accepted_and_says_so(board_scene: BoardScene, tmp_path: Path) -> None:
    config = CalibrationConfig(floor_frame=0, max_error_px=0.01, restarts=1, accept_poor=True)
    calibrate_cameras(config, BOARD, board_scene.videos, "mm", tmp_path / "rig.toml", tmp_path / "rig.parquet")
    failures = [finding for finding in read_metadata(tmp_path / "rig.parquet")["findings"] if finding["level"] == "failure"]
    assert {tuple(finding["cameras"]) for finding in failures} == {("left",), ("right",), ("back",)}
    assert read_calibration(tmp_path / "rig.toml")[1]["accepted"] == [finding["text"] for finding in failures]


def test_metres_read_as_millimetres_are_refused_before_anything_is_searched(tmp_path: Path) -> None:
    videos = {"a": tmp_path / "missing.mp4", "b": tmp_path / "missing.mp4"}
    with pytest.raises(InputError, match=r"the board would be 420 m \(420 m\) long: square_length 60 is not in the rig's units"):
        calibrate_cameras(CONFIG, BOARD, videos, "m", tmp_path / "rig.toml", tmp_path / "rig.parquet")


def test_a_copied_video_is_named(board_scene: BoardScene, tmp_path: Path) -> None:
    videos = {**board_scene.videos, "copy": board_scene.videos["right"]}
    with pytest.raises(InputError, match="cameras 'right' and 'copy' have the same position and direction"):
        calibrate_cameras(CONFIG, BOARD, videos, "mm", tmp_path / "rig.toml", tmp_path / "rig.parquet")


def test_a_given_calibration_is_checked_against_boards(board_scene: BoardScene, tmp_path: Path) -> None:
    given, quality = tmp_path / "given.toml", tmp_path / "rig.parquet"
    write_calibration(board_scene.cameras, given, "mm")
    check_calibration(given, CONFIG, BOARD, board_scene.videos, "mm", quality)
    assert read_metadata(quality)["error"] < 0.3
    moved = {**board_scene.cameras, "back": replace(board_scene.cameras["back"], translation=board_scene.cameras["back"].translation + 60)}
    write_calibration(moved, given, "mm")
    with pytest.raises(InputError, match="camera 'back' stands .* from where the calibration says"):
        check_calibration(given, CONFIG, BOARD, board_scene.videos, "mm", quality)
    with pytest.raises(InputError, match="has no camera 'other', only left, right, back"):
        check_calibration(given, CONFIG, BOARD, {"other": board_scene.videos["left"]}, "mm", quality)


def test_a_calibration_for_pictures_of_another_shape_is_refused_before_anything_is_searched(
    tmp_path: Path, write_video: Callable[..., Path]
) -> None:
    videos = {name: write_video(tmp_path / f"{name}.mp4", np.zeros((3, 64, 64, 3), np.uint8)) for name in make_cameras()}
    write_calibration(make_cameras(), tmp_path / "given.toml", "mm")
    with pytest.raises(
        InputError, match=r"given\.toml: camera 'left': the calibration is for 320x240 pixels, the video has 64x64; the aspect differs"
    ):
        check_calibration(tmp_path / "given.toml", CONFIG, BOARD, videos, "mm", tmp_path / "rig.parquet")
    assert not (tmp_path / "rig.parquet").exists()


def test_wrong_files_are_refused_before_anything_is_searched(tmp_path: Path, write_video: Callable[..., Path]) -> None:
    videos = {name: write_video(tmp_path / f"{name}.mp4", np.zeros((3, 64, 64, 3), np.uint8)) for name in make_cameras()}
    write_calibration(make_cameras(), tmp_path / "lenses.toml", "mm")
    write_calibration({name: camera for name, camera in make_cameras().items() if name != "back"}, tmp_path / "truth.toml", "mm")
    (tmp_path / "points.tsv").write_text("point\tcamera\tcolumn\trow\tx\ty\tz\na\tlift\t1\t2\t0\t0\t0")
    for given, message in (
        (
            Given(intrinsics=tmp_path / "lenses.toml"),
            r"lenses\.toml: camera 'left': the calibration is for 320x240 pixels, the video has 64x64",
        ),
        (Given(truth=tmp_path / "truth.toml"), r"truth\.toml: has no camera 'back', only left, right; name the videos"),
        (Given(world_points=tmp_path / "points.tsv"), "row 2: camera 'lift' is not of this rig; it has left, right, back"),
    ):
        with pytest.raises(InputError, match=message):
            calibrate_cameras(CONFIG, BOARD, videos, "mm", tmp_path / "rig.toml", tmp_path / "rig.parquet", given)
    assert not (tmp_path / "rig.toml").exists()


def test_given_intrinsics_are_kept_and_points_define_the_world(exact_corners: Corners, tmp_path: Path) -> None:
    lenses = {
        name: replace(camera, distortion=np.array([0.0, 0, 1e-9, 0, 1e-9]), rotation=np.eye(3), translation=np.zeros(3))
        for name, camera in make_cameras().items()
    }
    write_calibration(lenses, tmp_path / "lenses.toml", "mm")
    places = {"a": (0.0, 0, 0), "b": (200.0, 0, 0), "c": (0.0, 150, 20), "d": (100.0, 100, 100)}
    write_points(tmp_path / "points.tsv", places)
    given = Given(tmp_path / "lenses.toml", tmp_path / "points.tsv")
    cameras, judged = calibrate_corners(exact_corners, CalibrationConfig(restarts=2), "mm", given)
    assert [finding for finding in judged.findings if finding.level == "failure"] == []
    assert judged.details["world_points"]["residual"] < 0.2
    assert (judged.table["spread_percent"] < 0.1).all()
    for camera, true in zip(cameras, make_cameras().values(), strict=True):
        assert np.array_equal(camera.matrix, lenses[camera.name].matrix)
        assert np.array_equal(camera.distortion, lenses[camera.name].distortion)
        assert np.linalg.norm(camera.centre - true.centre) < 1
    write_points(tmp_path / "points.tsv", {name: tuple(1.05 * np.array(place)) for name, place in places.items()}, places)
    (finding,) = calibrate_corners(exact_corners, CalibrationConfig(restarts=1), "mm", given)[1].findings
    assert "distances between the world's named points measure -4.8 %" in finding.text
    with pytest.raises(InputError, match="has no intrinsics of camera 'left', only of right, back"):
        write_calibration({name: lenses[name] for name in ("right", "back")}, tmp_path / "lenses.toml", "mm")
        calibrate_corners(exact_corners, CalibrationConfig(), "mm", given)


def write_points(path: Path, places: dict, seen: dict | None = None) -> None:
    rows = ["point\tcamera\tcolumn\trow\tx\ty\tz"]
    for name, place in places.items():
        for camera in make_cameras().values():
            column, row = project_through_lens(camera, np.array([(seen or places)[name]]))[0]
            rows.append("\t".join(map(str, (name, camera.name, column, row, *place))))
    path.write_text("\n".join(rows))


def test_one_camera_is_refused(board_scene: BoardScene, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least 2"):
        calibrate_cameras(CONFIG, BOARD, {"left": board_scene.videos["left"]}, "mm", tmp_path / "a.toml", tmp_path / "a.parquet")
