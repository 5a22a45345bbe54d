from fractions import Fraction

import av
import numpy as np

from bkind3d.data.video_writer import VideoWriter


def make_pictures():
    rng = np.random.default_rng(0)
    base = np.kron(rng.integers(40, 215, (6, 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    return [np.roll(base, shift, axis=1) for shift in range(12)]


def write(path):
    with VideoWriter(path, (64, 48), 30.0) as writer:
        for picture in make_pictures():
            writer.write(picture)


def test_a_video_holds_its_pictures(tmp_path):
    write(tmp_path / "a.mp4")
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        assert stream.codec_context.name == "h264"
        assert stream.average_rate == Fraction(30)
    assert [frame.format.name for frame in frames] == ["yuv420p"] * 12
    assert np.allclose(np.diff([frame.time for frame in frames]), 1 / 30, atol=1e-4)
    for frame, picture in zip(frames, make_pictures(), strict=True):
        grey = picture.astype(float) @ [0.299, 0.587, 0.114]
        assert np.abs(frame.to_ndarray(format="gray").astype(float) - grey).mean() < 6


def test_the_same_pictures_give_the_same_file(tmp_path):
    write(tmp_path / "a.mp4")
    write(tmp_path / "b.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
