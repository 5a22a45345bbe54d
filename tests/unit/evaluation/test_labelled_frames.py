import numpy as np
import pytest

from bkind3d.config import EvaluationConfig, InputError
from bkind3d.evaluation.labelled_frames import select_common, stack_frames
from bkind3d.evaluation.splits import TEST, TRAIN


def test_frames_of_all_sessions_are_stacked(make):
    recordings = [make.recording("a", "train", make.scene(20, 0)), make.recording("b", "test", make.scene(30, 1))]
    frames = stack_frames(recordings, EvaluationConfig())
    np.testing.assert_array_equal(np.bincount(frames.session), [20, 30])
    assert set(frames.part[:20]) == {TRAIN} and set(frames.part[20:]) == {TEST}
    np.testing.assert_array_equal(frames.joints[20:], recordings[1].joints.positions)


def test_blocks_are_told_apart_over_sessions(make):
    recordings = [make.recording(name, "train", make.scene(40, 0)) for name in ("a", "b")]
    frames = stack_frames(recordings, EvaluationConfig(split="blocks"))
    assert len(frames.frame) == 2 * 4 * 6
    assert len(np.unique(frames.block)) == 8
    assert all(len(np.unique(frames.part[frames.block == block])) == 1 for block in np.unique(frames.block))


def test_a_frame_needs_three_joints_and_all_keypoints(make):
    train, test = make.scene(20, 0), make.scene(20, 1)
    test.joints[0, :4] = np.nan
    test.joints[1, :3] = np.nan
    test.keypoints[2, 1] = np.nan
    test.untrained[3, 0] = np.nan
    frames = stack_frames([make.recording("a", "train", train), make.recording("b", "test", test)], EvaluationConfig())
    chosen_train, chosen_test = select_common(frames)
    assert len(chosen_train.frame) == 20
    np.testing.assert_array_equal(chosen_test.frame, [1, *range(4, 20)])


def test_frames_are_matched_by_number(make):
    scene = make.scene(20, 1)
    scene.frames = np.arange(20) * 5
    joints = make.points(make.joint_names, np.repeat(scene.joints, 5, axis=0), units="mm")
    frames = stack_frames(
        [make.recording("a", "train", make.scene(20, 0)), make.recording("b", "test", scene, joints=joints)], EvaluationConfig()
    )
    np.testing.assert_array_equal(frames.joints[20:], scene.joints)


def test_nothing_to_judge_is_refused(make):
    test = make.scene(20, 1)
    test.keypoints[:] = np.nan
    frames = stack_frames([make.recording("a", "train", make.scene(20, 0)), make.recording("b", "test", test)], EvaluationConfig())
    with pytest.raises(InputError, match="no test frame has both joints and keypoints .20 have at least 3 joints."):
        select_common(frames)


def test_untrained_keypoints_must_be_there_and_of_the_same_network(make):
    scene = make.scene(20, 0)
    with pytest.raises(InputError, match="session 'a' has joints but no untrained keypoints"):
        stack_frames([make.recording("a", "train", scene, untrained=None), make.recording("b", "test", scene)], EvaluationConfig())
    other = make.points(("x", "y"), scene.untrained[:, :2])
    with pytest.raises(InputError, match="not of one network"):
        stack_frames([make.recording("a", "train", scene, untrained=other), make.recording("b", "test", scene)], EvaluationConfig())
