import base64
import io
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bkind3d.data.points import read_keypoints
from bkind3d.report.movements import TILE, Window, build_movements, choose_windows, draw_clip, encode_clip, measure_reach


def open_clip(source):
    kind, content = source.split(",")
    assert kind == "data:image/webp;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def test_shares_and_a_clip_of_each_cluster(toy):
    study = toy.write().open()
    table, gallery = build_movements(study, "tiny", ["test1"])
    assert [row[0].text for row in table.rows] == ["all 2", "test1"]
    assert sum(cell.share for cell in table.rows[0][1:]) == pytest.approx(1)
    assert "mutual information with the annotated behaviours of 17 windows: 0.62" in table.caption
    first, second = gallery.elements
    assert first.caption.startswith("Cluster 1: ") and "annotated rest in 100 %" in first.caption
    assert "annotated" not in second.caption
    text, address = first.links[0]
    session, moment = re.fullmatch(r"(\w+) at ([\d.]+) s", text).groups()
    assert re.fullmatch(rf"sessions/{session}\.html#t={moment}\d*", address)
    clip = open_clip(first.source)
    assert clip.n_frames == 9 and clip.height == TILE and clip.info["loop"] == 0
    assert len(first.source) < 60_000


def test_a_study_without_windows_says_why(toy):
    toy.located = 0.0
    (note,) = build_movements(toy.write().open(), "tiny", ["test1"])
    assert note.text == "tiny: 0 windows of 0.8 s without gaps are too few for 2 clusters (settings: movements)."


def test_windows_nearest_to_the_centre_are_of_different_sessions():
    rows = pd.DataFrame({"session": list("aaab"), "frame": [1, 2, 3, 4], "distance": [0.1, 0.2, 0.3, 0.9]})
    assert choose_windows(rows)["frame"].tolist() == [1, 4, 2]
    assert choose_windows(rows[:3])["frame"].tolist() == [1, 2, 3]


def test_a_body_that_walks_and_rears_does_so_in_its_clip():
    """Seen from the side: forward along x is to the right, up is up; the floor stays where it is."""
    body = np.array([[30, 0, 20], [0, 0, 25], [-30, 0, 20]], dtype=float)
    walk = np.stack([body + [step, 0, 0] for step in (-40.0, 0.0, 40.0)])
    rear = np.stack([body + [0, 0, step] for step in (0.0, 20.0, 40.0)])
    reach = measure_reach([walk, rear])
    centres = []
    for points in (walk, rear):
        moments, seconds = draw_clip([Window(points, 1.0)], [(0, 1, 1.0), (1, 2, 1.0)], reach)
        assert seconds == 0.5
        bright = [np.argwhere(moment.max(axis=2) > 200) for moment in moments]
        centres.append(np.diff([pixels.mean(axis=0) for pixels in bright], axis=0))
        assert all((moment[-1] == moments[0][-1]).all() for moment in moments)
    (walk_down, walk_right), (rear_down, rear_right) = (moved.T for moved in centres)
    assert (walk_right > 10).all() and (np.abs(walk_down) < walk_right).all()
    assert (rear_down < -10).all() and (np.abs(rear_right) < 0.2 * np.abs(rear_down)).all()


def test_a_shorter_window_stands_still_at_its_end():
    points = np.random.default_rng(0).normal(size=(6, 4, 3)) * 20
    moments, _ = draw_clip([Window(points, 1.0), Window(points[:2], 0.2)], [], 60.0)
    assert len(moments) == 6
    right = [moment[:, TILE:] for moment in moments]
    assert (right[1] == right[5]).all() and (right[0] != right[1]).any()
    assert open_clip(encode_clip(moments, 0.1)).n_frames == 6


def test_clips_hold_the_keypoints_of_their_windows(toy):
    """Nothing but keypoints is drawn: a study without any recording has the same clips."""
    study = toy.write().open()
    _, gallery = build_movements(study, "tiny", ["test1"])
    for path in (toy.results / "frames").rglob("*.parquet"):
        path.unlink()
    _, again = build_movements(toy.open(), "tiny", ["test1"])
    assert [clip.source for clip in gallery.elements] == [clip.source for clip in again.elements]
    assert read_keypoints(study.results.keypoints("tiny", "test1")).positions.shape[1] == 5
