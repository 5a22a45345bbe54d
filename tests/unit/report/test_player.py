import base64
import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bkind3d.config import InputError
from bkind3d.data.parquet import write_table
from bkind3d.data.points import SessionKeypoints
from bkind3d.data.spacing import step_indices
from bkind3d.report.contents import read_named_keypoints
from bkind3d.report.player import MISSING, PARTS, SIDES, Sprites, build_player, draw_sprites, pack_gaps, read_behaviours, read_clusters


def make_keypoints(positions):
    n_frames, n_keypoints = positions.shape[:2]
    frames, grid = np.arange(n_frames) + 100, np.ones((n_frames, n_keypoints))
    names = [f"k{index}" for index in range(n_keypoints)]
    return SessionKeypoints(names, frames, (frames - 100) / 10, positions.astype(np.float32), grid, grid, grid, {"units": "mm"})


def make_location(n_frames):
    return pd.DataFrame({"frame": np.arange(n_frames) + 100, "x": 1.0, "y": 2.0, "z": 3.0, "valid": True})


def play(positions, limit=100, location=None, joints=None, sprites=None, skeleton=((0, 1, 1.0),)):
    keypoints = make_keypoints(np.asarray(positions, float))
    location = make_location(len(positions)) if location is None else location
    player = build_player("one", keypoints, step_indices(len(positions), limit), skeleton, location, joints, sprites)
    return player, json.loads(player.json)


def unpack(text, kind):
    return np.frombuffer(base64.b64decode(text), kind)


def read_positions(data, key="points"):
    """World positions as the page's script reads them: (moment, point, 3)."""
    centres = unpack(data["centres"], "<f4").reshape(-1, 1, 3)
    numbers = unpack(data[key], "<i2").reshape(len(centres), -1, 3).astype(float)
    return np.where(numbers == MISSING, np.nan, centres + data["step"] * numbers)


def test_positions_survive_being_packed():
    positions = np.random.default_rng(0).normal(0, 80, (25, 2, 3))
    positions[10, 1] = np.nan
    player, data = play(positions)
    assert player.n_moments == 25
    assert read_positions(data) == pytest.approx(positions, abs=0.01, nan_ok=True)
    assert unpack(data["frames"], "<i4").tolist() == list(range(100, 125))
    assert unpack(data["times"], "<f8") == pytest.approx(np.arange(25) / 10)
    assert data["edges"] == [[0, 1]]
    assert data["units"] == "mm"
    assert data["views"] is None
    assert player.pictures == ""


def test_a_long_session_is_thinned_and_says_so():
    positions = np.arange(25 * 2 * 3, dtype=float).reshape(25, 2, 3)
    player, data = play(positions, limit=10)
    assert player.n_moments == 9
    assert unpack(data["frames"], "<i4")[:3].tolist() == [100, 103, 106]
    assert read_positions(data)[1] == pytest.approx(positions[3], abs=0.01)
    assert player.caption == "Thinned: 9 of 25 frames are shown, evenly spread."


def test_joints_are_shown_in_their_frame():
    joints = np.full((3, 2, 3), np.nan)
    joints[1] = [[5.0, 7, 9], [6, 8, 10]]
    _, data = play(np.zeros((3, 2, 3)), joints=joints)
    shown = read_positions(data, "joints")
    assert shown[1] == pytest.approx(np.array([[5, 7, 9], [6, 8, 10]]), abs=0.01)
    assert np.isnan(shown[[0, 2]]).all()


def test_where_the_subject_was_not_located_its_keypoints_are_the_middle():
    positions = np.ones((4, 2, 3))
    positions[2, 1] = np.nan
    location = make_location(4)
    location.loc[location["frame"] == 102, ["x", "y", "z"]] = np.nan
    _, data = play(positions, location=location)
    centres = unpack(data["centres"], "<f4").reshape(-1, 3)
    assert centres.tolist() == [[1, 2, 3], [1, 2, 3], [1, 1, 1], [1, 2, 3]]


def test_the_view_reaches_as_far_as_the_keypoints_and_stands_on_the_lowest():
    positions = np.tile([1.0, 2.0, 3.0], (4, 2, 1))
    positions[:, 1, 2] -= 40
    _, data = play(positions)
    assert data["reach"] == pytest.approx(1.15 * 40)
    assert data["bounds"][2] == pytest.approx([-37 - 2, 3 + 2])
    assert data["floor"] == pytest.approx(-37)


def test_one_keypoint_that_went_astray_does_not_make_the_others_small():
    positions = np.random.default_rng(0).uniform(-50, 50, (400, 2, 3))
    positions[7, 0] = 1e5
    assert play(positions)[1]["reach"] < 150


