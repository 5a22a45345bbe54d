from dataclasses import replace

import numpy as np
import pytest

from bkind3d.calibration.boards import Corners
from bkind3d.calibration.rig import check_connected
from bkind3d.config import InputError


def hide(corners: Corners, seen: list[list[bool]]) -> Corners:
    points = corners.points.copy()
    points[~np.array(seen)] = np.nan
    return replace(corners, points=points)


def test_cameras_that_share_boards_in_a_chain_are_connected(exact_corners: Corners) -> None:
    first, second = [True] * 12 + [False] * 12, [False] * 12 + [True] * 12
    check_connected(hide(exact_corners, [first, [True] * 24, second]))


def test_cameras_that_share_too_little_are_named(exact_corners: Corners) -> None:
    first, second = [True] * 13 + [False] * 11, [False] * 11 + [True] * 13
    with pytest.raises(InputError, match=r"fewer than 3 frames: left, right \| back;"):
        check_connected(hide(exact_corners, [first, first, second]))
