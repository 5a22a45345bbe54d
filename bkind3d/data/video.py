"""Videos: what they are, and their frames decoded once, in order.

Nothing here seeks: seeking lands on different frames in different files and versions, decoding in order never does.
Pictures come as a player shows them (a phone's rotation is applied).
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from bkind3d.config import InputError

log = logging.getLogger(__name__)

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class VideoInfo:
    """What a video is.

    Attributes
    ----------
    width, height : of the pictures as shown, pixels.
    rate : frames per second.
    n_frames : counted, not taken from the header.
    codec : its name.
    rotation : degrees (multiple of 90, counter-clockwise) by which stored pictures are turned before they are shown.
    """

    width: int
    height: int
    rate: float
    n_frames: int
    codec: str
    rotation: int


class DecodedFrame(NamedTuple):
    """One decoded frame: its number from 0, its time since the first frame, its (height, width[, 3]) picture."""

    number: int
    time_s: float
    picture: Picture


def probe_video(path: str | Path) -> VideoInfo:
    """Read what the video at `path` is; count its frames without decoding them.

    Raises
    ------
    InputError : where the file is missing, empty, no video, or cut off.
    """
    with _open_video(path) as (container, stream):
        stored = stream.frames
        rate = stream.average_rate or stream.guessed_rate
        first = next(container.decode(stream), None)
        if first is None:
            raise InputError(f"{path}: no frame can be decoded; record or copy it again")
        rotation = int(first.rotation) % 360
        width, height = (first.height, first.width) if rotation % 180 else (first.width, first.height)
        codec = stream.codec_context.name
    with _open_video(path) as (container, stream):
        n_frames = sum(packet.size > 0 for packet in container.demux(stream))
    if n_frames < stored:
        raise InputError(f"{path}: is cut off, its header promises {stored} frames and it holds {n_frames}; copy it again")
    if not rate or rotation % 90:
        raise InputError(
            f"{path}: has no frame rate or is turned by {rotation} degrees; convert it first (ffmpeg -i IN -c:v libx264 OUT.mp4)"
        )
    return VideoInfo(width, height, float(rate), n_frames, codec, rotation)


def decode_frames(
    path: str | Path,
    size: tuple[int, int] | None = None,
    gray: bool = False,
    wanted: Callable[[int], bool] | None = None,
    threads: int = 1,
) -> Iterator[DecodedFrame]:
    """Decode the video at `path` from its first frame to its last.

    Parameters
    ----------
    path : the video.
    size : (width, height) to which pictures are shrunk by area averaging (pixel *edges* of both agree); as stored without it.
    gray : (height, width) luma instead of (height, width, 3) RGB.
    wanted : of which frame numbers pictures are made; the others are decoded and passed over.
    threads : of the decoder.

    Raises
    ------
    InputError : where the file is missing, empty, no video, or breaks off.
    """
    pixels = "gray" if gray else "rgb24"
    index = -1
    with _open_video(path, threads) as (container, stream):
        start: float | None = None
        rate = float(stream.average_rate or stream.guessed_rate or 1)
        for index, frame in enumerate(container.decode(stream)):
            time_s = index / rate if frame.time is None else frame.time
            start = time_s if start is None else start
            if wanted is None or wanted(index):
                yield DecodedFrame(index, time_s - start, _make_picture(frame, size, pixels))
    if index < 0:
        raise InputError(f"{path}: no frame can be decoded; record or copy it again")


def _make_picture(frame: VideoFrame, size: tuple[int, int] | None, pixels: str) -> Picture:
    turns = int(frame.rotation) // 90
    if size is None:
        shrunk = frame.reformat(format=pixels, interpolation="POINT")
    else:
        width, height = size[::-1] if turns % 2 else size
        shrunk = frame.reformat(width=width, height=height, format=pixels, interpolation="AREA")
    picture = np.asarray(shrunk.to_ndarray(), dtype=np.uint8)
    return np.ascontiguousarray(np.rot90(picture, turns)) if turns else picture


@contextmanager
def _open_video(path: str | Path, threads: int = 1) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open `path`; whatever its content does to the decoder inside the block becomes one line."""
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: there is no such video; check the sheet of cameras")
    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"{path}: is empty (0 bytes); copy it again")
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise InputError(f"{path}: has no video stream")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            stream.codec_context.thread_count = threads
            yield container, stream
    except av.FFmpegError as error:
        raise InputError(f"{path}: cannot be decoded, it is cut off, damaged or no video ({error.strerror})") from None
