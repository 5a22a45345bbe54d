from dataclasses import replace

import numpy as np
import pytest

from bkind3d.calibration.boards import Corners
from bkind3d.calibration.intrinsics import estimate_intrinsics
from bkind3d.geometry.lenses import project_through_lens
from tests.unit.calibration.conftest import SIZE, make_cameras, make_poses


def see(model: np.ndarray, distortion: list[float], shift: tuple[float, float] = (0, 0), noise: float = 0.05) -> np.ndarray:
    camera = make_cameras()["left"]
    matrix = camera.matrix.copy()
    matrix[:2, 2] += shift
    camera = replace(camera, matrix=matrix, distortion=np.array(distortion))
    points = np.stack([project_through_lens(camera, model @ rotation.T + translation) for rotation, translation in make_poses()])
    return points + np.random.default_rng(0).normal(0, noise, points.shape)


def test_a_pinhole_camera_is_found_to_be_one(exact_corners: Corners) -> None:
    lens = estimate_intrinsics(exact_corners.model, see(exact_corners.model, [0, 0, 0, 0, 0]), SIZE, "a")
    assert lens.matrix[0, 0] == pytest.approx(340, rel=0.005)
    assert lens.matrix[:2, 2].tolist() == [159.5, 119.5]
    assert np.abs(lens.distortion).max() == 0


def test_distortion_and_centre_are_fit_where_the_pictures_show_them(exact_corners: Corners) -> None:
    points = see(exact_corners.model, [-0.3, 0.1, 0, 0, 0], (6, -4))
    lens = estimate_intrinsics(exact_corners.model, points, SIZE, "a")
    assert lens.matrix[0, 0] == pytest.approx(340, rel=0.01)
    assert lens.matrix[:2, 2] == pytest.approx([165.5, 115.5], abs=2)
    assert lens.distortion[0] == pytest.approx(-0.3, abs=0.05)


def test_a_fisheye_lens_is_found(exact_corners: Corners) -> None:
    true = replace(make_cameras()["left"], fisheye=True, distortion=np.array([-0.05, 0.01, 0.0, 0.0]))
    true.matrix[0, 0] = true.matrix[1, 1] = 250
    points = np.stack(
        [project_through_lens(true, exact_corners.model @ rotation.T + translation) for rotation, translation in make_poses()]
    )
    lens = estimate_intrinsics(
        exact_corners.model, points + np.random.default_rng(0).normal(0, 0.05, points.shape), SIZE, "a", fisheye=True
    )
    assert lens.fisheye
    assert lens.distortion.shape == (4,)
    assert lens.matrix[0, 0] == pytest.approx(250, rel=0.01)


def test_few_views_give_a_focal_length_only(exact_corners: Corners) -> None:
    points = see(exact_corners.model, [-0.3, 0, 0, 0, 0])
    points[5:] = np.nan
    lens = estimate_intrinsics(exact_corners.model, points, SIZE, "a")
    assert lens.matrix[:2, 2].tolist() == [159.5, 119.5]
    assert np.abs(lens.distortion).max() == 0
    assert 250 < lens.matrix[0, 0] < 450
