from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from bkind3d.config import InputError
from bkind3d.data import shared_decoding, video
from bkind3d.data.crops import Crop, View
from bkind3d.data.shared_decoding import SharedVideo
from bkind3d.data.video import DecodedFrame, decode_frames

N_FRAMES = 150
CROPS = {"left": Crop(0, 0, 20, 32), "right": Crop(20, 0, 28, 32, flip=True)}


@pytest.fixture
def path(tmp_path: Path, write_video: Callable[..., Path]) -> Path:
    shades = np.arange(48, dtype=np.uint8)[None, :, None] * np.ones((32, 1, 3), np.uint8)
    return write_video(tmp_path / "a.mp4", [shades + number for number in range(N_FRAMES)])


def read(shared: SharedVideo, name: str, path: Path, wanted: Callable[[int], bool], most: int = N_FRAMES) -> list[DecodedFrame]:
    frames = []
    try:
        for frame in shared.decode_frames(name, View((path,), CROPS[name]), (10, 8), wanted):
            frames.append(frame)
            if len(frames) == most:
                break
    finally:
        shared.leave(name)
    return frames


def test_readers_get_what_they_would_decode_alone_and_the_video_is_decoded_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {"left": range(0, N_FRAMES, 2).__contains__, "right": range(100).__contains__}
    alone = {name: list(decode_frames(View((path,), crop), (10, 8), wanted=wanted[name])) for name, crop in CROPS.items()}
    opened, decode_file = [], video._decode_file
    monkeypatch.setattr(video, "_decode_file", lambda *given: (opened.append(given), decode_file(*given))[1])
    shared = SharedVideo(2)
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(CROPS, pool.map(lambda name: read(shared, name, path, wanted[name]), CROPS), strict=True))
    assert len(opened) == 1
    for name in CROPS:
        assert [frame.number for frame in found[name]] == [frame.number for frame in alone[name]]
        assert all(np.array_equal(one.picture, other.picture) for one, other in zip(found[name], alone[name], strict=True))


def test_a_reader_who_stops_or_never_begins_holds_nobody_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_decoding, "_AHEAD", 4)
    shared = SharedVideo(2)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(read, shared, "left", path, lambda number: True, 3)
        assert len(read(shared, "right", path, lambda number: True)) == N_FRAMES
        assert len(first.result()) == 3
    shared = SharedVideo(2)
    shared.leave("left")
    assert len(read(shared, "right", path, lambda number: True)) == N_FRAMES


def test_what_is_wrong_with_the_video_reaches_every_reader(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"nothing")
    shared = SharedVideo(2)
    with ThreadPoolExecutor(2) as pool:
        for task in [pool.submit(read, shared, name, tmp_path / "a.mp4", lambda number: True) for name in CROPS]:
            with pytest.raises(InputError, match="cannot be decoded"):
                task.result()
