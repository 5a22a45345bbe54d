import av
import numpy as np
import pytest
from PIL import Image

from bkind3d.cli import main
from bkind3d.config import InputError
from bkind3d.report.overlay_videos import draw_pictures, find_liveliest, lay_out, reduce_colours, write_animation, write_overlay_video
from bkind3d.report.overlays import DARK, HEAD, TILE
from bkind3d.report.palette import mark_of
from bkind3d.report.views import Moment, View

FLAT = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]])


def decode(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return float(stream.average_rate), [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]


def test_the_video_shows_every_frame_of_every_camera_at_the_speed_of_the_recording(toy, tmp_path):
    toy.names = {"k01": "nose"}
    study = toy.write().open()
    write_overlay_video(study, "tiny", "test1", tmp_path / "v.mp4")
    rate, pictures = decode(tmp_path / "v.mp4")
    assert (rate, len(pictures)) == (10.0, toy.n_frames)
    tiles = [pictures[5][HEAD : HEAD + TILE, column * TILE : (column + 1) * TILE] for column in (0, 1)]
    for tile in tiles:
        # The toy's views are bright; the marks of its keypoints are saturated.
        assert tile.mean() > 100
        assert (tile.max(axis=-1).astype(int) - tile.min(axis=-1) > 120).any()
    assert np.abs(tiles[0].astype(int) - tiles[1]).mean() > 2


def test_a_long_session_is_cut_and_says_so(toy, tmp_path, caplog):
    toy.settings = {"overlay_seconds": 0.5}
    write_overlay_video(toy.write().open(), "tiny", "test1", tmp_path / "v.mp4")
    assert len(decode(tmp_path / "v.mp4")[1]) == 5
    assert "its overlay video shows the first 0.5 s of 1 s (report.overlay_seconds)" in caplog.text


def test_moments_without_the_subject_are_dark_and_in_their_place(toy, tmp_path):
    toy.located = 0.5
    write_overlay_video(toy.write().open(), "tiny", "test1", tmp_path / "v.mp4")
    _, pictures = decode(tmp_path / "v.mp4")
    shown = [picture[HEAD : HEAD + TILE, :TILE].mean() > 100 for picture in pictures]
    assert shown == [True] * 6 + [False] * 6


def test_a_keypoint_is_drawn_where_it_projects_to(toy):
    mosaic = lay_out(["one", "two", "three"], ["k00"], [], share=0.5)
    view = View(np.full((64, 64, 3), 128, np.uint8), FLAT)
    moments = [Moment(index, index / 10, {"three": view}, np.array([[24.0 + index, 40.0, 1.0]])) for index in range(9)]
    pictures = list(draw_pictures(mosaic, moments, threads=2))
    left, top = mosaic.places["three"]
    assert (left, top) == (0, TILE + 2 * HEAD)
    for index, picture in enumerate(pictures):
        # The middle half of the view, 32 pixels, fills a tile of 256.
        x, y = (24 + index - 16 + 0.5) * 8, (40 - 16 + 0.5) * 8
        assert tuple(picture[top + int(y), left + int(x)]) == mark_of(0).rgb
        assert tuple(picture[HEAD + 5, 5]) == DARK.ground


def test_moments_that_cannot_be_read_end_the_video_with_their_error():
    def read():
        yield Moment(0, 0.0, {}, np.zeros((1, 3)))
        raise InputError("frames.parquet", "row group 3 is damaged")

    with pytest.raises(InputError, match="row group 3"):
        list(draw_pictures(lay_out(["one"], ["k00"], [], share=1.0), read()))
    assert list(draw_pictures(lay_out(["one"], ["k00"], [], share=1.0), [])) == []


@pytest.mark.parametrize("n_cameras", range(1, 13))
def test_tiles_of_any_number_of_cameras_fit_and_the_size_suits_the_codec(n_cameras):
    mosaic = lay_out([f"c{index}" for index in range(n_cameras)], [f"k{index:02d}" for index in range(30)], [], 1.0)
    height, width = mosaic.ground.shape[:2]
    assert height % 2 == width % 2 == 0
    assert len(set(mosaic.places.values())) == n_cameras
    assert all(left + TILE <= width and top + TILE < height for left, top in mosaic.places.values())


def test_the_liveliest_part_is_found():
    positions = np.zeros((50, 2, 3), np.float32)
    positions[30:35, :, 0] = np.arange(5)[:, None] * 10
    positions[35:] = positions[34]
    positions[10] = np.nan
    assert 25 <= find_liveliest(positions, 10) <= 30  # all four steps, from frame 30 to frame 34
    assert find_liveliest(positions, 50) == 0


def test_the_animated_picture_moves(toy, tmp_path):
    write_animation(toy.write().open(), "tiny", "test1", tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as picture:
        assert picture.n_frames == 12
        assert picture.info["duration"] == 100
        first = np.asarray(picture.convert("RGB")).astype(int)
        picture.seek(11)
        assert np.abs(np.asarray(picture.convert("RGB")) - first).mean() > 0.5


def test_few_colours_keep_those_of_the_marks():
    noise = np.random.default_rng(0).integers(90, 160, (3, 64, 64, 3)).astype(np.uint8)
    marks = [mark_of(index).rgb for index in range(12)]
    for index, colour in enumerate(marks):
        noise[:, 5 * index : 5 * index + 4, :4] = colour
    reduced = [np.asarray(picture.convert("RGB")) for picture in reduce_colours([Image.fromarray(picture) for picture in noise], 12)]
    for picture, given in zip(reduced, noise, strict=True):
        assert [tuple(picture[5 * index, 0]) for index in range(12)] == marks
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) <= 256
        assert np.abs(picture.astype(int) - given).mean() < 10


def test_the_verb_refuses_before_there_are_keypoints_and_writes_nothing(toy, tmp_path, capsys):
    toy.write()
    (toy.results / "experiments" / "tiny" / "keypoints" / "test1.parquet").unlink()
    arguments = ["--study", str(toy.results / "config" / "study.json"), "--experiment", "tiny"]
    assert main(["draw-overlays", *arguments, "--session", "test1", "--output", str(tmp_path / "out" / "v.mp4")]) == 2
    assert "test1.parquet: cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
