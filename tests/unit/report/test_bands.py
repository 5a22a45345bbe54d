import numpy as np
import pandas as pd
import pytest

from bkind3d.config import InputError
from bkind3d.data.keypoints import SessionKeypoints
from bkind3d.data.parquet import write_table
from bkind3d.report.bands import read_behaviours, read_clusters


@pytest.fixture
def keypoints():
    frames, grid = np.arange(10, 20), np.ones((10, 1))
    return SessionKeypoints(["k0"], frames, (frames - 10) / 2, np.zeros((10, 1, 3)), grid, grid, grid, {})


def test_frames_with_one_behaviour_are_one_span(keypoints, tmp_path):
    behaviours = {11: "walk", 12: "walk", 13: "rest", 14: "walk", 16: "walk", 30: "rest"}
    table = pd.DataFrame({"frame": list(behaviours), "behaviour": list(behaviours.values())})
    write_table(table, "behaviours", tmp_path / "b.parquet")
    band = read_behaviours(tmp_path / "b.parquet", keypoints)
    shown = [(start, stop, band.labels[label]) for start, stop, label in band.spans]
    assert shown == [(0.5, 1.5, "walk"), (1.5, 2.0, "rest"), (2.0, 2.5, "walk"), (3.0, 3.5, "walk")]


def test_the_last_span_ends_with_the_session(keypoints, tmp_path):
    write_table(pd.DataFrame({"frame": [18, 19], "behaviour": "rest"}), "behaviours", tmp_path / "b.parquet")
    assert read_behaviours(tmp_path / "b.parquet", keypoints).spans == [(4.0, 4.5, 1)]


def test_windows_of_the_session_show_their_cluster(keypoints, tmp_path):
    table = pd.DataFrame(
        {"session": ["a", "b", "a"], "frame": [15, 15, 12], "start": [14, 14, 11], "stop": [16, 16, 13], "cluster": [2, 1, 4]}
    )
    table[["time_s", "turn", "distance", "behaviour"]] = [0.0, 0.0, 0.0, ""]
    write_table(table, "movements", tmp_path / "m.parquet")
    band = read_clusters(tmp_path / "m.parquet", "a", keypoints)
    assert [(start, stop, band.labels[label]) for start, stop, label in band.spans] == [(0.5, 1.5, "cluster 4"), (2.0, 3.0, "cluster 2")]
    assert read_clusters(tmp_path / "m.parquet", "c", keypoints).spans == []
    described = band.describe()
    assert len(set(described["colours"])) == len(described["labels"]) == 3
    assert described["spans"][0] == [0.5, 1.5, 2]


def test_a_file_that_holds_no_behaviours_is_named(keypoints, tmp_path):
    write_table(pd.DataFrame({"frame": [1], "joint": "a", "x": 0.0, "y": 0.0, "z": 0.0}), "joints", tmp_path / "j.parquet")
    with pytest.raises(InputError, match="column 'behaviour' of a behaviours table is missing"):
        read_behaviours(tmp_path / "j.parquet", keypoints)
