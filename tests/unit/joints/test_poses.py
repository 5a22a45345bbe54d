import numpy as np
import pytest

from bkind3d.data.points import Points
from bkind3d.joints.poses import Placement, fit_heading, smooth_points


@pytest.fixture
def poses():
    return np.random.default_rng(0).normal(size=(20, 5, 3)) * [30, 10, 5]


def turn(points, angle, shift):
    rotation = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    return points @ rotation.T + shift


def test_a_turned_and_moved_pose_is_the_same_in_the_subjects_own_frame(poses):
    heading = fit_heading(poses)
    moved = turn(poses, 2.0, [100, -50, 7])
    own, own_moved = (Placement.of(points, heading).enter(points) for points in (poses, moved))
    np.testing.assert_allclose(own_moved, own, atol=1e-9)
    placement = Placement.of(moved, heading)
    np.testing.assert_allclose(placement.leave(own_moved), moved, atol=1e-9)


def test_neighbours_count_by_their_confidence_and_gaps_stay_gaps():
    positions = np.zeros((9, 2, 3))
    positions[4] = 100.0
    positions[2, 1] = np.nan
    confidences = np.ones((9, 2))
    points = Points(("a", "b"), np.arange(9), np.arange(9) / 10, positions, confidences=confidences)
    smoothed = smooth_points(points, 1.0).positions
    assert smoothed[4, 0, 0] == pytest.approx(39.9, abs=0.2)  # the middle of a normal distribution of deviation 1
    assert np.isnan(smoothed[2, 1]).all() and np.isfinite(smoothed[3, 1]).all()
    confidences[4] = 0.0
    assert smooth_points(points, 1.0).positions[4, 0, 0] < 1
    assert smooth_points(points, 0.0) is points
