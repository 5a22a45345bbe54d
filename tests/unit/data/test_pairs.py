"""Pairs through one window: a still background does not differ, points stay where they project."""

import cv2
import numpy as np
import pytest
import torch

from bkind3d.data.pairs import FramePair, cut_pair
from bkind3d.losses.perceptual import structural_difference

SIZE, STORED = 64, 96
PLACES = ((900.0, -700.0, 400.0), (-800.0, 500.0, 500.0))


def look_from(position: tuple[float, float, float]) -> np.ndarray:
    """World to pixels of a 320 x 240 camera at `position` that looks at the origin."""
    forward = -np.array(position) / np.linalg.norm(position)
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    return np.array([[900.0, 0, 159.5], [0, 900, 119.5], [0, 0, 1]]) @ np.concatenate(
        [rotation, -rotation @ np.array(position)[:, None]], axis=1
    )


def project(projection: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Pixel of a world point."""
    homogeneous = projection @ np.append(point, 1)
    return homogeneous[:2] / homogeneous[2]


def film(camera: np.ndarray, subject: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut a window around a bright subject in front of a textured, still background: image, mask, matrix."""
    noise = np.random.default_rng(seed).uniform(0, 255, (240, 320, 3)).astype(np.float32)
    picture = np.clip((cv2.GaussianBlur(noise, (0, 0), 2.5) - 127) * 5 + 110, 0, 255).astype(np.uint8)
    mask = np.zeros((240, 320), np.uint8)
    centre = project(camera, subject)
    where = tuple(np.round(centre * 16).astype(int).tolist())
    cv2.circle(picture, where, 6 * 16, (255, 230, 40), -1, cv2.LINE_AA, shift=4)
    cv2.circle(mask, where, 6 * 16, 255, -1, cv2.LINE_AA, shift=4)
    affine = np.array([[1, 0, (STORED - 1) / 2 - centre[0]], [0, 1, (STORED - 1) / 2 - centre[1]], [0, 0, 1.0]])
    image, mask = (cv2.warpAffine(part, affine[:2], (STORED, STORED), flags=cv2.INTER_LINEAR) for part in (picture, mask))
    return image, mask, affine @ camera


def film_pair(first: np.ndarray, second: np.ndarray) -> FramePair:
    """Two frames of a subject that moves, in two views, through common windows."""
    frames = [[film(look_from(place), subject, seed) for seed, place in enumerate(PLACES)] for subject in (first, second)]
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
    stored = np.stack([[film(look_from(place), subject, seed)[0] for seed, place in enumerate(PLACES)] for subject in (FIRST, SECOND)])
    assert (np.median(differ(stored), axis=(1, 2)) > 0.3).all()


@pytest.mark.parametrize("frame", [0, 1])
def test_the_subject_lies_where_its_position_projects(frame: int) -> None:
    pair = film_pair(FIRST, SECOND)
    for view in range(len(PLACES)):
        mask = pair.masks[frame, view] / 255.0
        rows, columns = np.indices(mask.shape)
        centroid = np.array([(columns * mask).sum(), (rows * mask).sum()]) / mask.sum()
        assert centroid == pytest.approx(project(pair.projections[view], (FIRST, SECOND)[frame]), abs=0.1)


def test_a_subject_that_runs_off_is_told_per_view() -> None:
    """It runs towards the first camera, which sees it stay, and across the picture of the second."""
    pair = film_pair(FIRST, 90 * np.array([900.0, -700.0, 400.0]) / 1208)
    assert pair.inside.tolist() == [True, False]
    assert pair.images.shape == (2, 2, SIZE, SIZE, 3)


def test_a_fixed_window_is_not_resampled() -> None:
    image = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    other = np.random.default_rng(1).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    mask = image[..., 0]
    camera = look_from(PLACES[0])[None]
    pair = cut_pair(([image], [other]), ([mask], [mask]), (camera, camera), SIZE)
    assert np.array_equal(pair.images[:, 0], [image, other])
    assert np.array_equal(pair.masks[0, 0], mask)
    assert pair.projections == pytest.approx(camera, abs=1e-6)
    assert pair.inside.all()
