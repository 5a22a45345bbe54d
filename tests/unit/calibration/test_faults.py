import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bkind3d.calibration.boards import Corners
from bkind3d.calibration.faults import check_scale, find_faults
from bkind3d.calibration.given import check_given
from bkind3d.config import BoardConfig
from bkind3d.geometry.lenses import project_through_lens
from tests.unit.calibration.conftest import BOARD, N_FRAMES, make_camera, make_cameras, make_poses

CAMERAS = [*make_cameras().values(), make_camera("front", [300.0, -350, 1000], 330.0)]


@pytest.fixture
def noisy(exact_corners: Corners) -> Corners:
    """Four cameras, corners with a little noise."""
    points = np.stack([see(exact_corners.model, index) for index in range(4)])
    return replace(exact_corners, cameras=[camera.name for camera in CAMERAS], sizes=[(320, 240)] * 4, points=points)


def see(model: np.ndarray, index: int, move: float = 0.0) -> np.ndarray:
    camera = replace(CAMERAS[index], translation=CAMERAS[index].translation + move)
    points = np.stack([project_through_lens(camera, model @ rotation.T + translation) for rotation, translation in make_poses()])
    return points + np.random.default_rng(index).normal(0, 0.1, points.shape)


def put(corners: Corners, index: int, points: np.ndarray) -> Corners:
    changed = corners.points.copy()
    changed[index] = points
    return replace(corners, points=changed)


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


def test_a_camera_that_was_moved_since_is_named_with_how_far(noisy: Corners) -> None:
    given = [replace(camera, translation=camera.translation + 40) if camera.name == "right" else camera for camera in CAMERAS]
    (finding,) = check_given(given, noisy)
    assert finding.cameras == ("right",)
    found = re.search(r"stands ([\d.]+) \(world units\) and ([\d.]+) degrees .* moved since", finding.text)
    assert found
    assert float(found[1]) == pytest.approx(40 * np.sqrt(3), rel=0.05)
    assert float(found[2]) < 0.5


def test_exchanged_and_copied_entries_are_named(noisy: Corners) -> None:
    exchanged = [CAMERAS[1], CAMERAS[0], *CAMERAS[2:]]
    renamed = [replace(camera, name=name) for camera, name in zip(exchanged, noisy.cameras, strict=True)]
    findings = check_given(renamed, noisy)
    assert {finding.kind for finding in findings} <= {"exchanged", "moved"}
    copied = [replace(CAMERAS[1], name="left"), *CAMERAS[1:]]
    findings = check_given(copied, noisy)
    assert [(finding.kind, finding.cameras) for finding in findings] == [("copy", ("left", "right")), ("moved", ("left",))]
    assert "its entry is the copied one" in findings[1].text


def test_a_copied_entry_is_named_where_it_has_another_lens(noisy: Corners) -> None:
    """With the other's lens, no board that the camera sees fits anything."""
    tele = replace(CAMERAS[0], matrix=CAMERAS[0].matrix * [[1.6, 1, 1], [1, 1.6, 1], [1, 1, 1]])
    points = np.stack([project_through_lens(tele, noisy.model @ rotation.T + translation) for rotation, translation in make_poses()])
    given = [replace(CAMERAS[1], name="left"), *CAMERAS[1:]]
    findings = check_given(given, put(noisy, 0, points))
    assert [(finding.kind, finding.cameras) for finding in findings] == [("copy", ("left", "right")), ("moved", ("left",))]


@pytest.mark.parametrize(
    ("square", "units", "wrong"), [(60, "mm", False), (0.06, "m", False), (60, "m", True), (0.06, "mm", True), (6, "cm", False)]
)
def test_boards_that_cannot_be_are_named(square: float, units: str, wrong: bool) -> None:
    board = BoardConfig(**BOARD.model_dump() | {"square_length": square, "marker_length": 0.75 * square})
    assert [finding.kind for finding in check_scale(board, units)] == (["scale"] if wrong else [])
