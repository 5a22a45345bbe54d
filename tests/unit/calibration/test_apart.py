from pathlib import Path

import cv2
import numpy as np
import pytest

from bkind3d.calibration.apart import calibrate_apart, stand_by_points
from bkind3d.config import BoardConfig, CalibrationConfig, InputError
from bkind3d.data.calibration_files import read_calibration
from bkind3d.data.video import decode_frames, list_files
from bkind3d.geometry.lenses import project_through_lens
from tests.unit.calibration.conftest import BOARD, BoardScene


@pytest.fixture
def photographs(board_scene: BoardScene, tmp_path: Path) -> dict[str, Path]:
    """Pictures of the board in a folder for each camera: other moments, and other numbers of them."""
    folders = {}
    for index, (name, video) in enumerate(board_scene.videos.items()):
        folders[name] = tmp_path / name
        folders[name].mkdir()
        for frame in list(decode_frames(video))[2 * index : 14 + index]:
            cv2.imwrite(str(folders[name] / f"IMG_{frame.number}.png"), cv2.cvtColor(frame.picture, cv2.COLOR_RGB2BGR))
    return folders


def test_photographs_give_intrinsics_and_marked_points_the_poses(
    board_scene: BoardScene, photographs: dict[str, Path], tmp_path: Path
) -> None:
    points = np.array([[-150.0, -100, 0], [160, -90, 0], [150, 110, 20], [-140, 120, 60], [10, 0, 120]])
    rows = ["point\tcamera\tcolumn\trow\tx\ty\tz"]
    for name, camera in board_scene.cameras.items():
        for number, (point, pixel) in enumerate(zip(points, project_through_lens(camera, points), strict=True)):
            rows.append("\t".join(map(str, (f"p{number}", name, *pixel, *point))))
    (tmp_path / "points.tsv").write_text("\n".join(rows) + "\n")
    lines = calibrate_apart(CalibrationConfig(), BOARD, photographs, "mm", tmp_path / "rig.toml", tmp_path / "points.tsv")
    assert [line.split(":")[0] for line in lines] == [f"camera {name}" for name in photographs]
    found, _ = read_calibration(tmp_path / "rig.toml")
    for name, true in board_scene.cameras.items():
        assert found[name].matrix[0, 0] == pytest.approx(true.matrix[0, 0], rel=0.02)
        assert np.linalg.norm(found[name].centre - true.centre) < 0.03 * np.linalg.norm(true.centre)
    with pytest.raises(InputError, match="0 points are marked in camera 'back'"):
        (tmp_path / "points.tsv").write_text("\n".join(row for row in rows if "\tback\t" not in row) + "\n")
        stand_by_points(found["back"], tmp_path / "points.tsv", list(photographs))


def test_pictures_of_a_folder_are_in_the_order_of_their_numbers(photographs: dict[str, Path], tmp_path: Path) -> None:
    assert [path.stem for path in list_files(photographs["left"])] == [f"IMG_{number}" for number in range(14)]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="is a folder that holds no pictures"):
        list_files(tmp_path / "empty")


@pytest.mark.real_data
@pytest.mark.slow
def test_photographs_of_a_checkerboard_give_the_reference_focal_length(real_data: Path, tmp_path: Path) -> None:
    below = real_data / "pose2sim_checkerboards" / "Pose2Sim" / "Demo_SinglePerson" / "calibration" / "intrinsics"
    folders = {f"cam0{number}": below / f"int_cam0{number}_img" for number in (1, 2, 3)}
    board = BoardConfig(pattern="checkerboard", squares_x=8, squares_y=5, square_length=60)
    calibrate_apart(CalibrationConfig(), board, folders, "mm", tmp_path / "lenses.toml")
    found, about = read_calibration(tmp_path / "lenses.toml", allow_copies=True)
    assert [found[name].matrix[0, 0] for name in folders] == pytest.approx([1681.2, 1673.7, 1681.6], rel=0.01)
    assert about["poses"] == "not known: for --intrinsics alone"
