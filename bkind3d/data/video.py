"""Videos: what they are, and their frames decoded once, in order.

Nothing here seeks: seeking lands on different frames in different files and versions, decoding in order never does.
Pictures come as a player shows them (a phone's rotation is applied).
"""

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from bkind3d.config import InputError

log = logging.getLogger(__name__)

Picture = NDArray[np.uint8]

#: Formats with a plane of luma and, maybe, two smaller ones of colour, 8 bits each.
_PLANAR = ("gray", "yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p")
#: Luma and colour are stored as 16 to 235 and 16 to 240, unless the video says that they have the full range.
_EXPAND_LUMA = np.clip((np.arange(256) - 16) * 255 / 219, 0, 255).round().astype(np.uint8)
_EXPAND_COLOUR = np.clip((np.arange(256) - 128) * 255 / 224 + 128, 0, 255).round().astype(np.uint8)


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
    container : names of the file's format, whatever the file is called.
    """

    width: int
    height: int
    rate: float
    n_frames: int
    codec: str
    rotation: int
    container: str = ""


class DecodedFrame(NamedTuple):
    """One decoded frame: its number from 0, its time since the first frame, its (height, width[, 3]) picture."""

    number: int
    time_s: float
    picture: Picture


@dataclass(frozen=True)
class Packets:
    """What the container says of a video's frames, in the order in which they are shown.

    Attributes
    ----------
    stamps : (n,) presentation time of each frame, in the stream's own units; counted where the container has none.
    times : (n,) the same since the first frame, seconds.
    keys : (n,) frames that can be decoded without the others.
    """

    stamps: NDArray[np.int64]
    times: NDArray[np.float64]
    keys: NDArray[np.bool_]


def read_packets(path: str | Path) -> Packets:
    """Read when each frame of the video at `path` is shown, without decoding any; see :class:`Packets`.

    Raises
    ------
    InputError : where the file is missing, empty, no video, or cut off.
    """
    with _open_video(path) as (container, stream):
        promised, scale = stream.frames, float(stream.time_base or 1)
        rate = float(stream.average_rate or stream.guessed_rate or 1)
        found = [(_stamp_of(packet), packet.is_keyframe) for packet in container.demux(stream) if packet.size]
    if len(found) < promised:
        raise InputError(f"{path}: is cut off, its header promises {promised} frames and it holds {len(found)}; copy it again")
    if not found or any(stamp is None for stamp, _ in found):
        count = np.arange(len(found))
        return Packets(count, count / rate, np.zeros(len(found), dtype=bool))
    stamps, keys = np.array([stamp for stamp, _ in found], dtype=np.int64), np.array([key for _, key in found], dtype=bool)
    order = np.argsort(stamps, kind="stable")
    return Packets(stamps[order], (stamps[order] - stamps.min()) * scale, keys[order])


def _stamp_of(packet: Packet) -> int | None:
    return packet.dts if packet.pts is None else packet.pts


def probe_video(path: str | Path) -> VideoInfo:
    """Read what the video at `path` is; count its frames without decoding them.

    Raises
    ------
    InputError : where the file is missing, empty, no video, or cut off.
    """
    with _open_video(path) as (container, stream):
        rate = stream.average_rate or stream.guessed_rate
        first = next(container.decode(stream), None)
        if first is None:
            raise InputError(f"{path}: no frame can be decoded; record or copy it again")
        rotation = int(first.rotation) % 360
        width, height = (first.height, first.width) if rotation % 180 else (first.width, first.height)
        codec, format_names = stream.codec_context.name, container.format.name
    n_frames = len(read_packets(path).times)
    if not rate or rotation % 90:
        raise InputError(
            f"{path}: has no frame rate or is turned by {rotation} degrees; convert it first (ffmpeg -i IN -c:v libx264 OUT.mp4)"
        )
    return VideoInfo(width, height, float(rate), n_frames, codec, rotation, format_names)


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
    index, reformatter = -1, VideoReformatter()
    with _open_video(path, threads) as (container, stream):
        start: float | None = None
        rate = float(stream.average_rate or stream.guessed_rate or 1)
        for index, frame in enumerate(container.decode(stream)):
            time_s = index / rate if frame.time is None else frame.time
            start = time_s if start is None else start
            if wanted is None or wanted(index):
                yield DecodedFrame(index, time_s - start, _make_picture(frame, size, pixels, reformatter))
    if index < 0:
        raise InputError(f"{path}: no frame can be decoded; record or copy it again")


def decode_keyframes(path: str | Path, wanted: Collection[int], size: tuple[int, int] | None = None) -> Iterator[DecodedFrame]:
    """Decode those of the `wanted` frames (numbers) that are keyframes; the others never reach the decoder.

    Nothing is sought: packets are read in order. Sizes and errors are those of :func:`decode_frames`, pictures are RGB.
    """
    packets, reformatter = read_packets(path), VideoReformatter()
    with _open_video(path) as (container, stream):
        for packet in container.demux(stream):
            stamp = _stamp_of(packet)
            if not packet.size or not packet.is_keyframe or stamp is None:
                continue
            number = int(np.searchsorted(packets.stamps, stamp))
            if number in wanted:
                # Some decoders hold a frame back until they have seen the next ones: here are none.
                for frame in (*packet.decode(), *stream.codec_context.decode(None)):
                    yield DecodedFrame(number, float(packets.times[number]), _make_picture(frame, size, "rgb24", reformatter))
                stream.codec_context.flush_buffers()


def _make_picture(frame: VideoFrame, size: tuple[int, int] | None, pixels: str, reformatter: VideoReformatter) -> Picture:
    turns = int(frame.rotation) // 90
    width, height = (None, None) if size is None else size[::-1] if turns % 2 else size
    if width is None or height is None:
        picture = reformatter.reformat(frame, format=pixels, interpolation="POINT").to_ndarray()
    elif frame.format.name in _PLANAR and frame.width >= 2 * width and frame.height >= 2 * height:
        picture = _shrink_planes(frame, (width, height), pixels == "gray")
    else:
        picture = reformatter.reformat(frame, width=width, height=height, format=pixels, interpolation="AREA").to_ndarray()
    return np.ascontiguousarray(np.rot90(picture, turns) if turns else picture, dtype=np.uint8)


def _shrink_planes(frame: VideoFrame, size: tuple[int, int], gray: bool) -> Picture:
    """Shrink the stored planes, and make colours of the few pixels that are left: many times faster than the other way round."""
    full_range = frame.format.name.startswith("yuvj") or frame.color_range == ColorRange.JPEG
    luma = _shrink(_read_plane(frame.planes[0]), size)
    if gray or len(frame.planes) == 1:
        shown = luma if full_range else np.asarray(cv2.LUT(luma, _EXPAND_LUMA), dtype=np.uint8)
        return shown if gray else np.asarray(cv2.cvtColor(shown, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    if full_range or size[0] % 2 or size[1] % 2:
        blue, red = (_shrink(_read_plane(plane), size) for plane in frame.planes[1:3])
        if not full_range:
            luma, blue, red = cv2.LUT(luma, _EXPAND_LUMA), cv2.LUT(blue, _EXPAND_COLOUR), cv2.LUT(red, _EXPAND_COLOUR)
        return np.asarray(cv2.cvtColor(cv2.merge([luma, red, blue]), cv2.COLOR_YCrCb2RGB), dtype=np.uint8)
    # The usual case, for which OpenCV has one function: colours at half the size of the luma.
    colours = [_shrink(_read_plane(plane), (size[0] // 2, size[1] // 2)) for plane in frame.planes[1:3]]
    stacked = np.concatenate([luma.ravel(), *(plane.ravel() for plane in colours)]).reshape(-1, size[0])
    return np.asarray(cv2.cvtColor(stacked, cv2.COLOR_YUV2RGB_I420), dtype=np.uint8)


def _read_plane(plane: "av.video.plane.VideoPlane") -> Picture:
    return np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]


def _shrink(plane: Picture, size: tuple[int, int]) -> Picture:
    """Average over areas. Halving is several times faster than any other shrinking, so it comes first."""
    while plane.shape[1] % 2 == plane.shape[0] % 2 == 0 and plane.shape[1] >= 2 * size[0] and plane.shape[0] >= 2 * size[1]:
        plane = np.asarray(cv2.resize(plane, (plane.shape[1] // 2, plane.shape[0] // 2), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    larger = plane.shape[1] >= size[0] and plane.shape[0] >= size[1]
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA if larger else cv2.INTER_LINEAR), dtype=np.uint8)


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
