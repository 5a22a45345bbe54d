"""Which video is which camera of which session."""

import shutil

import numpy as np
import pytest

from bkind3d.config import InputError
from bkind3d.start.recordings import make_name, recognise_recordings


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """A video of six frames and one of nine."""
    import av

    folder, paths = tmp_path_factory.mktemp("videos"), {}
    for length in (6, 9):
        paths[length] = folder / f"{length}.mp4"
        with av.open(str(paths[length]), "w") as container:
            stream = container.add_stream("libx264", rate=30)
            stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
            for index in range(length):
                picture = np.full((32, 32, 3), 20 * index, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode(None))
    return paths


@pytest.fixture
def fill(videos, tmp_path):
    """Copy videos to paths below a folder; a number of frames may follow the path."""

    def fill(*paths, folder="recordings"):
        for path in paths:
            name, _, length = path.partition("=")
            target = tmp_path / folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(videos[int(length or 6)], target)
        return tmp_path / folder

    return fill


@pytest.mark.parametrize(
    ("paths", "sessions", "pattern"),
    [
        (["m1/top.mp4", "m1/left.mp4", "m2/top.mp4", "m2/left.mp4"], {"m1": ["left", "top"], "m2": ["left", "top"]}, "{session}/{camera}"),
        (["m1_day2_cam1.avi", "m1_day2_cam2.avi", "m1_day3_cam1.avi", "m1_day3_cam2.avi"], {"m1_day2": ["cam1", "cam2"], "m1_day3": ["cam1", "cam2"]}, "{session}_{camera}"),
        (["cam1/m1.mp4", "cam1/m2.mp4", "cam2/m1.mp4", "cam2/m2.mp4"], {"m1": ["cam1", "cam2"], "m2": ["cam1", "cam2"]}, "{camera}/{session}"),
        (["cam1.mp4", "cam2.mp4"], {"recordings": ["cam1", "cam2"]}, "{camera}"),
        (["m1/videos/C1/0.mp4", "m1/videos/C2/0.mp4", "m2/videos/C1/0.mp4", "m2/videos/C2/0.mp4"], {"m1": ["C1", "C2"], "m2": ["C1", "C2"]}, "{session}/{camera}/*"),
        (["2024/m1/videos/a.mp4", "2024/m1/videos/b.mp4", "2025/m1/videos/a.mp4", "2025/m1/videos/b.mp4"], {"2024_m1": ["a", "b"], "2025_m1": ["a", "b"]}, "{session}/{camera}"),
    ],
)  # fmt: skip
def test_usual_layouts(fill, paths, sessions, pattern):
    found = recognise_recordings(fill(*paths))
    assert {name: sorted(cameras) for name, cameras in found.sessions.items()} == sessions
    assert found.pattern == pattern
    assert found.passed_over == {}


def test_equal_lengths_tell_cameras_from_sessions_where_names_do_not(fill):
    found = recognise_recordings(fill("aa/xx.mp4=6", "aa/yy.mp4=9", "bb/xx.mp4=6", "bb/yy.mp4=9"))
    assert found.sessions.keys() == {"xx", "yy"}  # the videos of one session have one length


def test_a_session_called_like_a_board_is_one(fill):
    found = recognise_recordings(fill("m1/c1.mp4", "m1/c2.mp4", "Calibration 3/c1.mp4", "Calibration 3/c2.mp4"))
    assert list(found.sessions) == ["m1"]
    assert list(found.boards) == ["Calibration_3"]


def test_names_of_any_language_become_names_of_sheets(fill):
    found = recognise_recordings(fill("Mäuse Straße/Kamera links.mp4", "Mäuse Straße/Kamera rechts.mp4"), "{session}/{camera}")
    assert {name: sorted(cameras) for name, cameras in found.sessions.items()} == {"Mause_Strasse": ["Kamera_links", "Kamera_rechts"]}
    assert make_name("老鼠") != make_name("大鼠")


def test_what_fits_nothing_is_named(fill):
    folder = fill("m1/a.mp4", "m1/b.mp4", "m2/a.mp4", "m2/b.mp4", "m3/a.mp4")
    (folder / "m2" / "broken.mp4").write_bytes(b"no video at all")
    found = recognise_recordings(folder)
    assert found.sessions.keys() == {"m1", "m2"}
    said = {str(path.relative_to(folder)): why for path, why in found.passed_over.items()}
    assert said["m3/a.mp4"] == "is the only video of session 'm3'; two cameras are the least"
    assert "cannot be decoded" in said["m2/broken.mp4"]


@pytest.mark.parametrize(
    ("paths", "pattern", "message"),
    [
        ([], None, "holds no videos"),
        (["m1/a.mp4"], None, "none of the 1 videos could be put together"),
        (["m1/a.mp4", "m1/b.mp4"], "{session}-{camera}.mp4", "--pattern '{session}-{camera}.mp4' fits none of the 2 videos"),
        (["m1/ä.mp4", "m1/a.mp4"], "{session}/{camera}", "would both be camera 'a' of session 'm1'; rename one"),
        (["m1/a.mp4", "m1/b.mp4"], "{camera}/{camera}", "write {camera} once, and {session} at most once"),
        (["m1/a.mp4", "m1/b.mp4"], "{session}/*", "write {camera} once, and {session} at most once"),
        (
            ["m 1/a.mp4", "m 1/b.mp4", "m_1/c.mp4", "m_1/d.mp4"],
            "{session}/{camera}",
            "'m 1' and 'm_1' would both be session 'm_1'; rename one",
        ),
        (["board/a.mp4", "board/b.mp4"], None, "all videos are called like those of a calibration board"),
    ],
)
def test_bad_folders_get_one_line(fill, tmp_path, paths, pattern, message):
    (tmp_path / "recordings").mkdir()
    with pytest.raises(InputError) as error:
        recognise_recordings(fill(*paths) if paths else tmp_path / "recordings", pattern)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_linked_folders_are_entered_once(fill, tmp_path):
    folder = fill("m1/top.mp4", "m1/side.mp4")
    elsewhere = fill("top.mp4", "side.mp4", folder="elsewhere")
    (folder / "m2").symlink_to(elsewhere)
    (folder / "m1" / "back").symlink_to(folder)
    assert set(recognise_recordings(folder).sessions) == {"m1", "m2"}
