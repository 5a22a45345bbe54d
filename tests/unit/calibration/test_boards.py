from dataclasses import replace

import cv2
import numpy as np
import pytest

from bkind3d.calibration.board_poses import pose_in_views
from bkind3d.calibration.boards import Corners, _is_grid, detect_corners, locate_model, make_board, rows_of
from bkind3d.config import BoardConfig
from tests.unit.calibration.conftest import BOARD as CHARUCO
from tests.unit.calibration.conftest import N_FRAMES, make_cameras

CHECKERBOARD = BoardConfig(pattern="checkerboard", squares_x=7, squares_y=6, square_length=20)


def draw_checkerboard() -> np.ndarray:
    columns, rows = np.meshgrid(np.arange(7 * 30) // 30, np.arange(6 * 30) // 30)
    return np.pad(np.where((columns + rows) % 2, 255, 0).astype(np.uint8), 40, constant_values=255)


def test_charuco_corners_are_where_they_were_drawn() -> None:
    board, side = make_board(CHARUCO), 48
    picture = np.pad(board.board.generateImage((7 * side, 5 * side)), side, constant_values=255)
    true = locate_model(board)[:, :2] / CHARUCO.square_length * side + side - 0.5
    found = detect_corners(board, cv2.GaussianBlur(picture, (5, 5), 1))
    assert np.isfinite(found).all()
    # OpenCV before 4.14 adds half a pixel to what it refines.
    assert np.abs(found - true).max() < 0.15


def test_aniposelib_gets_what_was_found(exact_corners: Corners) -> None:
    points = exact_corners.points.copy()
    points[1, 4] = np.nan
    points[1, 5, :6] = np.nan
    corners = replace(exact_corners, points=points)
    poses = pose_in_views(list(make_cameras().values()), corners)
    rows = rows_of(corners, 1, poses[1])
    assert [row["framenum"] for row in rows] == [frame for frame in range(N_FRAMES) if frame != 4]
    assert rows[4]["ids"].ravel().tolist() == list(range(6, 24))
    assert np.allclose(rows[4]["filled"][6:, 0], points[1, 5, 6:], atol=1e-4)
    assert np.allclose(cv2.Rodrigues(rows[4]["rvec"])[0], poses[1, 5, :3, :3])


def test_neighbours_are_one_square_apart(exact_corners: Corners) -> None:
    one, other = exact_corners.neighbours.T
    assert len(one) == 6 * 3 + 5 * 4
    assert np.linalg.norm(exact_corners.model[one] - exact_corners.model[other], axis=1) == pytest.approx(60)


def test_a_checkerboard_keeps_its_corners_when_it_is_turned() -> None:
    pytest.importorskip("aniposelib")
    board, picture = make_board(CHECKERBOARD), draw_checkerboard()
    found = detect_corners(board, picture)
    model = locate_model(board)
    assert found.shape == (30, 2)
    assert model[:, :2].min() == 20
    # Half a turn of the picture leaves every corner where it was on the board.
    turned = detect_corners(board, np.ascontiguousarray(picture[::-1, ::-1]))
    assert turned == pytest.approx(np.array(picture.shape[::-1]) - 1 - found, abs=0.2)
    # Neither the picture's mirror image nor a part of the board is taken for something else.
    for seen in (found, turned):
        spread = np.linalg.lstsq(np.c_[model[:, :2], np.ones(30)], seen, rcond=None)[0]
        assert np.linalg.det(spread[:2]) > 0
    assert np.isnan(detect_corners(board, picture[:, :150])).all()


def test_corners_that_are_no_grid_are_told() -> None:
    """A row that was skipped, and another that lies beside the board, as a search once gave them; a strong lens is still a grid."""
    grid = np.stack(np.meshgrid(np.arange(7.0), np.arange(4.0)), axis=-1).reshape(-1, 2) * 130 + [110, 560]
    assert _is_grid(grid, (7, 4))
    middle = grid - grid.mean(axis=0)
    bent = middle * (1 + 2e-7 * np.square(middle).sum(axis=1, keepdims=True))
    assert np.linalg.norm(bent - middle, axis=1).max() > 10
    assert _is_grid(bent, (7, 4))
    wrong = grid.copy()
    wrong[14:21, 1] += 130
    wrong[21:, 1] += 500
    assert not _is_grid(wrong, (7, 4))
