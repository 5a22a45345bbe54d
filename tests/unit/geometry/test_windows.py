"""Windows of one camera: their relation, their common window, what it does to projections, and pairs cut with it."""

import cv2
import numpy as np
import pytest
import torch

from bkind3d.geometry.windows import FramePair, choose_common_window, cut_pair, relate_windows, transform_pixels
from bkind3d.losses.perceptual import structural_difference


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
    (affine_a, affine_b), inside = choose_common_window(a, b, 96, 96, 64)
    assert project(affine_a @ a, POINTS) == pytest.approx(project(affine_b @ b, POINTS), abs=1e-6)
    # Windows 12 and 8 video pixels apart, at 0.8: each moves half of 9.6 and 6.4 pixels, and 16 pixels of margin are cut off.
    assert affine_a[:2, 2] == pytest.approx([-16 - 4.8, -16 - 3.2])
    assert affine_b[:2, 2] == pytest.approx([-16 + 4.8, -16 + 3.2])
    assert affine_a[:2, :2] == pytest.approx(np.eye(2))
    assert inside


def test_scale_is_midway_between_both() -> None:
    a, b = cut(CAMERA, (250, 170), 0.5), cut(CAMERA, (250, 170), 0.8)
    (affine_a, affine_b), _ = choose_common_window(a, b, 60, 96, 32)
    assert affine_a[0, 0] == pytest.approx((0.8 / 0.5) ** 0.5)
    assert affine_b[0, 0] == pytest.approx((0.5 / 0.8) ** 0.5)


@pytest.mark.parametrize(("move", "inside"), [(0.0, True), (31.9, True), (32.1, False)])
def test_leaving_the_stored_margin_is_told(move: float, inside: bool) -> None:
    """96 stored pixels hold a window of 64 that moves by at most 16: half of what lies between the two frames."""
    _, found = choose_common_window(cut(CAMERA, (200, 150), 1.0), cut(CAMERA, (200 + move, 150), 1.0), 96, 96, 64)
    assert bool(found) is inside


def test_equal_windows_of_the_whole_picture_are_left_alone() -> None:
    (affine_a, _), inside = choose_common_window(CAMERA, CAMERA, 64, 64, 64)
    assert affine_a == pytest.approx(np.eye(3), abs=1e-9)
    assert inside


def test_views_are_independent() -> None:
    a = np.stack([cut(look_from(place), (200, 150), 0.9) for place in ((900.0, 0.0, 300.0), (0.0, 800.0, 300.0), (-700.0, 100.0, 300.0))])
    b = np.stack([cut(look_from(place), (207, 144), 0.8) for place in ((900.0, 0.0, 300.0), (0.0, 800.0, 300.0), (-700.0, 100.0, 300.0))])
    (together_a, together_b), inside = choose_common_window(a, b, np.array([96.0, 90.0, 60.0]), np.array([96.0, 90.0, 60.0]), 64)
    assert inside.tolist() == [True, True, False]
    for view, side in enumerate((96, 90, 60)):
        (alone_a, alone_b), alone = choose_common_window(a[view], b[view], side, side, 64)
        assert together_a[view] == pytest.approx(alone_a)
        assert together_b[view] == pytest.approx(alone_b)
        assert inside[view] == alone


SIZE, STORED = 64, 96
PLACES = ((900.0, -700.0, 400.0), (-800.0, 500.0, 500.0))


def look_closely(position: tuple[float, float, float]) -> np.ndarray:
    """World to pixels of a 320 x 240 camera at `position` that looks at the origin."""
    forward = -np.array(position) / np.linalg.norm(position)
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    return np.array([[900.0, 0, 159.5], [0, 900, 119.5], [0, 0, 1]]) @ np.concatenate(
        [rotation, -rotation @ np.array(position)[:, None]], axis=1
    )


