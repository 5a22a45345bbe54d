from dataclasses import replace

import numpy as np
import pytest

from bkind3d.calibration.boards import Corners
from bkind3d.calibration.intrinsics import estimate_intrinsics
from bkind3d.calibration.rig import calibrate_rig, check_connected
from bkind3d.calibration.world import compare_to_truth
from bkind3d.config import InputError
from bkind3d.geometry.lenses import project_through_lens
from tests.unit.calibration.conftest import make_cameras, make_poses


def hide(corners: Corners, seen: list[list[bool]]) -> Corners:
    points = corners.points.copy()
    points[~np.array(seen)] = np.nan
    return replace(corners, points=points)


def test_cameras_that_share_boards_in_a_chain_are_connected(exact_corners: Corners) -> None:
    first, second = [True] * 12 + [False] * 12, [False] * 12 + [True] * 12
    check_connected(hide(exact_corners, [first, [True] * 24, second]))


def test_cameras_that_share_too_little_are_named(exact_corners: Corners) -> None:
    first, second = [True] * 13 + [False] * 11, [False] * 11 + [True] * 13
    with pytest.raises(InputError, match=r"fewer than 3 frames: left, right \| back;"):
        check_connected(hide(exact_corners, [first, first, second]))


def test_principal_points_off_the_middle_are_found_by_all_cameras_together(exact_corners: Corners) -> None:
    pytest.importorskip("aniposelib", reason="aniposelib is not installed")
    truth = list(make_cameras().values())
    generator = np.random.default_rng(5)
    shift = np.array([[6.0, -4], [-5, 5], [0, 7]])
    noise = generator.normal(0, 0.05, exact_corners.points.shape)
    corners = replace(exact_corners, points=exact_corners.points + shift[:, None, None] + noise)
    found_cameras, _ = calibrate_rig(corners, [replace(camera, rotation=np.eye(3), translation=np.zeros(3)) for camera in truth])
    for found, camera, moved in zip(found_cameras, truth, shift, strict=True):
        np.testing.assert_allclose(found.matrix[:2, 2] - camera.matrix[:2, 2], moved, atol=1.5)
        assert abs(found.matrix[0, 0] / camera.matrix[0, 0] - 1) < 0.005


def test_given_intrinsics_stay_as_they_are(exact_corners: Corners) -> None:
    pytest.importorskip("aniposelib", reason="aniposelib is not installed")
    distortion = np.array([-0.01, 0.002, 1e-4, -1e-4, 1e-3])
    lenses = [replace(camera, distortion=distortion) for camera in make_cameras().values()]
    for found, lens in zip(calibrate_rig(exact_corners, lenses, keep_intrinsics=True)[0], lenses, strict=True):
        np.testing.assert_array_equal(found.matrix, lens.matrix)
        np.testing.assert_array_equal(found.distortion, distortion)


def test_fisheye_and_common_lenses_are_calibrated_together(exact_corners: Corners) -> None:
    pytest.importorskip("aniposelib", reason="aniposelib is not installed")
    generator = np.random.default_rng(2)
    cameras = []
    for camera, fisheye in zip(make_cameras().values(), (True, False, True), strict=True):
        matrix = camera.matrix.copy()
        matrix[:2, 2] += generator.uniform(-5, 5, 2)
        distortion = np.array([-0.05, 0.01, 0, 0]) if fisheye else np.array([-0.2, 0.02, 0, 0, 0])
        cameras.append(replace(camera, fisheye=fisheye, matrix=matrix, distortion=distortion))
    points = np.stack(
        [[project_through_lens(camera, exact_corners.model @ turn.T + move) for turn, move in make_poses()] for camera in cameras]
    )
    corners = replace(exact_corners, points=points + generator.normal(0, 0.05, points.shape))
    lenses = [
        estimate_intrinsics(corners.model, views, camera.size, camera.name, camera.fisheye)
        for views, camera in zip(corners.points, cameras, strict=True)
    ]
    found = {camera.name: camera for camera in calibrate_rig(corners, lenses)[0]}
    for name, row in compare_to_truth(found, {camera.name: camera for camera in cameras}).items():
        assert row["aligned_percent"] < 0.1, name
        assert abs(row["focal_percent"]) < 0.3, name
    assert [camera.fisheye for camera in found.values()] == [True, False, True]