def test_a_session_without_any_keypoint_can_be_played():
    location = make_location(3).assign(x=np.nan, y=np.nan, z=np.nan)
    _, data = play(np.full((3, 2, 3), np.nan), location=location)
    assert np.isnan(read_positions(data)).all()
    assert data["bounds"] == [[-1.0, 1.0]] * 3


def test_pictures_know_their_moments():
    places = np.full((3, 1, 2, 2), 0.25, np.float32)
    places[1, 0, 1] = np.nan
    sprites = Sprites(["cam1"], 128, np.array([0, 4, 8]), ["AAAA", "BBBBBBBB", "CCCC"], places)
    player, data = play(np.zeros((9, 2, 3)), limit=5, sprites=sprites)
    pictures = data["views"]
    assert player.pictures == "AAAABBBBBBBBCCCC"
    assert unpack(pictures["ends"], "<i4").tolist() == [4, 12, 16]
    assert unpack(pictures["moments"], "<i4").tolist() == [0, 2, 4]
    pixels = unpack(pictures["pixels"], "<i2").reshape(3, 1, 2, 2)
    assert pixels[0, 0, 0].tolist() == [PARTS / 4] * 2
    assert pixels[1, 0, 1].tolist() == [MISSING] * 2
    assert (
        player.caption
        == "Thinned: 5 of 9 frames are shown, evenly spread; pictures are thinned to 3, one every 0.40 s, to keep this file small."
    )


def test_numbers_beyond_sixteen_bits_are_missing():
    assert unpack(pack_gaps(np.array([1.4, -32767.0, 4e4, np.nan, -np.inf])), "<i2").tolist() == [1, -32767, MISSING, MISSING, MISSING]


def test_keypoints_without_edges_are_played():
    assert play(np.zeros((3, 2, 3)), skeleton=())[1]["edges"] == []


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


def draw_pictures(toy, room, chosen=None):
    study = toy.write().open()
    keypoints = read_named_keypoints(study, "tiny", "test1")
    chosen = np.arange(len(keypoints.frames)) if chosen is None else chosen
    return draw_sprites(study, "tiny", "test1", keypoints, chosen, room)


def decode_picture(text):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB"))


def test_all_moments_are_drawn_where_there_is_room(toy):
    sprites = draw_pictures(toy, 10_000_000)
    assert sprites.side == SIDES[0]
    assert sprites.cameras == ["cam1", "cam2"]
    assert sprites.moments.tolist() == list(range(toy.n_frames))
    assert decode_picture(sprites.texts[0]).shape == (SIDES[0], 2 * SIDES[0], 3)


def test_pictures_become_smaller_and_then_fewer(toy):
    toy.n_frames = 40
    sizes = [len(text) for text in draw_pictures(toy, 10_000_000).texts]
    smaller = draw_pictures(toy, int(0.95 * sum(sizes)))
    assert (smaller.side, len(smaller.texts)) == (SIDES[1], 40)
    fewer = draw_pictures(toy, int(0.1 * sum(sizes)))
    assert fewer.side == SIDES[1]
    assert 1 <= len(fewer.texts) < 20
    assert len(set(np.diff(fewer.moments))) == 1
    assert sum(len(text) for text in fewer.texts) < 0.12 * sum(sizes)


def test_a_picture_is_never_cut_into_another(toy):
    """Texts are put behind each other in the page: each must be whole groups of four characters."""
    assert all(len(text) % 4 == 0 for text in draw_pictures(toy, 10_000_000).texts)


def test_keypoints_lie_on_the_body_in_every_view(toy):
    sprites = draw_pictures(toy, 10_000_000)
    picture = decode_picture(sprites.texts[5]).astype(float)
    for camera in range(2):
        view = picture[:, camera * sprites.side : (camera + 1) * sprites.side]
        for x, y in sprites.places[5, camera]:
            around = view[int(y * sprites.side) - 8 : int(y * sprites.side) + 9, int(x * sprites.side) - 8 : int(x * sprites.side) + 9]
            # The body is dark brown on light grey.
            assert around.mean(axis=-1).min() < 110


def test_a_moment_that_was_not_located_stays_dark(toy):
    toy.located = 0.5
    sprites = draw_pictures(toy, 10_000_000)
    assert np.isnan(sprites.places[-1]).all()
    assert decode_picture(sprites.texts[-1]).max() < 10
    assert np.isfinite(sprites.places[0]).all()


def test_views_are_those_that_the_experiment_saw(toy):
    toy.n_cameras = 3
    assert draw_pictures(toy, 10_000_000).places.shape == (toy.n_frames, 3, toy.n_keypoints, 2)


def test_room_for_nothing_still_shows_one_moment(toy):
    assert len(draw_pictures(toy, 1).texts) == pytest.approx(1)
