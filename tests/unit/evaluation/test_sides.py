import numpy as np
import pytest

from bkind3d.evaluation.sides import measure_sides, pair_sides

NAMES = ("PawL", "PawR", "Nose")


def make_animal(n_frames):
    """Paws 20 to either side of the body's middle, a nose ahead; keypoints lie 2 above."""
    rest = np.array([[0.0, 20, 0], [0, -20, 0], [60, 0, 0]])
    joints = rest + np.arange(n_frames)[:, None, None] * np.array([5.0, 0, 0])
    return joints, joints + [0, 0, 2]


@pytest.mark.parametrize(
    ("left", "right"),
    [("HipL", "HipR"), ("LHip", "RHip"), ("paw_left", "paw_right"), ("LeftArm", "RightArm"), ("l_ear", "r_ear"), ("ear_l", "ear_r"),
     ("L1A", "R1A"), ("EarL2", "EarR2"), ("L_hand", "R_hand"), ("LEFT_KNEE", "RIGHT_KNEE"), ("L", "R")],
)  # fmt: skip
def test_sides_are_found_by_name(left, right):
    assert pair_sides(["middle", right, "HeadL", "SpineL", "Lumbar", "tail", left]) == [(6, 1)]


def test_names_without_another_side_are_no_pair():
    assert pair_sides(["HeadL", "SpineL", "shoulder", "Lumbar", "Rumbar", "tail", "tair"]) == []


def test_sides_are_told_apart_in_the_frames_in_which_both_keypoints_are_right():
    joints, keypoints = make_animal(50)
    test = keypoints[:20].copy()
    test[:3, [0, 1]] = test[:3, [1, 0]]
    test[3, 0] = test[3, 1] + [0, 1, 0]
    (entry,) = measure_sides((keypoints, joints), (test, joints[:20]), ("a", "b", "c"), NAMES)
    assert (entry["left"], entry["right"], entry["left_keypoint"], entry["right_keypoint"]) == ("PawL", "PawR", "a", "b")
    assert (entry["share"], entry["n_frames"]) == (16 / 20, 20)


def test_one_keypoint_for_both_sides_tells_nothing():
    joints, keypoints = make_animal(30)
    keypoints = keypoints[:, [2, 2, 2]] * [1, 0, 1]
    keypoints[:, 1] -= [60, 0, 0]
    (entry,) = measure_sides((keypoints, joints), (keypoints, joints), ("a", "b", "c"), NAMES)
    assert (entry["left_keypoint"], entry["right_keypoint"], entry["share"]) == ("b", "b", 0.0)


def test_frames_without_the_joints_do_not_count():
    joints, keypoints = make_animal(30)
    joints[:10, 1] = np.nan
    (entry,) = measure_sides((keypoints, joints), (keypoints, joints), ("a", "b", "c"), NAMES)
    assert (entry["share"], entry["n_frames"]) == (1.0, 20)
    joints[:, 1] = np.nan
    (entry,) = measure_sides((keypoints, joints), (keypoints, joints), ("a", "b", "c"), NAMES)
    assert (entry["share"], entry["n_frames"]) == (None, 0)
