import numpy as np
import pytest

from bkind3d.evaluation.labelled_frames import LabelledFrames
from bkind3d.evaluation.metrics import measure_errors
from bkind3d.evaluation.upstream import judge_as_upstream, measure_as_upstream

POSE = np.array([[[0.0, 0, 0], [10, 0, 0], [0, 20, 0], [0, 0, 30]]])


def turn(angle):
    return np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])


def test_a_mirrored_pose_is_perfect_for_the_public_code():
    mirrored = POSE * [-1, 1, 1] @ turn(0.4).T * 3 + 8
    assert measure_as_upstream(mirrored, POSE)["upstream_pa_mpjpe"] == pytest.approx(0, abs=1e-9)
    assert measure_errors(mirrored, POSE).pa_mpjpe.mean() > 2


def test_where_nothing_is_mirrored_the_definitions_agree():
    predicted = POSE + np.random.default_rng(0).normal(size=(20, 4, 3))
    joints = np.repeat(POSE, 20, axis=0)
    assert measure_as_upstream(predicted, joints)["upstream_pa_mpjpe"] == pytest.approx(measure_errors(predicted, joints).pa_mpjpe.mean())
    assert measure_as_upstream(predicted, joints)["upstream_mpjpe"] == pytest.approx(measure_errors(predicted, joints).mpjpe.mean())
    assert measure_as_upstream(predicted, joints)["upstream_shifted_mpjpe"] == pytest.approx(
        measure_errors(predicted, joints).root_mpjpe.mean()
    )


def test_its_scale_is_that_of_the_turned_pose():
    """A pose turned by a right angle: the best scale without turning is small, the public code's is 1."""
    flat = POSE - POSE.mean(axis=1, keepdims=True)
    assert measure_as_upstream(flat @ turn(np.pi / 2).T, flat)["upstream_n_mpjpe"] == pytest.approx(
        np.linalg.norm(flat @ turn(np.pi / 2).T - flat, axis=2).mean()
    )
    assert (
        measure_errors(flat @ turn(np.pi / 2).T, flat).n_mpjpe.mean()
        < measure_as_upstream(flat @ turn(np.pi / 2).T, flat)["upstream_n_mpjpe"]
    )
    assert measure_as_upstream(5 * POSE + 2, POSE)["upstream_n_mpjpe"] == pytest.approx(0, abs=1e-9)


def make_frames(n_frames, seed, gap=None):
    generator = np.random.default_rng(seed)
    keypoints = generator.normal(size=(n_frames, 4, 3)) * 50
    joints = keypoints @ turn(0.3).T + 5
    if gap is not None:
        joints[gap, 0] = np.nan
    zeros = np.zeros(n_frames, int)
    return LabelledFrames(
        zeros,
        np.arange(n_frames),
        np.arange(n_frames) / 10,
        zeros,
        zeros,
        {"bkind3d": keypoints, "untrained": keypoints * 0},
        joints,
        zeros.astype(str),
    )


def test_it_learns_from_the_first_tenth_and_counts_what_it_leaves_out():
    train = make_frames(400, 0)
    train.joints[40:] = 1e6
    content = judge_as_upstream(train, make_frames(30, 1, gap=3), ["bkind3d", "untrained"])
    assert (content["bkind3d"]["n_train"], content["bkind3d"]["n_test"]) == (40, 29)
    assert content["bkind3d"]["upstream_mpjpe"] < 0.1 < content["untrained"]["upstream_mpjpe"]


def test_too_few_frames_are_not_judged():
    assert judge_as_upstream(make_frames(50, 0), make_frames(30, 1), ["bkind3d"]) == {}
