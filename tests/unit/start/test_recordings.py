"""Which video is which camera of which session."""

import shutil

import numpy as np
import pytest

from bkind3d.config import InputError
from bkind3d.start.inventory import list_files
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


def recognise(folder, pattern=None, known=()):
    """What is recognised, and why files are passed over."""
    inventory = list_files(folder)
    found = recognise_recordings(inventory, pattern, known)
    return found, {inventory.name(path): why for path, why in inventory.passed_over.items()}


@pytest.mark.parametrize(
    ("paths", "sessions", "pattern"),
    [
        (["m1/top.mp4", "m1/left.mp4", "m2/top.mp4", "m2/left.mp4"], {"m1": ["left", "top"], "m2": ["left", "top"]}, "{session}/{camera}"),
        (["m1_day2_cam1.avi", "m1_day2_cam2.avi", "m1_day3_cam1.avi", "m1_day3_cam2.avi"], {"m1_day2": ["cam1", "cam2"], "m1_day3": ["cam1", "cam2"]}, "{session}_{camera}"),
        (["cam1/m1.mp4", "cam1/m2.mp4", "cam2/m1.mp4", "cam2/m2.mp4"], {"m1": ["cam1", "cam2"], "m2": ["cam1", "cam2"]}, "{camera}/{session}"),
        (["cam1.mp4", "cam2.mp4"], {"recordings": ["cam1", "cam2"]}, "{camera}"),
        (["m1/videos/C1/0.mp4", "m1/videos/C2/0.mp4", "m2/videos/C1/0.mp4", "m2/videos/C2/0.mp4"], {"m1": ["C1", "C2"], "m2": ["C1", "C2"]}, "{session}/{camera}/*"),
        (["top/s1_top.mp4", "side/s1_side.mp4"], {"s1": ["side", "top"]}, "{camera}/{session}_{camera}"),
        (["2019-08-01/videos-raw/vid01-camA.mp4", "2019-08-01/videos-raw/vid01-camB.mp4", "2019-08-02/videos-raw/vid01-camA.mp4", "2019-08-02/videos-raw/vid01-camB.mp4"],
         {"2019-08-01_vid01": ["camA", "camB"], "2019-08-02_vid01": ["camA", "camB"]}, "{session}-{camera}"),
        (["m_cam_1.mp4", "m_cam_2.mp4"], {"m": ["cam_1", "cam_2"]}, "{session}_{camera}"),
        (["2024/m1/videos/a.mp4", "2024/m1/videos/b.mp4", "2025/m1/videos/a.mp4", "2025/m1/videos/b.mp4"], {"2024_m1": ["a", "b"], "2025_m1": ["a", "b"]}, "{session}/{camera}"),
    ],
)  # fmt: skip
def test_usual_layouts(fill, paths, sessions, pattern):
    found, passed_over = recognise(fill(*paths))
    assert {name: sorted(cameras) for name, cameras in found.sessions.items()} == sessions
    assert found.pattern == pattern
    assert passed_over == {}


def test_equal_lengths_tell_cameras_from_sessions_where_names_do_not(fill):
    found, _ = recognise(fill("aa/xx.mp4=6", "aa/yy.mp4=9", "bb/xx.mp4=6", "bb/yy.mp4=9"))
    assert found.sessions.keys() == {"xx", "yy"}  # the videos of one session have one length


def test_a_session_called_like_a_board_is_one(fill):
    found, _ = recognise(
        fill("m1/c1.mp4", "m1/c2.mp4", "Calibration 3/c1.mp4", "Calibration 3/c2.mp4", "keyboard/c1.mp4", "keyboard/c2.mp4")
    )
    assert list(found.sessions) == ["keyboard", "m1"]
    assert list(found.boards) == ["Calibration 3/{camera}.mp4"]


