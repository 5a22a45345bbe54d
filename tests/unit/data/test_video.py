import os
import struct
from collections.abc import Callable, Iterable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from bkind3d.config import InputError
from bkind3d.data.crops import Crop, Part, View
from bkind3d.data.video import DecodedFrame, cut_alike, decode_at, decode_frames, decode_keyframes, probe_video, read_packets

WriteVideo = Callable[..., Path]


def make_pictures(count: int = 20, width: int = 96, height: int = 64) -> list[np.ndarray]:
    """Frame number n has brightness 20 + 5 n."""
    return [np.full((height, width, 3), 20 + 5 * number, np.uint8) for number in range(count)]


def test_a_video_is_probed_and_decoded_in_order(tmp_path: Path, write_video: WriteVideo) -> None:
    path = write_video(tmp_path / "a.mp4", make_pictures(), rate=25)
    info = probe_video(path)
    assert (info.width, info.height, info.n_frames, info.codec, info.rotation) == (96, 64, 20, "h264", 0)
    assert info.rate == pytest.approx(25)
    frames = list(decode_frames(path, threads=2))
    assert [frame.number for frame in frames] == list(range(20))
    assert [frame.time_s for frame in frames] == pytest.approx([number / 25 for number in range(20)])
    assert [frame.picture.mean() for frame in frames] == pytest.approx([20 + 5 * number for number in range(20)], abs=1.5)
    assert frames[0].picture.shape == (64, 96, 3)


def write_files(folder: Path, write_video: WriteVideo, lengths: list[int]) -> list[Path]:
    """The pictures of :func:`make_pictures`, shared out to files of these lengths, a keyframe every third frame."""
    begins, pictures = np.cumsum([0, *lengths]), make_pictures(sum(lengths))
    return [
        write_video(folder / f"{number}.mp4", pictures[begin : begin + length], rate=25, codec_options={"g": "3"})
        for number, (begin, length) in enumerate(zip(begins, lengths, strict=False))
    ]


def test_the_files_of_a_camera_are_one_video(tmp_path: Path, write_video: WriteVideo) -> None:
    files = write_files(tmp_path, write_video, [8, 7, 5])
    info, packets = probe_video(files), read_packets(files)
    assert info == probe_video(files, counted=False)
    assert info.n_frames == len(packets.keys) == 20
    assert packets.times == pytest.approx(np.arange(20) / 25)
    frames = list(decode_frames(files))
    assert [frame.number for frame in frames] == list(range(20))
    assert [frame.time_s for frame in frames] == pytest.approx([number / 25 for number in range(20)])
    assert [frame.picture.mean() for frame in frames] == pytest.approx([20 + 5 * number for number in range(20)], abs=1.5)
    assert [frame.number for frame in decode_frames(files, wanted={7, 8, 19}.__contains__)] == [7, 8, 19]
    keys = np.flatnonzero(packets.keys).tolist()
    assert {0, 8, 15} < set(keys)
    found = list(decode_keyframes(files, set(keys) - {0}))
    assert [frame.number for frame in found] == keys[1:]
    assert [frame.picture.mean() for frame in found] == pytest.approx([20 + 5 * number for number in keys[1:]], abs=1.5)
    assert [frame.time_s for frame in found] == pytest.approx([number / 25 for number in keys[1:]])


def test_files_that_are_not_of_one_video_are_refused(tmp_path: Path, write_video: WriteVideo) -> None:
    first, second = write_files(tmp_path, write_video, [4, 4])
    small = write_video(tmp_path / "small.mp4", make_pictures(4, 64, 48), rate=25)
    slow = write_video(tmp_path / "slow.mp4", make_pictures(4), rate=10)
    for other, message in ((small, r"small\.mp4: has 64x48 pixels"), (slow, r"slow\.mp4: .* at 10 Hz, and 0\.mp4")):
        with pytest.raises(InputError, match=message):
            probe_video([first, second, other])
    second.unlink()
    with pytest.raises(InputError, match=r"1\.mp4: there is no such video"):
        list(decode_frames([first, second]))


def test_only_wanted_frames_become_pictures(tmp_path: Path, write_video: WriteVideo) -> None:
    path = write_video(tmp_path / "a.mp4", make_pictures())
    frames = list(decode_frames(path, (48, 32), gray=True, wanted={3, 11}.__contains__))
    assert [frame.number for frame in frames] == [3, 11]
    assert [frame.picture.mean() for frame in frames] == pytest.approx([35, 75], abs=1.5)
    assert frames[0].picture.shape == (32, 48)


def test_shrinking_keeps_the_edges_of_the_picture_together(tmp_path: Path, write_video: WriteVideo) -> None:
    columns, rows = np.meshgrid(np.arange(96), np.arange(64))
    blob = (200 * np.exp(-((columns - 30) ** 2 + (rows - 41) ** 2) / 50)).astype(np.uint8)
    path = write_video(tmp_path / "a.mp4", [np.repeat(blob[..., None], 3, axis=2)] * 3)
    small = next(decode_frames(path, (24, 16), gray=True)).picture.astype(float)
    found = [(small * axis).sum() / small.sum() for axis in np.meshgrid(np.arange(24), np.arange(16))]
    assert found == pytest.approx([(30 + 0.5) / 4 - 0.5, (41 + 0.5) / 4 - 0.5], abs=0.1)


