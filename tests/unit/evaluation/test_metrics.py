import numpy as np
import pytest

from bkind3d.evaluation.metrics import (
    align_poses,
    count_known,
    joint_distances,
    mean_over_frames,
    mean_over_joints,
    measure_errors,
    scale_poses,
)

POSE = np.array([[[0.0, 0, 0], [10, 0, 0], [0, 20, 0], [0, 0, 30]]])


def test_distances_by_hand():
    moved = POSE + np.array([[3.0, 4, 0], [0, 0, 0], [0, 0, 12], [0, 5, 12]])[None]
    np.testing.assert_allclose(joint_distances(moved, POSE), [[5, 0, 12, 13]])


def test_scale_is_the_least_squares_one_about_the_origin():
    np.testing.assert_allclose(scale_poses(POSE / 4, POSE), POSE)
    predicted = np.array([[[1.0, 0, 0], [0, 1, 0]]])
    joints = np.array([[[2.0, 0, 0], [0, 4, 0]]])
    # (1 * 2 + 1 * 4) / (1 + 1) = 3
    np.testing.assert_allclose(scale_poses(predicted, joints), 3 * predicted)
    np.testing.assert_allclose(measure_errors(predicted, joints).n_mpjpe, [[1, 1]])


def test_a_pose_of_no_size_stays_as_it_is():
    np.testing.assert_array_equal(scale_poses(np.zeros((1, 4, 3)), POSE), np.zeros((1, 4, 3)))


def test_every_metric_forgives_what_it_should():
    angle = 0.7
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    scaled, moved = measure_errors(2 * POSE, POSE), measure_errors(2 * POSE @ turn.T + 7, POSE)
    assert scaled.mpjpe.max() == pytest.approx(30)
    assert scaled.n_mpjpe.max() == pytest.approx(0, abs=1e-9)
    assert moved.n_mpjpe.min() > 1
    assert moved.pa_mpjpe.max() == pytest.approx(0, abs=1e-9)


def test_a_mirrored_pose_is_wrong_in_every_metric():
    errors = measure_errors(POSE * [-1, 1, 1], POSE)
    assert errors.mpjpe.mean() == pytest.approx(20 / 4)
    assert errors.pa_mpjpe.mean() > 2


def test_unknown_joints_have_no_error_and_no_say():
    joints = np.concatenate([POSE, POSE, POSE])
    joints[1, 2] = np.nan
    joints[2] = np.nan
    errors = measure_errors(np.concatenate([2 * POSE] * 3), joints)
    assert np.isnan(errors.mpjpe[1, 2])
    assert np.isfinite(errors.mpjpe[1, [0, 1, 3]]).all()
    assert errors.n_mpjpe[1, [0, 1, 3]].max() == pytest.approx(0, abs=1e-9)
    assert errors.pa_mpjpe[1, [0, 1, 3]].max() == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(mean_over_joints(errors.mpjpe)[:2], [(10 + 20 + 30) / 4, (10 + 30) / 3])
    assert np.isnan(mean_over_joints(errors.mpjpe)[2])
    np.testing.assert_allclose(mean_over_frames(errors.mpjpe), [0, 10, 20, 30])
    np.testing.assert_array_equal(count_known(errors.mpjpe), [2, 2, 1, 2])


def test_alignment_keeps_joints_that_the_truth_lacks():
    joints = POSE.copy()
    joints[0, 3] = np.nan
    np.testing.assert_allclose(align_poses(POSE * 2 + 1, joints)[0, 3], [0, 0, 30], atol=1e-9)
