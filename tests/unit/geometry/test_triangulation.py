import numpy as np
import pytest

from bkind3d.geometry.triangulation import triangulate_rays

ORIGINS = np.array([[1000.0, 0, 300], [-500, 900, 400], [-500, -900, 350], [0, 0, 1500]])


def look_at(points: np.ndarray) -> np.ndarray:
    """Unit vectors (point, view, 3) from all origins to all points."""
    away = points[:, None] - ORIGINS
    return away / np.linalg.norm(away, axis=-1, keepdims=True)


def test_exact_rays_meet_in_their_point() -> None:
    points = np.random.default_rng(0).uniform(-200, 200, (20, 3))
    assert np.abs(triangulate_rays(ORIGINS, look_at(points)) - points).max() < 1e-6
    assert np.abs(triangulate_rays(ORIGINS, look_at(points)[3]) - points[3]).max() < 1e-6


def test_missing_views_are_left_out() -> None:
    points = np.random.default_rng(1).uniform(-200, 200, (3, 3))
    directions = look_at(points)
    directions[0, :2] = np.nan
    directions[1, :3] = np.nan
    found = triangulate_rays(ORIGINS, directions)
    assert np.abs(found[[0, 2]] - points[[0, 2]]).max() < 1e-6
    assert np.isnan(found[1]).all()


def test_weights_choose_whom_to_believe() -> None:
    points = np.array([[10.0, 20, 30]])
    directions = look_at(points)
    directions[0, 3] = look_at(np.array([[200.0, 20, 30]]))[0, 3]
    believed = triangulate_rays(ORIGINS, directions, np.array([[1.0, 1, 1, 0]]))
    assert np.abs(believed - points).max() < 1e-6
    half = np.linalg.norm(triangulate_rays(ORIGINS, directions, np.array([[1.0, 1, 1, 0.2]])) - points)
    full = np.linalg.norm(triangulate_rays(ORIGINS, directions) - points)
    assert 0 < half < full


def test_parallel_rays_meet_nowhere() -> None:
    directions = np.repeat([[0.0, 0, 1]], 2, axis=0)
    assert np.isnan(triangulate_rays(ORIGINS[:2], directions)).all()


def test_errors_count_as_angles() -> None:
    """A near camera's ray that misses by one degree is as wrong as a far camera's."""
    origins = np.array([[100.0, 0, 0], [-10_000, 0, 1], [0, -500, 0], [0, 0, 500]])
    away = -origins / np.linalg.norm(origins, axis=1, keepdims=True)
    turned = away.copy()
    turned[1] = away[1] + np.array([0, 0, np.tan(np.deg2rad(1))])
    turned[1] /= np.linalg.norm(turned[1])
    # The far ray passes 175 from the point: with distances instead of angles it would draw the point far away.
    found = triangulate_rays(origins, turned)
    assert np.linalg.norm(found) == pytest.approx(0, abs=2)
