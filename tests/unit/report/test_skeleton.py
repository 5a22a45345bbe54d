import json

import numpy as np
import pandas as pd
import pytest

from bkind3d.report.skeleton import arrange_points, build_scene, spread_evenly


def make_keypoints(positions):
    n_frames, n_keypoints = positions.shape[:2]
    frames = np.repeat(np.arange(n_frames) + 100, n_keypoints)
    table = pd.DataFrame({"frame": frames, "time_s": (frames - 100) / 10, "keypoint": [f"k{i}" for i in range(n_keypoints)] * n_frames})
    table[["x", "y", "z"]] = positions.reshape(-1, 3)
    return table


def make_location(n_frames):
    return pd.DataFrame({"frame": np.arange(n_frames) + 100, "x": 1.0, "y": 2.0, "z": 3.0, "valid": True})


@pytest.mark.parametrize(("n_items", "limit"), [(12, 20), (12, 12), (13, 12), (1000, 7), (1, 5), (0, 5)])
def test_thinning_keeps_to_the_limit_in_equal_steps(n_items, limit):
    kept = spread_evenly(n_items, limit)
    assert len(kept) <= limit
    assert len(kept) == n_items or len(set(np.diff(kept))) == 1
    assert n_items == 0 or (kept[0] == 0 and kept[-1] < n_items)


def test_points_go_to_their_frame_and_name():
    table = pd.DataFrame({"frame": [7, 5, 9], "joint": ["b", "a", "b"], "x": [1.0, 2, 9], "y": [3.0, 4, 9], "z": [5.0, 6, 9]})
    points = arrange_points(table, "joint", ["a", "b"], [5, 7])
    assert points[0, 0].tolist() == [2, 4, 6]
    assert points[1, 1].tolist() == [1, 3, 5]
    assert np.isnan(points[0, 1]).all()
    assert np.isnan(points[1, 0]).all()


def test_scene_is_thinned_and_says_so():
    positions = np.arange(25 * 2 * 3, dtype=float).reshape(25, 2, 3)
    positions[10, 1] = np.nan
    scene = build_scene(make_keypoints(positions), [(0, 1, 1.0)], make_location(25), 200.0, "mm", max_frames=10)
    data = json.loads(scene.json)
    assert scene.n_frames == len(data["frames"]) == len(data["points"]) == 9
    assert data["frames"][:3] == [100, 103, 106]
    assert data["points"][1] == positions[3].ravel().tolist()
    assert "9 of 25" in scene.caption
    assert data["edges"] == [[0, 1]]
    assert data["units"] == "mm"


def test_scene_has_gaps_where_there_is_no_keypoint():
    positions = np.ones((4, 2, 3))
    positions[2, 1] = np.nan
    location = make_location(4)
    location.loc[location["frame"] == 102, ["x", "y", "z"]] = np.nan
    data = json.loads(build_scene(make_keypoints(positions), [], location, 200.0, "mm", 10).json)
    assert data["points"][2] == [1.0, 1.0, 1.0, None, None, None]
    assert data["centres"] == [[1.0, 2.0, 3.0]] * 2 + [[1.0, 1.0, 1.0]] + [[1.0, 2.0, 3.0]]


def test_scene_reaches_as_far_as_the_keypoints():
    positions = np.tile([1.0, 2.0, 3.0], (4, 2, 1))
    positions[2, 1, 1] -= 40
    data = json.loads(build_scene(make_keypoints(positions), [], make_location(4), 200.0, "mm", 10).json)
    assert data["reach"] == pytest.approx(1.15 * 40)
    assert data["bounds"][1] == pytest.approx([-38 - 2, 2 + 2])


def test_scene_of_a_session_without_any_keypoint_can_be_shown():
    location = make_location(3).assign(x=np.nan, y=np.nan, z=np.nan)
    data = json.loads(build_scene(make_keypoints(np.full((3, 2, 3), np.nan)), [], location, 200.0, "mm", 10).json)
    assert data["points"][0] == [None] * 6
    assert data["bounds"] == [[-1.0, 1.0]] * 3
