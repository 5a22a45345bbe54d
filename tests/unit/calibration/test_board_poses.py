from dataclasses import replace

import numpy as np
import pytest

from bkind3d.calibration.board_poses import measure_rigid_error, pose_board
from bkind3d.calibration.boards import Corners
from tests.unit.calibration.conftest import make_cameras, make_poses


def test_the_pose_of_the_board_is_found(exact_corners: Corners) -> None:
    cameras = list(make_cameras().values())
    for frame, (rotation, translation) in enumerate(make_poses()):
        pose = pose_board(cameras, exact_corners, frame)
        assert pose is not None
        assert np.abs(pose.rotation - rotation).max() < 1e-4
        assert np.abs(pose.translation - translation).max() < 0.05
        assert np.abs(pose.residuals).max() < 1e-3


def test_a_wrong_focal_length_shows_in_the_rigid_error(exact_corners: Corners) -> None:
    cameras = list(make_cameras().values())
    assert measure_rigid_error(cameras, exact_corners) < 1e-3
    wrong = cameras[0].matrix * [[1.02, 1, 1], [1, 1.02, 1], [1, 1, 1]]
    assert measure_rigid_error([replace(cameras[0], matrix=wrong), *cameras[1:]], exact_corners) > 0.2


def test_one_view_is_enough_for_a_pose_and_none_is_not(exact_corners: Corners) -> None:
    cameras = list(make_cameras().values())
    points = exact_corners.points.copy()
    points[1:, 3] = np.nan
    points[:, 4] = np.nan
    spoiled = replace(exact_corners, points=points)
    pose = pose_board(cameras, spoiled, 3)
    assert pose is not None
    assert pose.translation == pytest.approx(make_poses()[3][1], abs=0.5)
    assert pose_board(cameras, spoiled, 4) is None
