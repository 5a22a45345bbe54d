import numpy as np
import pytest

from bkind3d.evaluation.body_parts import measure_identity, nearest_consistency, pair_distances, rank_predictors

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
