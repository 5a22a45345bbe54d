import numpy as np
import pytest
from scipy.spatial import procrustes

from bkind3d.evaluation.metrics import (
    align_poses,
    align_roots,
    count_correct,
    joint_distances,
    mean_known,
    measure_errors,
    scale_poses,
    tell_mirrored,
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
    np.testing.assert_allclose(joint_distances(scale_poses(predicted, joints), joints), [[1, 1]])


def test_a_pose_of_no_size_stays_as_it_is():
    np.testing.assert_array_equal(scale_poses(np.zeros((1, 4, 3)), POSE), np.zeros((1, 4, 3)))


def test_every_metric_forgives_what_it_should():
    angle = 0.7
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    scaled, moved, shifted = (measure_errors(pose, POSE) for pose in (2 * POSE, 2 * POSE @ turn.T + 7, 2 * POSE + 7))
    assert scaled.mpjpe.max() == pytest.approx(30)
    assert shifted.n_mpjpe.max() == pytest.approx(0, abs=1e-9)
    assert measure_errors(POSE + 7, POSE).root_mpjpe.max() == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(measure_errors(POSE + [3, 4, 0], POSE).mpjpe, 5)
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
    np.testing.assert_allclose(mean_known(errors.mpjpe, axis=1)[:2], [(10 + 20 + 30) / 4, (10 + 30) / 3])
    assert np.isnan(mean_known(errors.mpjpe, axis=1)[2])
    assert np.isnan(errors.root_mpjpe[1, 2]) and np.isfinite(errors.root_mpjpe[1, [0, 1, 3]]).all()
    np.testing.assert_allclose(mean_known(errors.mpjpe, axis=0), [0, 10, 20, 30])


def test_alignment_keeps_joints_that_the_truth_lacks():
    joints = POSE.copy()
    joints[0, 3] = np.nan
    np.testing.assert_allclose(align_poses(POSE * 2 + 1, joints)[0, 3], [0, 0, 30], atol=1e-9)


def test_errors_relative_to_a_root_joint():
    predicted = POSE + np.array([[1.0, 2, 2], [1, 2, 2], [4, 6, 2], [1, 2, 2]])
    np.testing.assert_allclose(measure_errors(predicted, POSE, root=1).root_mpjpe, [[0, 0, 5, 0]])
    centroid = np.array([0.75, 1, 0])
    np.testing.assert_allclose(
        measure_errors(predicted, POSE).root_mpjpe, [[np.linalg.norm(centroid)] * 2 + [np.linalg.norm([3, 4, 0] - centroid), 1.25]]
    )
    joints = POSE.copy()
    joints[0, 1] = np.nan
    assert np.isnan(measure_errors(predicted, joints, root=1).root_mpjpe).all()
    # Without a root joint, the centroid of the known joints serves.
    rooted, truth = align_roots(predicted, joints, None)
    np.testing.assert_allclose(rooted[0, [0, 2, 3]].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(truth[0, [0, 2, 3]].mean(axis=0), 0, atol=1e-12)


def test_pck_and_auc_by_hand():
    errors = np.array([[0.0, 30, 30.01, 15, np.nan]])
    pck, auc = count_correct(errors, 30)
    np.testing.assert_array_equal(pck, [[1, 1, 0, 1, np.nan]])
    # 31 thresholds, 0 to 30: an error of 15 is within 15, 16, ..., 30.
    np.testing.assert_allclose(auc, [[1, 1 / 31, 0, 16 / 31, np.nan]])
    thresholds = np.linspace(0, 30, 31)
    many = np.random.default_rng(0).uniform(0, 40, (50, 4))
    np.testing.assert_allclose(count_correct(many, 30)[1].mean(), np.mean([(many <= t).mean() for t in thresholds]))


def test_an_independent_alignment_agrees():
    """SciPy's Procrustes works on standardised sets and may mirror: where it does not, the errors are those of its fit."""
    generator = np.random.default_rng(5)
    joints, predicted = generator.normal(size=(2, 12, 9, 3)) + 5 * generator.normal(size=(1, 12, 9, 3))
    for truth, guess, ours in zip(joints, predicted, measure_errors(predicted, joints).pa_mpjpe, strict=True):
        standard, fitted, _ = procrustes(truth, guess)
        size = np.linalg.norm(truth - truth.mean(axis=0))
        np.testing.assert_allclose(size * np.linalg.norm(standard - fitted, axis=1), ours, atol=1e-9)


def test_mirror_images_are_told_from_poses():
    poses = np.random.default_rng(3).normal(size=(6, 5, 3))
    noisy = poses + 0.01 * np.random.default_rng(4).normal(size=poses.shape)
    noisy[2:4, :, 1] *= -1
    assert tell_mirrored(noisy, poses).tolist() == [False, False, True, True, False, False]