def turn_video(path: Path, rotation: int) -> None:
    """Say in the track's header, as phones do, that pictures are turned by `rotation` degrees (counter-clockwise) before they are shown."""
    content, one = path.read_bytes(), 1 << 16
    start = content.find(b"tkhd") + 44
    a, b, c, d = {90: (0, -one, one, 0), 180: (-one, 0, 0, -one), 270: (0, one, -one, 0)}[rotation]
    path.write_bytes(content[:start] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + content[start + 36 :])


def test_the_rotation_of_a_phone_is_applied(tmp_path: Path, write_video: WriteVideo) -> None:
    pictures = make_pictures(3)
    for picture in pictures:
        picture[:10, :10] = 255
    path = write_video(tmp_path / "a.mp4", pictures)
    turn_video(path, 270)
    info = probe_video(path)
    assert (info.width, info.height, info.rotation) == (64, 96, 270)
    for size in (None, (32, 48)):
        picture = next(decode_frames(path, size, gray=True)).picture
        assert picture.shape == ((96, 64) if size is None else (48, 32))
        assert picture[:4, -4:].mean() > 240
        assert picture[-4:, :4].mean() < 60


@pytest.mark.parametrize("options", [{}, {"movflags": "faststart"}])
def test_a_video_that_is_cut_off_is_refused(tmp_path: Path, write_video: WriteVideo, options: dict[str, str]) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (20, 64, 96, 3), dtype=np.uint8)
    path = write_video(tmp_path / "a.mp4", noise, options=options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(InputError, match=r"a\.mp4: .*cut off"):
        probe_video(path)
    with pytest.raises(InputError, match=r"a\.mp4: .*cut off"):
        list(decode_frames(path))


def test_a_matroska_file_that_is_cut_off_is_refused(tmp_path: Path, write_video: WriteVideo) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (150, 64, 96, 3), dtype=np.uint8)
    path = write_video(tmp_path / "a.mkv", noise)
    assert probe_video(path).n_frames == 150
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(InputError, match=r"a\.mkv: is cut off, its header promises \d+\.\d s"):
        probe_video(path)


def test_what_is_no_video_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("this is no video" * 100)
    (tmp_path / "folder.mp4").mkdir()
    os.mkfifo(tmp_path / "pipe.mp4")
    cases = {"missing.mp4": "no such video", "empty.mp4": "empty", "text.mp4": "cannot be decoded"}
    cases |= dict.fromkeys(("pipe.mp4", "x" * 6000), "no such video") | {"folder.mp4": "is a folder that holds no pictures"}
    for name, message in cases.items():
        for read in (probe_video, lambda path: next(decode_frames(path))):
            with pytest.raises(InputError, match=message) as error:
                read(tmp_path / name)
            assert "\n" not in str(error.value)
            assert name[:100] in str(error.value)


