from dataclasses import replace

import numpy as np
import pytest

from bkind3d.calibration.boards import Corners
from bkind3d.calibration.intrinsics import estimate_intrinsics
from bkind3d.geometry.lenses import project_points
from tests.unit.calibration.conftest import SIZE, make_cameras, make_poses


def see(model: np.ndarray, distortion: list[float], shift: tuple[float, float] = (0, 0), noise: float = 0.05) -> np.ndarray:
    camera = make_cameras()["left"]
    matrix = camera.matrix.copy()
    matrix[:2, 2] += shift
    camera = replace(camera, matrix=matrix, distortion=np.array(distortion))
    points = np.stack([project_points(camera, model @ rotation.T + translation) for rotation, translation in make_poses()])
    return points + np.random.default_rng(0).normal(0, noise, points.shape)


def test_a_pinhole_camera_is_found_to_be_one(exact_corners: Corners) -> None:
    matrix, distortion = estimate_intrinsics(exact_corners.model, see(exact_corners.model, [0, 0, 0, 0, 0]), SIZE, "a")
    assert matrix[0, 0] == pytest.approx(340, rel=0.005)
    assert matrix[:2, 2].tolist() == [159.5, 119.5]
    assert np.abs(distortion).max() == 0


def test_distortion_and_centre_are_fit_where_the_pictures_show_them(exact_corners: Corners) -> None:
    points = see(exact_corners.model, [-0.3, 0.1, 0, 0, 0], (6, -4))
    matrix, distortion = estimate_intrinsics(exact_corners.model, points, SIZE, "a")
    assert matrix[0, 0] == pytest.approx(340, rel=0.01)
    assert matrix[:2, 2] == pytest.approx([165.5, 115.5], abs=2)
    assert distortion[0] == pytest.approx(-0.3, abs=0.05)


def test_few_views_give_a_focal_length_only(exact_corners: Corners) -> None:
    points = see(exact_corners.model, [-0.3, 0, 0, 0, 0])
    points[5:] = np.nan
    matrix, distortion = estimate_intrinsics(exact_corners.model, points, SIZE, "a")
    assert matrix[:2, 2].tolist() == [159.5, 119.5]
    assert np.abs(distortion).max() == 0
    assert 250 < matrix[0, 0] < 450
