import numpy as np
import pandas as pd
import pytest

from bkind3d.report.health import build_keypoint_table, examine_keypoints

SIDE = 100.0


def examine(positions):
    n_frames, n_keypoints = positions.shape[:2]
    frames = np.repeat(np.arange(n_frames), n_keypoints)
    table = pd.DataFrame({"frame": frames, "time_s": frames / 10, "keypoint": [f"k{i}" for i in range(n_keypoints)] * n_frames})
    table[["x", "y", "z"]] = positions.reshape(-1, 3)
    table[["confidence", "spread", "reprojection_px"]] = [0.5, 4.0, 1.0]
    location = pd.DataFrame({"frame": np.arange(n_frames), "x": np.arange(n_frames) * 10.0, "y": 0.0, "z": 0.0})
    return examine_keypoints(table, location, SIDE)


@pytest.fixture
def positions():
    """Four keypoints, far apart, that swing about a centre that walks."""
    walk = np.arange(60)[:, None] * [10.0, 0, 0]
    swing = 8 * np.sin(np.arange(60))[:, None, None] * np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]])
    return walk[:, None] + np.array([[-30.0, 0, 0], [-10, 5, 0], [10, 0, 5], [30, 0, 0]]) + swing


def test_living_keypoints_have_no_fault(positions):
    health = examine(positions)
    assert health.dead() == []
    assert health.merged() == []
    assert health.motion == pytest.approx(np.sqrt([32, 32, 32, 64]) / SIDE, rel=0.05)


def test_a_keypoint_that_stands_still_in_the_cube_is_dead(positions):
    positions[:, 2] = np.arange(60)[:, None] * [10.0, 0, 0] + [0, 30, 0]
    assert examine(positions).dead() == ["k2"]


def test_a_keypoint_that_is_rarely_there_is_dead(positions):
    positions[10:, 1] = np.nan
    health = examine(positions)
    assert health.dead() == ["k1"]
    assert health.present[1] == pytest.approx(1 / 6)


def test_keypoints_on_one_place_are_merged_and_named_once(positions):
    positions[:, 3] = positions[:, 0] + 1
    health = examine(positions)
    assert health.merged() == [("k0", "k3")]
    assert health.nearest_distance[0] == pytest.approx(np.sqrt(3) / SIDE)
    names = [row[0].text for row in build_keypoint_table(health, "mm", SIDE).rows]
    assert names == ["k0 (merged)", "k1", "k2", "k3 (merged)"]


def test_a_session_without_any_position_has_only_dead_keypoints(positions):
    health = examine(np.full_like(positions, np.nan))
    assert health.dead() == ["k0", "k1", "k2", "k3"]
    assert health.merged() == []
