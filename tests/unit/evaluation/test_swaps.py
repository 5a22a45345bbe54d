import numpy as np
import pytest

from bkind3d.evaluation.swaps import body_length, find_swaps, fit_mixtures, measure_body_swaps, place_keypoints

JOINTS = np.tile(np.array([[0.0, 0, 0], [50, 0, 0], [100, 0, 0]]), (10, 1, 1))


def make_body(n_frames, seed):
    """A body of five joints that walks, turns and bends, and four keypoints that are mixtures of them."""
    generator = np.random.default_rng(seed)
    rest = np.array([[100.0, 0, 20], [40, 15, 30], [0, -10, 40], [-50, 20, 20], [-90, -5, 5]])
    angles = generator.uniform(0, 2 * np.pi, n_frames)
    turns = np.zeros((n_frames, 3, 3))
    turns[:, 0, 0] = turns[:, 1, 1] = np.cos(angles)
    turns[:, 1, 0], turns[:, 0, 1], turns[:, 2, 2] = np.sin(angles), -np.sin(angles), 1
    joints = (rest + generator.normal(0, 8, (n_frames, 5, 3))) @ turns.transpose(0, 2, 1) + generator.uniform(-500, 500, (n_frames, 1, 3))
    weights = np.array([[1, 0, 0, 0, 0], [0, 0.5, 0.5, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, -0.2, 1.2]])
    return joints, np.einsum("kj,fjc->fkc", weights, joints)


def test_body_length_is_the_longest_pair_and_ignores_rare_outliers():
    joints = np.tile(JOINTS, (10, 1, 1))
    joints[7, 2] = [5000, 0, 0]
    joints[3, 1] = np.nan
    assert body_length(joints) == pytest.approx(100)


def test_keypoints_that_follow_the_body_are_found_where_they_belong():
    (joints, keypoints), (other, truth) = make_body(80, 0), make_body(30, 1)
    np.testing.assert_allclose(place_keypoints(fit_mixtures(keypoints, joints), other), truth, atol=1e-6)
    content = measure_body_swaps((keypoints, joints), (truth, other), body_length(other))
    assert content["swaps"] == 0
    assert content["scatter"] == pytest.approx(0, abs=1e-8)


def test_the_share_of_frames_with_swaps_is_exact():
    train, (joints, keypoints) = make_body(80, 0), make_body(40, 1)
    keypoints[:6, [0, 3]] = keypoints[:6, [3, 0]]
    keypoints[10:14, [0, 1, 2]] = keypoints[10:14, [1, 2, 0]]
    content = measure_body_swaps(train[::-1], (keypoints, joints), body_length(joints))
    assert content["swaps"] == pytest.approx(10 / 40)
    np.testing.assert_allclose(content["keypoint_swaps"], np.array([10, 4, 4, 6]) / 40)


def test_keypoints_that_trade_places_in_half_of_the_frames_swap():
    train, test = make_body(200, 0), make_body(101, 1)
    for _, keypoints in (train, test):
        keypoints[::2, [0, 3]] = keypoints[::2, [3, 0]]
    content = measure_body_swaps(train[::-1], test[::-1], body_length(test[0]))
    assert content["swaps"] == pytest.approx(0.5, abs=0.01)
    np.testing.assert_allclose(content["keypoint_swaps"], [content["swaps"], 0, 0, content["swaps"]])


def test_keypoints_at_the_eastern_and_western_end_of_the_body_swap_as_it_turns():
    train, test = make_body(300, 0), make_body(100, 1)
    ends = [np.take_along_axis(joints, joints[..., :1].argsort(axis=1), axis=1)[:, [-1, 0]] for joints, _ in (train, test)]
    content = measure_body_swaps((ends[0], train[0]), (ends[1], test[0]), body_length(test[0]))
    assert content["swaps"] > 0.3
    assert content["scatter"] > 0.2


def test_small_trades_are_noise():
    places = np.array([[[0.0, 0, 0], [10, 0, 0], [200, 0, 0]]])
    found = find_swaps(places[:, [1, 0, 2]], places, 25)
    assert not found.any()
    np.testing.assert_array_equal(find_swaps(places[:, [1, 0, 2]], places, 15), [[True, True, False]])


def test_cycles_are_judged_one_by_one():
    places = np.array([[[0.0, 0, 0], [5, 0, 0], [0, 300, 0], [100, 300, 0]]])
    np.testing.assert_array_equal(find_swaps(places[:, [1, 0, 3, 2]], places, 20), [[False, False, True, True]])


def test_frames_do_not_depend_on_how_many_are_held_at_once(monkeypatch):
    generator = np.random.default_rng(3)
    points, places = generator.normal(size=(2, 50, 6, 3))
    at_once = find_swaps(points, places, 0.5)
    monkeypatch.setattr("bkind3d.evaluation.swaps._CHUNK", 7)
    np.testing.assert_array_equal(find_swaps(points, places, 0.5), at_once)
    assert at_once.any()
