import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bkind3d.config import InputError
from bkind3d.data.video import decode_frames, decode_keyframes, probe_video, read_packets

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


def test_the_rotation_of_a_phone_is_applied(tmp_path: Path, write_video: WriteVideo) -> None:
    pictures = make_pictures(3)
    for picture in pictures:
        picture[:10, :10] = 255
    path = write_video(tmp_path / "a.mp4", pictures)
    content = path.read_bytes()
    # The matrix of the track header: a quarter turn clockwise, as phones write it.
    start = content.find(b"tkhd") + 44
    turned = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    path.write_bytes(content[:start] + turned + content[start + 36 :])
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
    cases |= dict.fromkeys(("folder.mp4", "pipe.mp4", "x" * 6000), "no such video")
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
