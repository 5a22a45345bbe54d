from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bkind3d.calibration.boards import Corners
from bkind3d.calibration.displacement import check_given
from bkind3d.calibration.faults import check_scale, find_faults
from bkind3d.config import BoardConfig
from bkind3d.geometry.lenses import project_through_lens
from tests.unit.calibration.conftest import BOARD, CAMERAS, N_FRAMES, make_camera, make_poses, put, see


def test_cameras_that_fit_are_not_blamed(noisy: Corners) -> None:
    assert find_faults(CAMERAS, noisy) == []
    assert check_given(CAMERAS, noisy) == []


def mirror(corners: Corners) -> np.ndarray:
    return np.array([319.0, 0]) + np.array([-1, 1]) * corners.points[2]


def delay(corners: Corners) -> np.ndarray:
    return np.roll(corners.points[2], 3, axis=0)


def push(corners: Corners) -> np.ndarray:
    moved = see(corners.model, 2, move=60)
    return np.where(np.arange(N_FRAMES)[:, None, None] < 10, corners.points[2], moved)


def scramble(corners: Corners) -> np.ndarray:
    return np.random.default_rng(0).permutation(corners.points[2])


@pytest.mark.parametrize(
    ("spoil", "kind", "text"),
    [
        (mirror, "mirrored", "camera 'back' is mirrored"),
        (delay, "timing", "camera 'back' films 3 frames later than"),
        (push, "moved", "camera 'back' was moved while the board was filmed, at about frame 10"),
        (scramble, "misfit", "camera 'back' does not agree with"),
    ],
)
def test_the_camera_that_does_not_fit_is_named(noisy: Corners, spoil: Callable[[Corners], np.ndarray], kind: str, text: str) -> None:
    (finding,) = find_faults(CAMERAS, put(noisy, 2, spoil(noisy)))
    assert (finding.level, finding.kind, finding.cameras) == ("failure", kind, ("back",))
    assert finding.text.startswith(text)


def test_a_camera_below_the_board_sees_its_back_and_is_not_blamed(noisy: Corners) -> None:
    below = make_camera("back", [50.0, -500, -950], 320.0)
    poses = make_poses()
    seen = np.stack([project_through_lens(below, noisy.model @ rotation.T + translation) for rotation, translation in poses])
    lenses = [*CAMERAS[:2], below, CAMERAS[3]]
    (finding,) = find_faults(lenses, put(noisy, 2, seen))
    assert (finding.level, finding.kind, finding.cameras) == ("remark", "back", ("back",))
    (finding,) = find_faults(lenses, put(noisy, 2, seen * [-1, 1] + [319, 0]))
    assert finding.level == "failure", "a mirrored video of the front is something else"


def test_of_two_cameras_that_disagree_both_are_named(noisy: Corners) -> None:
    two = replace(noisy, cameras=noisy.cameras[:2], sizes=noisy.sizes[:2], points=np.stack([noisy.points[0], scramble(noisy)]))
    assert [finding.cameras for finding in find_faults(CAMERAS[:2], two)] == [("left",), ("right",)]


def test_copies_are_named(noisy: Corners) -> None:
    lenses = [*CAMERAS[:2], replace(CAMERAS[0], name="back"), CAMERAS[3]]
    (finding,) = find_faults(lenses, put(noisy, 2, noisy.points[0]))
    assert (finding.level, finding.kind, finding.cameras) == ("failure", "copy", ("left", "back"))


def test_a_pair_that_never_shares_a_board_is_named(noisy: Corners) -> None:
    points = noisy.points.copy()
    points[0, ::2], points[1, 1::2] = np.nan, np.nan
    (finding,) = find_faults(CAMERAS, replace(noisy, points=points))
    assert (finding.level, finding.kind, finding.cameras) == ("remark", "unshared", ("left", "right"))


@pytest.mark.parametrize(
    ("square", "units", "wrong"), [(60, "mm", False), (0.06, "m", False), (60, "m", True), (0.06, "mm", True), (6, "cm", False)]
)
def test_boards_that_cannot_be_are_named(square: float, units: str, wrong: bool) -> None:
    board = BoardConfig(**BOARD.model_dump() | {"square_length": square, "marker_length": 0.75 * square})
    assert [finding.kind for finding in check_scale(board, units)] == (["scale"] if wrong else [])
