import numpy as np
import pytest

from bkind3d.evaluation.body_parts import measure_identity, measure_sides, nearest_consistency, pair_distances, pair_sides, rank_predictors

JOINTS = np.tile(np.array([[0.0, 0, 0], [50, 0, 0], [100, 0, 0]]), (10, 1, 1))
NAMES = ("head", "back", "rump")


def test_shares_of_frames_near_a_joint_are_exact():
    keypoints = np.stack([JOINTS[:, 0] + [3, 4, 0], JOINTS[:, 2]], axis=1)
    keypoints[:3, 0] = JOINTS[:3, 1]
    first, second = nearest_consistency(keypoints, JOINTS, ("a", "b"), NAMES)
    assert (first["nearest"], first["share"], first["n_frames"]) == ("head", 0.7, 10)
    assert first["distance"] == pytest.approx((7 * 5 + 3 * 50) / 10)
    assert (second["nearest"], second["share"], second["distance"]) == ("rump", 1.0, 0.0)


def test_unknown_joints_are_never_the_nearest_and_unknown_frames_do_not_count():
    joints = JOINTS.copy()
    joints[:, 0] = np.nan
    joints[9] = np.nan
    (entry,) = nearest_consistency(JOINTS[:, :1], joints, ("a",), NAMES)
    assert (entry["nearest"], entry["share"], entry["n_frames"]) == ("back", 1.0, 9)
    head, back, _ = nearest_consistency(joints, JOINTS, NAMES, NAMES)
    assert (head["nearest"], head["share"], head["n_frames"]) == (None, None, 0)
    assert back["n_frames"] == 9


def test_pairs_come_closest_first():
    keypoints = np.tile(np.array([[0.0, 0, 0], [10, 0, 0], [13, 0, 0]]), (4, 1, 1))
    keypoints[:2, 2, 0] = 15
    assert pair_distances(keypoints, ("a", "b", "c")) == [
        {"keypoint_a": "b", "keypoint_b": "c", "distance": 4.0},
        {"keypoint_a": "a", "keypoint_b": "b", "distance": 10.0},
        {"keypoint_a": "a", "keypoint_b": "c", "distance": 14.0},
    ]


def test_shares_of_the_body_length():
    content = measure_identity(JOINTS * 0.5, ("a", "b", "c"), JOINTS, NAMES)
    assert content["body_length"] == pytest.approx(100)
    assert content["pair_min_share"] == pytest.approx(0.25)
    assert content["pair_mean_share"] == pytest.approx((25 + 25 + 50) / 3 / 100)
    assert [entry["nearest"] for entry in content["joints"]] == ["a", "c", "c"]


def test_without_joints_distances_remain():
    content = measure_identity(JOINTS, ("a", "b", "c"))
    assert content["pairs"][0]["distance"] == 50
    assert (content["body_length"], content["pair_min_share"], content["keypoints"]) == (None, None, [])


def test_without_frames_nothing_is_said():
    assert measure_identity(np.empty((0, 3, 3)), ("a", "b", "c"))["pairs"] == []


def test_predictors_are_ranked_over_keypoints():
    measures = {"keypoint_jumps": np.array([0.1, 0.2, 0.3, 0.4, 0.5]), "keypoint_swaps": np.array([1.0, 2, 4, 8, 16])}
    measures |= {"keypoint_nearest": np.array([0.9, 0.8, 0.7, 0.6, 0.5]), "keypoint_scatter": None, "keypoint_trades": np.zeros(5)}
    entries = {(entry["predictor"], entry["truth"]): entry for entry in rank_predictors(measures)}
    assert set(entries) == {("jumps", "swaps"), ("jumps", "nearest")}
    assert [entry["correlation"] for entry in entries.values()] == pytest.approx([1.0, 1.0])
    assert rank_predictors({"keypoint_jumps": np.arange(4.0), "keypoint_swaps": np.arange(4.0)}) == []


SIDED = ("PawL", "PawR", "Nose")


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
    (entry,) = measure_sides((keypoints, joints), (test, joints[:20]), ("a", "b", "c"), SIDED)
    assert (entry["left"], entry["right"], entry["left_keypoint"], entry["right_keypoint"]) == ("PawL", "PawR", "a", "b")
    assert (entry["share"], entry["n_frames"]) == (16 / 20, 20)


def test_one_keypoint_for_both_sides_tells_nothing():
    joints, keypoints = make_animal(30)
    keypoints = keypoints[:, [2, 2, 2]] * [1, 0, 1]
    keypoints[:, 1] -= [60, 0, 0]
    (entry,) = measure_sides((keypoints, joints), (keypoints, joints), ("a", "b", "c"), SIDED)
    assert (entry["left_keypoint"], entry["right_keypoint"], entry["share"]) == ("b", "b", 0.0)


def test_frames_without_the_joints_do_not_count():
    joints, keypoints = make_animal(30)
    joints[:10, 1] = np.nan
    (entry,) = measure_sides((keypoints, joints), (keypoints, joints), ("a", "b", "c"), SIDED)
    assert (entry["share"], entry["n_frames"]) == (1.0, 20)
    joints[:, 1] = np.nan
    (entry,) = measure_sides((keypoints, joints), (keypoints, joints), ("a", "b", "c"), SIDED)
    assert (entry["share"], entry["n_frames"]) == (None, 0)