def test_names_of_any_language_become_names_of_sheets(fill):
    found, _ = recognise(fill("Mäuse Straße/Kamera links.mp4", "Mäuse Straße/Kamera rechts.mp4"), "{session}/{camera}")
    assert {name: sorted(cameras) for name, cameras in found.sessions.items()} == {"Mause_Strasse": ["Kamera_links", "Kamera_rechts"]}
    assert make_name("老鼠") != make_name("大鼠")


def test_what_fits_nothing_is_named(fill):
    folder = fill("m1/a.mp4", "m1/b.mp4", "m2/a.mp4", "m2/b.mp4", "m3/a.mp4")
    (folder / "m2" / "broken.mp4").write_bytes(b"no video at all")
    found, said = recognise(folder)
    assert found.sessions.keys() == {"m1", "m2"}
    assert said["m3/a.mp4"] == "is the only video of session 'm3'; two cameras are the least"
    assert "cannot be decoded" in said["m2/broken.mp4"]


@pytest.mark.parametrize(
    ("paths", "pattern", "message"),
    [
        (["m1/a.mp4", "m1/b.mp4"], "{session}/{cam}", "write {camera} where"),
        (["m1/a;1.mp4", "m1/b;1.mp4"], "{session}/{camera};*", "a sheet cannot hold ';' in a path; rename"),
        (["m\t1/a.mp4", "m\t1/b.mp4"], None, "a sheet cannot hold '\\t' in a path; rename"),
        (["m1/a.mp4", "m1/b.mp4"], "{session}/{camera}/{part}", "fits none"),
        ([], None, "holds no videos"),
        (["m1/a.mp4", "m2/b.mp4"], None, "none of the 2 videos could be put together"),
        (["m1/a.mp4"], None, "holds one video, m1/a.mp4; two cameras are the least"),
        (["m1/a.mp4", "m1/b.mp4"], "{session}-{camera}.mp4", "--pattern '{session}-{camera}.mp4' fits none of the 2 videos"),
        (["m1/ä.mp4", "m1/a.mp4"], "{session}/{camera}", "would both be camera 'a' of session 'm1'; rename one"),
        (["m1/a.mp4", "m1/b.mp4"], "{camera}/{camera}", "fits none"),
        (["m1/a.mp4", "m1/b.mp4"], "{session}/*", "write {camera} where the camera's name stands"),
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
        recognise(fill(*paths) if paths else tmp_path / "recordings", pattern)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_linked_folders_are_entered_once(fill, tmp_path):
    folder = fill("m1/top.mp4", "m1/side.mp4")
    elsewhere = fill("top.mp4", "side.mp4", folder="elsewhere")
    (folder / "m2").symlink_to(elsewhere)
    (folder / "m1" / "back").symlink_to(folder)
    assert set(recognise(folder)[0].sessions) == {"m1", "m2"}


@pytest.mark.parametrize(
    ("paths", "parts"),
    [
        (["cam1_1.mp4", "cam1_2.mp4", "cam2_1.mp4", "cam2_2.mp4"], ["cam1_1.mp4", "cam1_2.mp4"]),
        (["cam1/001.mp4", "cam1/002.mp4", "cam2/001.mp4", "cam2/002.mp4"], ["cam1/001.mp4", "cam1/002.mp4"]),
        (
            [f"s1-d1-cam{c}-{n}.mp4" for c in (1, 2) for n in (0, 3500, 10500, 7000)],
            [f"s1-d1-cam1-{n}.mp4" for n in (0, 3500, 7000, 10500)],
        ),
        ([f"cam{c}_{n}.mp4" for c in (1, 2) for n in (9, 10, 11)], ["cam1_9.mp4", "cam1_10.mp4", "cam1_11.mp4"]),
        (["m/cam1_1.mp4=9", "m/cam1_2.mp4=6", "m/cam2_1.mp4=9", "m/cam2_2.mp4=6"], ["m/cam1_1.mp4", "m/cam1_2.mp4"]),
    ],
)
def test_pieces_of_one_video_stay_together_in_the_order_of_their_numbers(fill, paths, parts):
    folder = fill(*paths)
    found, _ = recognise(folder)
    assert len(found.sessions) == 1
    assert [str(path.relative_to(folder)) for path in next(iter(found.sessions.values()))["cam1"]] == parts
    assert "are one video in pieces" in found.remarks[0]


def test_trials_of_other_lengths_are_no_pieces(fill):
    found, _ = recognise(fill("cam1_1.mp4=6", "cam1_2.mp4=9", "cam2_1.mp4=6", "cam2_2.mp4=9"))
    assert {name: sorted(cameras) for name, cameras in found.sessions.items()} == {"1": ["cam1", "cam2"], "2": ["cam1", "cam2"]}


def test_a_session_that_lacks_a_camera_exchanges_nothing(fill):
    found, _ = recognise(fill("m1/ab.mp4=6", "m1/cd.mp4=6", "m1/ef.mp4=6", "m2/ab.mp4=9", "m2/cd.mp4=9"))
    assert {name: sorted(cameras) for name, cameras in found.sessions.items()} == {"m1": ["ab", "cd", "ef"], "m2": ["ab", "cd"]}


@pytest.mark.parametrize("known", [[["ab", "cd"]], [["1", "2"], ["cd", "ab", "ef"]]])
def test_names_in_a_calibration_win(fill, known):
    """Without them, ab and cd could as well be sessions: all videos are equally long."""
    found, said = recognise(fill("ab/x.mp4", "ab/y.mp4", "cd/x.mp4", "cd/y.mp4", "gh/x.mp4"), known=known)
    assert {name: sorted(cameras) for name, cameras in found.sessions.items()} == {"x": ["ab", "cd"], "y": ["ab", "cd"]}
    assert list(said) == ["gh/x.mp4"]


def test_dates_are_no_cameras(fill):
    found, said = recognise(fill("20240501/ab.mp4", "20240501/cd.mp4", "20240502/ab.mp4"))
    assert {name: sorted(cameras) for name, cameras in found.sessions.items()} == {"20240501": ["ab", "cd"]}
    assert list(said) == ["20240502/ab.mp4"]


def test_a_number_does_not_make_a_recording_a_camera(fill):
    found, _ = recognise(fill("cam_1/rec_1.mp4", "cam_1/rec_2.mp4", "cam_2/rec_1.mp4", "cam_2/rec_2.mp4"), known=[["cam_1", "cam_2"]])
    assert {name: sorted(cameras) for name, cameras in found.sessions.items()} == {"rec_1": ["cam_1", "cam_2"], "rec_2": ["cam_1", "cam_2"]}


@pytest.mark.parametrize(
    "copy",
    [
        "annotated_videos/m1/top.mp4",
        "labelled/m1/top.mp4",
        "m1/topDLC_resnet50_x_labeled.mp4",
        "m1/videos-combined/a.mp4",
        "pose/top_pose.mp4",
    ],
)
def test_copies_with_drawings_are_passed_over_aloud(fill, copy):
    found, said = recognise(fill("m1/top.mp4", "m1/side.mp4", copy))
    assert {name: sorted(cameras) for name, cameras in found.sessions.items()} == {"m1": ["side", "top"]}
    assert "a copy with drawings" in said[copy]


def test_boards_are_told_by_the_cameras_names_wherever_these_stand(fill):
    found, said = recognise(
        fill(
            "top/m_top.mp4",
            "side/m_side.mp4",
            *(f"{name}/calibration_images/m-{name}-calibration.mov" for name in ("top", "side")),
            "calib/x.mp4",
        )
    )
    assert {template: sorted(videos) for template, videos in found.boards.items()} == {
        "{camera}/calibration_images/m-{camera}-calibration.mov": ["side", "top"]
    }
    assert "names none of the cameras" in said["calib/x.mp4"]
