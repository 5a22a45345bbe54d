from dataclasses import replace

import numpy as np
import pytest

from bkind3d.calibration.boards import Corners
from bkind3d.calibration.quality import measure_errors, measure_quality
from tests.unit.calibration.conftest import N_FRAMES, make_cameras


def test_exact_corners_have_no_error(exact_corners: Corners) -> None:
    cameras = list(make_cameras().values())
    table = measure_quality(cameras, exact_corners)
    assert table["camera"].tolist() == ["left", "right", "back"]
    assert (table["mean_px"] < 1e-3).all()
    assert (table["n_board_frames"] == N_FRAMES).all()
    assert (table["n_points"] == N_FRAMES * 24).all()
    assert table["coverage"].between(0.2, 1).all()
    assert table["depth_range"].between(0.4, 0.95).all()


def test_the_camera_that_is_off_has_the_larger_error(exact_corners: Corners) -> None:
    cameras = list(make_cameras().values())
    points = exact_corners.points.copy()
    points[1] += np.random.default_rng(0).normal(0, 1, points[1].shape)
    errors = measure_quality(cameras, replace(exact_corners, points=points))["mean_px"]
    assert errors.idxmax() == 1
    assert 0.2 < errors[1] < 1.3


def test_corners_that_one_camera_alone_sees_have_no_error(exact_corners: Corners) -> None:
    points = exact_corners.points.copy()
    points[1:, 2] = np.nan
    errors = measure_errors(list(make_cameras().values()), replace(exact_corners, points=points))
    assert np.isnan(errors[:, 2]).all()
    assert np.nanmax(errors) == pytest.approx(0, abs=1e-3)