def test_a_sound_file_has_no_pictures(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "a.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(InputError, match="no video stream"):
        probe_video(tmp_path / "a.wav")


def write_stripes(path: Path, options: dict[str, str], codec: str = "libx264", count: int = 90) -> None:
    """Frames that are told apart by their brightness, with a keyframe every 30."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30, options={"g": "30", "sc_threshold": "0", **options})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), 2 * index + 20, np.uint8), format="rgb24")))
        container.mux(stream.encode(None))


def copy_stream(source: Path, path: Path, first: int = 0, start_s: float = 0.0) -> None:
    """Cut a video without encoding it again: its packets from number `first` on, times from `start_s` on."""
    with av.open(str(source)) as container, av.open(str(path), "w") as copy:
        stream = container.streams.video[0]
        into, offset = copy.add_stream_from_template(stream), round(start_s / stream.time_base)
        packets = [packet for packet in container.demux(stream) if packet.size][first:]
        first = max((n for n, packet in enumerate(packets) if packet.is_keyframe and packet.pts <= offset), default=0)
        for packet in packets[first:]:
            packet.pts, packet.dts, packet.stream = packet.pts - offset, packet.dts - offset, into
            copy.mux(packet)


def number_pictures(frames: Iterable[DecodedFrame]) -> list[float]:
    """Which frames these are, to one, by their brightness."""
    return [(float(frame.picture.mean()) - 20) / 2 for frame in frames]


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
@pytest.mark.parametrize("b_frames", ["0", "2"])
def test_frames_before_a_cut_are_not_counted(tmp_path: Path, suffix: str, b_frames: str) -> None:
    whole, cut = tmp_path / f"whole{suffix}", tmp_path / f"cut{suffix}"
    write_stripes(whole, {"bf": b_frames})
    assert read_packets(whole).n_hidden == 0
    copy_stream(whole, cut, start_s=1.3)
    packets = read_packets(cut)
    assert (len(packets.times), packets.n_hidden, probe_video(cut).n_frames) == (51, 9, 51)
    assert number_pictures(decode_frames(cut)) == pytest.approx(range(39, 90), abs=1)
    assert np.flatnonzero(packets.keys).tolist() == [21]
    keyframes = list(decode_keyframes(cut, [0, 21]))
    assert [frame.number for frame in keyframes] == [21]
    assert number_pictures(keyframes) == pytest.approx([60], abs=1)


@pytest.mark.parametrize(("suffix", "first"), [(".mp4", 10), (".mkv", 10), (".ts", 10), (".avi", 10), (".mkv", 30), (".ts", 30)])
@pytest.mark.parametrize("options", [{}, {"bf": "0"}, {"x264-params": "open-gop=1"}])
def test_a_beginning_that_cannot_be_decoded_is_not_counted(tmp_path: Path, suffix: str, first: int, options: dict[str, str]) -> None:
    write_stripes(tmp_path / f"whole{suffix}", {"bf": "2", **options})
    copy_stream(tmp_path / f"whole{suffix}", tmp_path / f"cut{suffix}", first)
    shown, packets = number_pictures(decode_frames(tmp_path / f"cut{suffix}")), read_packets(tmp_path / f"cut{suffix}")
    if not (suffix == ".avi" and "x264-params" in options):  # AVI says when a frame is decoded, not when it is shown
        assert len(packets.times) == len(shown)
    assert packets.n_hidden == 90 - first - len(packets.times)
    assert shown == pytest.approx(range(90 - len(shown), 90), abs=1)


def test_a_codec_that_begins_anywhere_is_counted_whole(tmp_path: Path) -> None:
    write_stripes(tmp_path / "whole.avi", {}, "mpeg4")
    copy_stream(tmp_path / "whole.avi", tmp_path / "cut.avi", 10)
    assert len(read_packets(tmp_path / "cut.avi").times) == len(list(decode_frames(tmp_path / "cut.avi"))) == 80


def draw_texture(number: int, width: int = 96, height: int = 64) -> np.ndarray:
    """A smooth texture, another one for each number, in colours that every codec keeps."""
    coarse = np.random.default_rng(number).integers(60, 190, (height // 16, width // 16, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("crop", [Crop(10, 8, 36, 42), Crop(11, 7, 37, 43, flip=True)])
def test_a_part_of_a_video_is_read_as_if_it_had_been_cut_out(tmp_path: Path, write_video: WriteVideo, rotation: int, crop: Crop) -> None:
    path = write_video(tmp_path / "a.mp4", [draw_texture(number) for number in range(6)], codec_options={"g": "3", "crf": "5"})
    if rotation:
        turn_video(path, rotation)
    view, whole = View((path,), crop), probe_video(path)
    info = probe_video(view)
    assert (info.width, info.height, info.part) == (*crop.size, Part(crop, (whole.width, whole.height)))
    pictures, (width, height) = [frame.picture for frame in decode_frames(path)], (36, 42)
    cut = [info.part.cut(picture) for picture in pictures]
    assert read_packets(view).times.tolist() == read_packets(path).times.tolist()

    alone = write_video(tmp_path / "cut.mp4", [picture[:height, :width] for picture in cut], codec_options={"g": "3", "crf": "5"})

    def differs(picture: np.ndarray, expected: np.ndarray) -> float:
        return float(np.abs(picture[:height, :width].astype(float) - expected).mean())

    for size, gray in ((None, False), (None, True), ((width // 3, height // 3), False)):
        pairs = zip(decode_frames(view, size, gray), decode_frames(alone, size, gray), strict=True)
        assert max(differs(one.picture, other.picture) for one, other in pairs) < 3
    found = {frame.number: frame.picture for frame in decode_keyframes(view, {0, 3})}
    assert [differs(found[number], cut[number][:height, :width]) < 3 for number in (0, 3)] == [True, True]
    assert differs(decode_at(view, 4, {}), cut[4][:height, :width]) < 3
    assert differs(np.roll(cut[4], 3, axis=1), cut[4][:height, :width]) > 3


def test_a_part_that_a_picture_does_not_have_is_refused(tmp_path: Path, write_video: WriteVideo) -> None:
    path = write_video(tmp_path / "a.mp4", make_pictures(3))
    assert probe_video(View((path,), Crop(0, 0, 96, 64))).width == 96
    with pytest.raises(InputError, match=r"a.mp4: the crop 60,0,37,64 is not all inside its pictures of 96x64"):
        probe_video(View((path,), Crop(60, 0, 37, 64)))


def test_a_room_or_a_board_is_cut_as_the_camera_s_video_is_unless_somebody_did_it_before(tmp_path: Path, write_video: WriteVideo) -> None:
    whole, small = write_video(tmp_path / "a.mp4", make_pictures(3)), write_video(tmp_path / "b.mp4", make_pictures(3, 40, 20))
    part = Part(Crop(10, 8, 40, 20), (96, 64))
    assert cut_alike(whole, part)[0] == View((whole,), part.crop)
    assert cut_alike(small, part)[0] == small
    assert [info.width for _, info in (cut_alike(whole, part), cut_alike(small, part), cut_alike(whole, None))] == [40, 40, 96]
