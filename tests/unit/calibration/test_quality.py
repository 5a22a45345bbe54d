from dataclasses import replace

import numpy as np
import pytest

from bkind3d.calibration.boards import Corners
from bkind3d.calibration.quality import choose_held_out, measure_errors, measure_pairs, measure_quality, measure_squares
from tests.unit.calibration.conftest import N_FRAMES, make_cameras


def test_exact_corners_have_no_error(exact_corners: Corners) -> None:
    cameras = list(make_cameras().values())
    table = measure_quality(cameras, exact_corners, exact_corners)
    assert table["camera"].tolist() == ["left", "right", "back"]
    assert (table["mean_px"] < 1e-3).all()
    assert table["tilt_range"].between(15, 60).all()
    assert (table["n_board_frames"] == N_FRAMES).all()
    assert (table["n_points"] == N_FRAMES * 24).all()
    assert table["coverage"].between(0.2, 1).all()
    assert table["depth_range"].between(0.4, 0.95).all()


def test_the_camera_that_is_off_has_the_larger_error(exact_corners: Corners) -> None:
    cameras = list(make_cameras().values())
    points = exact_corners.points.copy()
    points[1] += np.random.default_rng(0).normal(0, 1, points[1].shape)
    spoiled = replace(exact_corners, points=points)
    errors = measure_quality(cameras, spoiled, spoiled)["mean_px"]
    assert errors.idxmax() == 1
    assert 0.2 < errors[1] < 1.3


def test_corners_that_one_camera_alone_sees_have_no_error(exact_corners: Corners) -> None:
    points = exact_corners.points.copy()
    points[1:, 2] = np.nan
    errors = measure_errors(list(make_cameras().values()), points)[0]
    assert np.isnan(errors[:, 2]).all()
    assert np.nanmax(errors) == pytest.approx(0, abs=1e-3)


def test_errors_at_the_board_are_pixels_times_distance_over_focal_length(exact_corners: Corners) -> None:
    cameras = list(make_cameras().values())
    points = exact_corners.points.copy()
    points[1, ..., 0] += 2
    spoiled = replace(exact_corners, points=points)
    row = measure_quality(cameras, spoiled, spoiled).iloc[1]
    distance = float(np.linalg.norm(cameras[1].centre))
    assert row["mean_world"] == pytest.approx(row["mean_px"] * distance / cameras[1].matrix[0, 0], rel=0.15)
    assert row["mean_percent"] == pytest.approx(100 * row["mean_px"] / 320)


def test_the_pair_without_the_bad_camera_has_no_error(exact_corners: Corners) -> None:
    points = exact_corners.points.copy()
    points[1] += np.random.default_rng(0).normal(0, 2, points[1].shape)
    pairs = measure_pairs(list(make_cameras().values()), exact_corners, replace(exact_corners, points=points))
    errors = {(row["one"], row["other"]): row["mean_px"] for row in pairs}
    assert errors["left", "back"] == pytest.approx(0, abs=1e-3)
    assert min(errors["left", "right"], errors["right", "back"]) > 0.5
    assert {row["n_shared"] for row in pairs} == {N_FRAMES}


def test_squares_are_measured_in_true_size(exact_corners: Corners) -> None:
    cameras = list(make_cameras().values())
    assert measure_squares(cameras, exact_corners)["mean_percent"] == pytest.approx(0, abs=1e-3)
    shrunk = [replace(camera, translation=0.97 * camera.translation) for camera in cameras]
    assert measure_squares(shrunk, exact_corners)["mean_percent"] == pytest.approx(-3, abs=1e-3)


def test_views_are_held_out_where_cameras_can_spare_them(exact_corners: Corners) -> None:
    held_out = choose_held_out(exact_corners, 0.25, 2, 6)
    assert held_out.sum() == N_FRAMES // 4
    assert not choose_held_out(exact_corners, 0.5, 3, 6)[3]
    assert choose_held_out(exact_corners, 0.5, None, 6)[3]
    points = exact_corners.points.copy()
    points[0, 6:] = np.nan
    assert not choose_held_out(replace(exact_corners, points=points), 0.25, None, 6)[:6].any()