def project_one(projection: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Pixel of a world point."""
    homogeneous = projection @ np.append(point, 1)
    return homogeneous[:2] / homogeneous[2]


def film(camera: np.ndarray, subject: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut a window around a bright subject in front of a textured, still background: image, mask, matrix."""
    noise = np.random.default_rng(seed).uniform(0, 255, (240, 320, 3)).astype(np.float32)
    picture = np.clip((cv2.GaussianBlur(noise, (0, 0), 2.5) - 127) * 5 + 110, 0, 255).astype(np.uint8)
    mask = np.zeros((240, 320), np.uint8)
    centre = project_one(camera, subject)
    where = tuple(np.round(centre * 16).astype(int).tolist())
    cv2.circle(picture, where, 6 * 16, (255, 230, 40), -1, cv2.LINE_AA, shift=4)
    cv2.circle(mask, where, 6 * 16, 255, -1, cv2.LINE_AA, shift=4)
    affine = np.array([[1, 0, (STORED - 1) / 2 - centre[0]], [0, 1, (STORED - 1) / 2 - centre[1]], [0, 0, 1.0]])
    image, mask = (cv2.warpAffine(part, affine[:2], (STORED, STORED), flags=cv2.INTER_LINEAR) for part in (picture, mask))
    return image, mask, affine @ camera


def film_pair(first: np.ndarray, second: np.ndarray) -> FramePair:
    """Two frames of a subject that moves, in two views, through common windows."""
    frames = [[film(look_closely(place), subject, seed) for seed, place in enumerate(PLACES)] for subject in (first, second)]
    images, masks, matrices = ([[view[part] for view in frame] for frame in frames] for part in range(3))
    return cut_pair((images[0], images[1]), (masks[0], masks[1]), (np.stack(matrices[0]), np.stack(matrices[1])), SIZE)


def differ(images: np.ndarray) -> np.ndarray:
    """1 - SSIM of the two frames, (view, height, width), largest of the colours."""
    first, second = torch.from_numpy(images).permute(0, 1, 4, 2, 3).double() / 255
    return structural_difference(first, second).amax(dim=1).numpy()


FIRST, SECOND = np.array([0.0, 0.0, 0.0]), np.array([9.3, 7.1, 4.7])


def test_a_still_background_does_not_differ_under_a_moving_subject() -> None:
    pair = film_pair(FIRST, SECOND)
    assert pair.inside.all()
    near_subject = cv2.dilate(pair.masks.max(axis=(0, 1)), np.ones((15, 15), np.uint8)) > 0
    difference = differ(pair.images)
    assert difference[:, ~near_subject].max() < 0.03
    assert difference[:, near_subject].max() > 0.5
    grey_levels = np.abs(pair.images[0].astype(int) - pair.images[1])[:, ~near_subject]
    assert grey_levels.mean() < 1


def test_windows_that_follow_the_subject_would_differ_everywhere() -> None:
    stored = np.stack([[film(look_closely(place), subject, seed)[0] for seed, place in enumerate(PLACES)] for subject in (FIRST, SECOND)])
    assert (np.median(differ(stored), axis=(1, 2)) > 0.3).all()


@pytest.mark.parametrize("frame", [0, 1])
def test_the_subject_lies_where_its_position_projects(frame: int) -> None:
    pair = film_pair(FIRST, SECOND)
    for view in range(len(PLACES)):
        mask = pair.masks[frame, view] / 255.0
        rows, columns = np.indices(mask.shape)
        centroid = np.array([(columns * mask).sum(), (rows * mask).sum()]) / mask.sum()
        assert centroid == pytest.approx(project_one(pair.projections[view], (FIRST, SECOND)[frame]), abs=0.1)


def test_a_subject_that_runs_off_is_told_per_view() -> None:
    """It runs towards the first camera, which sees it stay, and across the picture of the second."""
    pair = film_pair(FIRST, 90 * np.array([900.0, -700.0, 400.0]) / 1208)
    assert pair.inside.tolist() == [True, False]
    assert pair.images.shape == (2, 2, SIZE, SIZE, 3)


def test_a_fixed_window_is_not_resampled() -> None:
    image = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    other = np.random.default_rng(1).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    mask = image[..., 0]
    camera = look_closely(PLACES[0])[None]
    pair = cut_pair(([image], [other]), ([mask], [mask]), (camera, camera), SIZE)
    assert np.array_equal(pair.images[:, 0], [image, other])
    assert np.array_equal(pair.masks[0, 0], mask)
    assert pair.projections == pytest.approx(camera, abs=1e-6)
    assert pair.inside.all()
