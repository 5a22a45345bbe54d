import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from bkind3d.config import SurveyConfig
from bkind3d.doctor.checks import Check
from bkind3d.doctor.videos import examine_video, find_irregular
from tests.unit.data.test_video import copy_stream, write_stripes

WriteVideo = Callable[..., Path]


def make_pictures(count: int = 60) -> list[np.ndarray]:
    """A bright square that moves over noise."""
    generator = np.random.default_rng(0)
    pictures = []
    for number in range(count):
        picture = generator.integers(108, 112, (64, 96, 3), dtype=np.uint8)
        picture[20:36, number : number + 16] = 240
        pictures.append(picture)
    return pictures


def write_at(path: Path, pictures: list[np.ndarray], stamps: list[int]) -> Path:
    """A video whose frames are shown at the given milliseconds."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for picture, stamp in zip(pictures, stamps, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = stamp, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def pick(checks: list[Check], what: str) -> Check:
    return next(check for check in checks if check.what == what)


@pytest.mark.parametrize("full", [False, True])
def test_a_sound_video_passes(tmp_path: Path, write_video: WriteVideo, full: bool) -> None:
    checks, sample = examine_video(write_video(tmp_path / "a.mp4", make_pictures()), full, False)
    assert {check.status for check in checks} == {"pass"}
    assert "h264, 96x64, 60 frames at 30 per second, 2.0 s" in pick(checks, "video").sentence
    assert sample is not None
    assert sample.n_decoded == 60
    assert 40 <= len(sample.pictures) <= 50


@pytest.mark.parametrize("kind", ["empty", "cut off", "missing", "text"])
def test_what_cannot_be_read_is_a_failure_in_one_line(tmp_path: Path, write_video: WriteVideo, kind: str) -> None:
    path = tmp_path / "a.mp4"
    if kind == "cut off":
        write_video(path, make_pictures())
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif kind != "missing":
        path.write_text("" if kind == "empty" else "no video" * 500)
    (check,), sample = examine_video(path, False, False)
    assert sample is None
    assert check.status == "failure"
    assert check.next_step
    assert "a.mp4" in check.sentence
    assert "\n" not in check.describe()


def test_black_frozen_and_duplicated_frames_are_found(tmp_path: Path, write_video: WriteVideo) -> None:
    pictures = make_pictures()
    pictures[5] = np.zeros_like(pictures[5])
    pictures[21] = pictures[20]
    usual = {"crf": "23", "preset": "medium"}
    checks, sample = examine_video(write_video(tmp_path / "a.mp4", pictures, codec_options=usual), False, False)
    assert sample is not None
    assert sample.black == [5]
    assert sample.repeated == [21]
    assert "1 of 60 decoded frames show nothing, 1 at a time from frame 5" in pick(checks, "black").sentence
    assert "duplicated frames" in pick(checks, "repeated").sentence
    pictures[31:40] = [pictures[30]] * 9
    checks, _ = examine_video(write_video(tmp_path / "b.mp4", pictures, codec_options=usual), True, False)
    assert "frozen picture: 10 of 60 decoded frames repeat the frame before, 9 at a time from frame 31" in pick(checks, "repeated").sentence


def test_a_still_scene_is_not_called_frozen(tmp_path: Path, write_video: WriteVideo) -> None:
    checks, _ = examine_video(write_video(tmp_path / "a.mp4", [make_pictures(1)[0]] * 60), False, False)
    assert {check.status for check in checks} == {"pass"}


def test_a_variable_frame_rate_is_refused_unless_a_map_is_given(tmp_path: Path) -> None:
    intervals = np.random.default_rng(1).choice([20, 33, 60], 59)
    path = write_at(tmp_path / "a.mp4", make_pictures(), [0, *np.cumsum(intervals).tolist()])
    assert pick(examine_video(path, False, False)[0], "times").status == "failure"
    assert "variable frame rate: its frames are 20 to 60 ms apart" in pick(examine_video(path, False, False)[0], "times").sentence
    assert pick(examine_video(path, False, True)[0], "times").status == "warning"


def test_dropped_frames_are_counted(tmp_path: Path) -> None:
    stamps = [40 * number + (120 if number > 24 else 0) for number in range(60)]
    check = pick(examine_video(write_at(tmp_path / "a.mp4", make_pictures(), stamps), False, False)[0], "times")
    assert check.status == "warning"
    assert "3 frames are missing in 1 gaps, the first after frame 24, at 0.96 s" in check.sentence


def test_rounded_times_are_regular() -> None:
    assert len(find_irregular(np.round(np.arange(100) / 30, 3))[0]) == 0


def test_a_wrong_extension_is_named(tmp_path: Path, write_video: WriteVideo) -> None:
    path = write_video(tmp_path / "a.mp4", make_pictures()).rename(tmp_path / "a.avi")
    check = pick(examine_video(path, False, False)[0], "name")
    assert check.status == "warning"
    assert "rename it to a.mp4" in check.next_step


def test_a_phones_rotation_is_named(tmp_path: Path, write_video: WriteVideo) -> None:
    path = write_video(tmp_path / "a.mp4", make_pictures())
    content = path.read_bytes()
    start = content.find(b"tkhd") + 44
    path.write_bytes(content[:start] + struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30) + content[start + 36 :])
    checks, sample = examine_video(path, False, False)
    assert "turned by 270 degrees" in pick(checks, "rotation").sentence
    assert sample is not None
    assert sample.pictures[0].shape == (96, 64, 3)


def test_frames_that_no_player_shows_are_told_of(tmp_path: Path) -> None:
    write_stripes(tmp_path / "whole.mp4", {"bf": "0"})
    copy_stream(tmp_path / "whole.mp4", tmp_path / "cut.mp4", start_s=1.3)
    for name, hidden in (("whole", False), ("cut", True)):
        checks, _ = examine_video(tmp_path / f"{name}.mp4", full=True, has_map=False)
        assert any("9 stored frames are never shown" in check.sentence for check in checks) == hidden
        assert not any(check.status == "failure" for check in checks)


def test_a_rate_that_cannot_be_is_remarked_with_how_to_set_it(tmp_path: Path) -> None:
    checks, _ = examine_video(write_at(tmp_path / "slow.mp4", make_pictures(6), list(range(0, 30000, 5000))), False, False)
    found = pick(checks, "rate")
    assert found.status == "warning" and "0.24 frames per second" in found.sentence and "frame_rate" in found.next_step
    assert not any(check.what == "rate" for check in examine_video(tmp_path / "slow.mp4", False, False, 30)[0])


def test_silhouettes_are_found_as_the_settings_say_and_where_the_mask_is_white(tmp_path: Path, write_video: WriteVideo) -> None:
    still = [picture.copy() for picture in [make_pictures(1)[0]] * 20]
    _, sample = examine_video(write_video(tmp_path / "still.mp4", still), full=True, has_map=False)
    assert sample is not None
    assert not any(found.mask.any() for found in sample.find_silhouettes(SurveyConfig()).values())
    bright = SurveyConfig(threshold="bright")
    assert all(found.clusters[0, 0] == pytest.approx(16 * 16, rel=0.2) for found in sample.find_silhouettes(bright).values())
    mask = np.full((64, 96), 255, np.uint8)
    mask[20:36, 4:] = 0
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    masked = sample.find_silhouettes(bright, tmp_path / "mask.png").values()
    assert all(found.clusters[0, 0] == pytest.approx(4 * 16, rel=0.3) for found in masked)
