import numpy as np
import pytest

from bkind3d.config import EvaluationConfig, InputError
from bkind3d.evaluation.labelled_frames import (
    TEST,
    TRAIN,
    UNUSED,
    FrameRange,
    assign_parts,
    check_separate,
    select_common,
    split_blocks,
    stack_frames,
)


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


def test_blocks_alternate_and_lose_their_borders():
    part = split_blocks(25, block_frames=10, border_frames=2)
    expected = [UNUSED] * 25
    expected[2:8] = [TRAIN] * 6
    expected[12:18] = [TEST] * 6
    expected[22:25] = [TRAIN] * 3
    np.testing.assert_array_equal(part, expected)


@pytest.mark.parametrize(("n_frames", "train", "test"), [(100, 30, 30), (95, 30, 30 - 3), (10, 6, 0), (13, 6, 1), (2, 0, 0)])
def test_counts_of_blocks_are_exact(n_frames, train, test):
    part = split_blocks(n_frames, block_frames=10, border_frames=2)
    assert ((part == TRAIN).sum(), (part == TEST).sum()) == (train, test)


@pytest.mark.parametrize(("test_range", "fine"), [((11, 20), True), ((10, 20), False), ((5, 8), False), ((0, 50), False), ((21, 30), True)])
def test_the_guard_refuses_ranges_that_overlap_or_touch(test_range, fine):
    ranges = [FrameRange("take", 0, 10, TRAIN), FrameRange("take", 41, 45, TRAIN) if fine else FrameRange("take", 4, 5, TRAIN)]
    ranges.append(FrameRange("take", *test_range, TEST))
    if fine:
        check_separate(ranges)
    else:
        with pytest.raises(InputError, match="take: its train frames .* overlap or touch"):
            check_separate(ranges)


def test_the_guard_sees_a_test_range_inside_a_long_train_range():
    with pytest.raises(InputError, match="overlap or touch"):
        check_separate([FrameRange("take", 0, 1000, TRAIN), FrameRange("take", 5, 6, TRAIN), FrameRange("take", 500, 510, TEST)])


def test_other_recordings_may_have_the_same_frame_numbers():
    check_separate([FrameRange("one", 0, 10, TRAIN), FrameRange("two", 0, 10, TEST)])


def test_subject_split_follows_the_sheet(make):
    recordings = [make.recording(name, split, make.scene(20, 0)) for name, split in (("a", "train"), ("b", "test"), ("c", "predict"))]
    parts = assign_parts(recordings, EvaluationConfig())
    assert [set(part) for part in parts] == [{TRAIN}, {TEST}, {UNUSED}]


def test_a_subject_in_both_parts_is_refused_unless_meant(make):
    recordings = [make.recording("a", "train", make.scene(20, 0), "rat"), make.recording("b", "test", make.scene(20, 1), "rat")]
    with pytest.raises(InputError, match="subject 'rat' is in both train and test; set evaluation.split to session"):
        assign_parts(recordings, EvaluationConfig())
    assert [set(part) for part in assign_parts(recordings, EvaluationConfig(split="session"))] == [{TRAIN}, {TEST}]


def test_two_sessions_cut_from_one_take_must_not_touch(make):
    def cut(stop: float) -> list:
        train = make.recording("a", "train", make.scene(20, 0), source="take.trc", extent=(0, stop))
        return [train, make.recording("b", "test", make.scene(20, 1), source="take.trc", extent=(20, float("inf")))]

    assign_parts(cut(19), EvaluationConfig())
    with pytest.raises(InputError, match="take.trc: its train frames 0 to 20 and test frames 20 to inf overlap or touch"):
        assign_parts(cut(20), EvaluationConfig())


def test_blocks_of_one_take_in_two_sessions_must_not_overlap(make):
    recordings = [make.recording(name, "train", make.scene(40, 0), source="take.trc") for name in ("a", "b")]
    assign_parts(recordings, EvaluationConfig(split="blocks"))  # the same blocks play the same part
    later = make.scene(40, 0)
    later.frames += 10
    with pytest.raises(InputError, match="take.trc: its train frames 12 to 18 and test frames 12 to 18 overlap or touch"):
        assign_parts([recordings[0], make.recording("b", "train", later, source="take.trc")], EvaluationConfig(split="blocks"))


@pytest.mark.parametrize(("splits", "lacking"), [(["train", "train"], "test"), (["test", "test"], "train")])
def test_a_missing_part_is_refused(make, splits, lacking):
    recordings = [make.recording(f"s{i}", split, make.scene(20, i)) for i, split in enumerate(splits)]
    with pytest.raises(
        InputError, match=f"no {lacking} frames in the sessions that have a reference .s0, s1.: none of them is marked {lacking}"
    ):
        assign_parts(recordings, EvaluationConfig())


def test_blocks_need_two_blocks(make):
    with pytest.raises(InputError, match="shorter than two blocks"):
        assign_parts([make.recording("a", "train", make.scene(10, 0))], EvaluationConfig(split="blocks"))


def test_blocks_are_made_in_every_session(make):
    recordings = [make.recording(f"s{i}", "train", make.scene(40, i)) for i in range(2)]
    for part in assign_parts(recordings, EvaluationConfig(split="blocks")):
        assert ((part == TRAIN).sum(), (part == TEST).sum()) == (12, 12)
