import numpy as np
import pandas as pd
import pytest

from bkind3d.data.points import SessionKeypoints
from bkind3d.evaluation.health import examine_keypoints

SIDE = 100.0


def examine(positions):
    n_frames, n_keypoints = positions.shape[:2]
    grid, frames = np.ones((n_frames, n_keypoints)), np.arange(n_frames)
    names = [f"k{i}" for i in range(n_keypoints)]
    keypoints = SessionKeypoints(names, frames, frames / 10, positions, 0.5 * grid, 4 * grid, grid, {})
    location = pd.DataFrame({"frame": np.arange(n_frames), "x": np.arange(n_frames) * 10.0, "y": 0.0, "z": 0.0})
    return examine_keypoints(keypoints, location, SIDE).set_index("keypoint")


def list_dead(health):
    return list(health.index[health["dead"]])


@pytest.fixture
def positions():
    """Four keypoints, far apart, that swing about a centre that walks."""
    walk = np.arange(60)[:, None] * [10.0, 0, 0]
    swing = 8 * np.sin(np.arange(60))[:, None, None] * np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]])
    return walk[:, None] + np.array([[-30.0, 0, 0], [-10, 5, 0], [10, 0, 5], [30, 0, 0]]) + swing


def test_living_keypoints_have_no_fault(positions):
    health = examine(positions)
    assert not health["dead"].any() and not health["merged"].map(len).any()
    assert health["motion"].tolist() == pytest.approx(np.sqrt([32, 32, 32, 64]), rel=0.05)
    assert health.loc["k0", ["present", "confidence", "spread", "reprojection_px"]].tolist() == [1, 0.5, 4, 1]


def test_a_keypoint_that_stands_still_in_the_cube_is_dead(positions):
    positions[:, 2] = np.arange(60)[:, None] * [10.0, 0, 0] + [0, 30, 0]
    assert list_dead(examine(positions)) == ["k2"]


def test_a_keypoint_that_is_rarely_there_is_dead(positions):
    positions[10:, 1] = np.nan
    health = examine(positions)
    assert list_dead(health) == ["k1"]
    assert health.loc["k1", "present"] == pytest.approx(1 / 6)


def test_keypoints_on_one_place_are_merged(positions):
    positions[:, 3] = positions[:, 0] + 1
    health = examine(positions)
    assert health["merged"].tolist() == [["k3"], [], [], ["k0"]]
    assert (health.loc["k0", "nearest"], health.loc["k0", "distance"]) == ("k3", pytest.approx(np.sqrt(3)))


def test_a_session_without_any_position_has_only_dead_keypoints(positions):
    health = examine(np.full_like(positions, np.nan))
    assert list_dead(health) == ["k0", "k1", "k2", "k3"]
    assert not health["merged"].map(len).any()
