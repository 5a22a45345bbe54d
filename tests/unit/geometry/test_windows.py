"""Windows of one camera: their relation, their common window, and what it does to projections."""

import numpy as np
import pytest

from bkind3d.geometry.windows import choose_common_window, move_projection, relate_windows, transform_pixels


def look_from(position: tuple[float, float, float], focal: float = 500.0) -> np.ndarray:
    """World to pixels of a camera at `position` that looks at the origin."""
    forward = -np.array(position) / np.linalg.norm(position)
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    intrinsics = np.array([[focal, 0, 320], [0, focal, 240], [0, 0, 1.0]])
    return intrinsics @ np.concatenate([rotation, -rotation @ np.array(position)[:, None]], axis=1)


def cut(projection: np.ndarray, corner: tuple[float, float], scale: float) -> np.ndarray:
    """The same camera for a window with this corner (pixel edge) at this scale."""
    return (
        np.array([[scale, 0, -scale * corner[0] + (scale - 1) / 2], [0, scale, -scale * corner[1] + (scale - 1) / 2], [0, 0, 1.0]])
        @ projection
    )


def project(projection: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Pixels of world points."""
    homogeneous = points @ projection[:, :3].T + projection[:, 3]
    return homogeneous[:, :2] / homogeneous[:, 2:]


CAMERA = look_from((900.0, -700.0, 400.0))
POINTS = np.random.default_rng(0).uniform(-60, 60, (20, 3))


def test_relation_takes_pixels_of_one_window_to_the_other() -> None:
    a, b = cut(CAMERA, (250, 170), 0.8), -2.5 * cut(CAMERA, (270.4, 190.7), 0.7)
    relation = relate_windows(a, b)
    assert transform_pixels(project(a, POINTS), relation) == pytest.approx(project(b, POINTS), abs=1e-6)
    assert relation[:2, :2] == pytest.approx(np.eye(2) * 0.7 / 0.8)
    assert relation[2].tolist() == [0, 0, 1]


def test_single_precision_matrices_are_precise_enough() -> None:
    a, b = (cut(CAMERA, corner, 0.8).astype(np.float32) for corner in ((250, 170), (270.4, 190.7)))
    assert transform_pixels(project(a, POINTS), relate_windows(a, b)) == pytest.approx(project(b, POINTS), abs=0.01)


@pytest.mark.parametrize("other", [look_from((-900.0, -700.0, 400.0)), look_from((910.0, -700.0, 400.0))])
def test_another_camera_is_refused(other: np.ndarray) -> None:
    with pytest.raises(ValueError, match="two windows of the same camera"):
        relate_windows(CAMERA, other)


def test_a_world_with_its_origin_in_the_camera_works() -> None:
    camera = np.array([[500.0, 0, 320, 0], [0, 500, 240, 0], [0, 0, 1, 0]])
    assert relate_windows(camera, cut(camera, (10, 20), 1.0))[:2, 2] == pytest.approx([-10, -20])


def test_common_window_lies_midway_and_keeps_the_projection() -> None:
    a, b = cut(CAMERA, (250, 170), 0.8), cut(CAMERA, (262, 178), 0.8)
    window = choose_common_window(a, b, 96, 96, 64)
    common = move_projection(a, window.affine_a)
    assert project(common, POINTS) == pytest.approx(project(move_projection(b, window.affine_b), POINTS), abs=1e-6)
    # Windows 12 and 8 video pixels apart, at 0.8: each moves half of 9.6 and 6.4 pixels, and 16 pixels of margin are cut off.
    assert window.affine_a[:2, 2] == pytest.approx([-16 - 4.8, -16 - 3.2])
    assert window.affine_b[:2, 2] == pytest.approx([-16 + 4.8, -16 + 3.2])
    assert window.affine_a[:2, :2] == pytest.approx(np.eye(2))
    assert window.inside


def test_scale_is_midway_between_both() -> None:
    a, b = cut(CAMERA, (250, 170), 0.5), cut(CAMERA, (250, 170), 0.8)
    window = choose_common_window(a, b, 60, 96, 32)
    assert window.affine_a[0, 0] == pytest.approx((0.8 / 0.5) ** 0.5)
    assert window.affine_b[0, 0] == pytest.approx((0.5 / 0.8) ** 0.5)


@pytest.mark.parametrize(("move", "inside"), [(0.0, True), (31.9, True), (32.1, False)])
def test_leaving_the_stored_margin_is_told(move: float, inside: bool) -> None:
    """96 stored pixels hold a window of 64 that moves by at most 16: half of what lies between the two frames."""
    window = choose_common_window(cut(CAMERA, (200, 150), 1.0), cut(CAMERA, (200 + move, 150), 1.0), 96, 96, 64)
    assert bool(window.inside) is inside


def test_equal_windows_of_the_whole_picture_are_left_alone() -> None:
    window = choose_common_window(CAMERA, CAMERA, 64, 64, 64)
    assert window.affine_a == pytest.approx(np.eye(3), abs=1e-9)
    assert window.inside


def test_views_are_independent() -> None:
    a = np.stack([cut(look_from(place), (200, 150), 0.9) for place in ((900.0, 0.0, 300.0), (0.0, 800.0, 300.0), (-700.0, 100.0, 300.0))])
    b = np.stack([cut(look_from(place), (207, 144), 0.8) for place in ((900.0, 0.0, 300.0), (0.0, 800.0, 300.0), (-700.0, 100.0, 300.0))])
    together = choose_common_window(a, b, np.array([96.0, 90.0, 60.0]), np.array([96.0, 90.0, 60.0]), 64)
    assert together.inside.tolist() == [True, True, False]
    for view, side in enumerate((96, 90, 60)):
        alone = choose_common_window(a[view], b[view], side, side, 64)
        assert together.affine_a[view] == pytest.approx(alone.affine_a)
        assert together.affine_b[view] == pytest.approx(alone.affine_b)
        assert together.inside[view] == alone.inside
