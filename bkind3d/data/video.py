"""Videos: what they are, and their frames decoded once, in order.

Nothing here seeks: seeking lands on different frames in different files and versions, decoding in order never does.
Pictures come as a player shows them (a phone's rotation is applied). A camera that began a new file every few minutes
has one video all the same: its files are read one after the other, and frames and times go on counting. Where a camera's
picture is a part of the video's, what is read here is that part, and nobody else needs to know it.
"""

import logging
import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from bkind3d.config import InputError
from bkind3d.data.crops import Crop, CropError, Part, View
from bkind3d.data.shrinking import Cutter, Picture

log = logging.getLogger(__name__)

#: A video: its file (or a folder of its pictures), or its files in the order of time, or a part of its pictures.
Video = str | Path | Sequence[str | Path] | View

#: Endings of pictures that a folder may hold in place of a video.
PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")
#: So much before the time that its header says, a file's last frame may begin: seconds.
_LATE_S = 1.5
#: Frames per second beyond which a container is more likely wrong than right.
_SLOWEST, _FASTEST = 2.0, 5000.0
#: Rates of two files that differ by more than this share are not of one video.
_RATE_SHARE = 1e-3


@dataclass(frozen=True)
class VideoInfo:
    """What a video is.

    Attributes
    ----------
    width, height : of the pictures as shown, pixels.
    rate : frames per second.
    n_frames : counted, not taken from the header, unless somebody asked for that.
    codec : its name.
    rotation : degrees (multiple of 90, counter-clockwise) by which stored pictures are turned before they are shown.
    container : names of the file's format, whatever the file is called.
    part : which part of the stored pictures `width` and `height` are of; none where that is the whole.
    """

    width: int
    height: int
    rate: float
    n_frames: int
    codec: str
    rotation: int
    container: str = ""
    part: Part | None = None

    @property
    def is_rate_odd(self) -> bool:
        """Whether the rate is more likely a wrong one of the container than that of a camera."""
        return not _SLOWEST <= self.rate <= _FASTEST


class DecodedFrame(NamedTuple):
    """One decoded frame: its number from 0, its time since the first frame, its (height, width[, 3]) picture."""

    number: int
    time_s: float
    picture: Picture


@dataclass(frozen=True)
class Packets:
    """What the container says of a video's frames, in the order in which they are shown.

    Only frames that are shown count: a video that was cut without encoding it again also holds those between the last keyframe and the
    cut, which no player shows, or begins with frames that cannot be decoded without what was cut off.

    Attributes
    ----------
    stamps : (n,) presentation time of each frame, in the stream's own units; counted where the container has none.
    times : (n,) the same since the first frame, seconds.
    keys : (n,) frames that can be decoded without the others.
    n_hidden : frames that are stored and never shown.
    """

    stamps: Int[NDArray, "..."]
    times: Float[NDArray, "..."]
    keys: Bool[NDArray, "..."]
    n_hidden: int = 0

    @property
    def step(self) -> float:
        """Usual time between two frames, seconds; 0 where there are no two."""
        return float(np.median(np.diff(self.times))) if len(self.times) > 1 else 0.0

    @property
    def rate(self) -> float | None:
        """Usual frames per second, which gaps do not change; none where there are no two frames."""
        return 1 / self.step if self.step > 0 else None

    @property
    def length(self) -> float:
        """Seconds that the frames are shown, the last one as long as the others usually are."""
        return float(self.times[-1]) + self.step if len(self.times) else 0.0


def list_files(video: Video) -> list[Path]:
    """The files of a video, in the order of time; of a folder, its pictures in the order of their numbers."""
    files = video.files if isinstance(video, View) else [video] if isinstance(video, str | Path) else video
    return [file for path in files for file in _list_pictures(Path(path))]


def _list_pictures(path: Path) -> list[Path]:
    """A file as it is, a folder as the pictures in it."""
    if not os.path.isdir(path):  # which a name that no file system takes is not, either
        return [path]
    found = [file for file in path.iterdir() if file.suffix.lower() in PICTURES]
    if not found:
        raise InputError(path, "is a folder that holds no pictures", f"name a video, or a folder of {', '.join(PICTURES)}")
    return sorted(found, key=lambda file: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", file.name)])


def find_crop(video: Video) -> Crop | None:
    """The part of its pictures that a video is of; none where that is the whole."""
    return video.crop if isinstance(video, View) else None


def describe_files(video: Video) -> str:
    """The name of a video's file, and how many more there are."""
    first, *more = list_files(video)
    return f"{first.name} and {len(more)} more" if more else first.name


def read_packets(video: Video) -> Packets:
    """Read when each frame of a video is shown, without decoding any; see :class:`Packets`.

    Raises
    ------
    InputError : where a file is missing, empty, no video, or cut off.
    """
    files = [_read_packets(path) for path in list_files(video)]
    if len(files) == 1:
        return files[0]
    begins = np.cumsum([0.0, *(each.length for each in files[:-1])])
    return Packets(
        np.arange(sum(len(each.times) for each in files)),
        np.concatenate([each.times + begin for each, begin in zip(files, begins, strict=True)]),
        np.concatenate([each.keys for each in files]),
        sum(each.n_hidden for each in files),
    )


def _read_packets(path: Path) -> Packets:
    with _open_video(path) as (container, stream):
        promised, scale = stream.frames, float(stream.time_base or 1)
        rate = float(stream.average_rate or stream.guessed_rate or 1)
        # Matroska's header has no number of frames, but the length of all its streams; what else says one may only guess.
        # AVI's number of frames counts chunks that hold nothing: the camera, or who cut the file, left a gap there.
        empty = "avi" in container.format.name
        told = "matroska" in container.format.name and len(container.streams) == 1
        length = (container.duration or 0) / av.time_base if told else 0.0
        stored = [(_stamp_of(packet), packet.is_keyframe, packet.is_discard) for packet in container.demux(stream) if packet.size]
    ends = max((stamp for stamp, _, _ in stored if stamp is not None), default=0) * scale
    if stored and ends + _LATE_S < length:
        raise InputError(path, f"is cut off, its header promises {length:.1f} s and its frames end after {ends:.1f} s", "copy it again")
    if len(stored) < promised and not (empty and ends >= (promised - 1) * scale):
        raise InputError(path, f"is cut off, its header promises {promised} frames and it holds {len(stored)}", "copy it again")
    found = [(stamp, key) for stamp, key, hidden in stored if not hidden]
    if not found or any(stamp is None for stamp, _ in found):
        count = np.arange(len(found))
        return Packets(count, count / rate, np.zeros(len(found), dtype=bool), len(stored) - len(found))
    stamps, keys = np.array([stamp for stamp, _ in found], dtype=np.int64), np.array([key for _, key in found], dtype=bool)
    order = np.argsort(stamps, kind="stable")
    stamps, keys = stamps[order], keys[order]
    if not keys[0]:
        shown = stamps >= _find_first_stamp(path)
        stamps, keys = stamps[shown], keys[shown]
    return Packets(stamps, (stamps - stamps[0]) * scale, keys, len(stored) - len(stamps))


def _find_first_stamp(path: Path) -> int:
    """When the first frame is shown that can be decoded: a video that does not begin with a keyframe begins with others."""
    with _open_video(path) as (container, stream):
        first = next(container.decode(stream), None)
    if first is None:
        raise InputError(path, "no frame can be decoded", "record or copy it again")
    stamp = first.dts if first.pts is None else first.pts
    return -(2**62) if stamp is None else int(stamp)


def _stamp_of(packet: Packet) -> int | None:
    return packet.dts if packet.pts is None else packet.pts


def probe_video(video: Video, counted: bool = True) -> VideoInfo:
    """Read what a video is; count its frames without decoding them.

    Without `counted` the headers are believed, which takes as long for an hour as for a second.

    Raises
    ------
    InputError : where a file is missing, empty, no video, or cut off, its files differ in size or rate, or their pictures lack the part
        that is asked for.
    """
    files = list_files(video)
    first, *more = (_probe_file(path, counted) for path in files)
    for path, info in zip(files[1:], more, strict=True):
        alike = (info.width, info.height, info.rotation) == (first.width, first.height, first.rotation)
        if not alike or abs(info.rate - first.rate) > _RATE_SHARE * first.rate:
            raise InputError(
                path,
                f"has {info.width}x{info.height} pixels at {info.rate:g} Hz, and {files[0].name}, which it follows, {first.width}x{first.height} "
                f"at {first.rate:g} Hz",
                "name files of one camera and one recording",
            )
    whole = replace(first, n_frames=first.n_frames + sum(info.n_frames for info in more))
    crop, size = find_crop(video), (whole.width, whole.height)
    if crop is None:
        return whole
    if not crop.is_inside(size):
        raise CropError(files[0], f"the crop {crop} is not all inside its pictures of {size[0]}x{size[1]}", "correct it")
    return replace(whole, width=crop.width, height=crop.height, part=Part(crop, size))


def _probe_file(path: Path, counted: bool) -> VideoInfo:
    with _open_video(path) as (container, stream):
        rate = stream.average_rate or stream.guessed_rate
        first = next(container.decode(stream), None)
        if first is None:
            raise InputError(path, "no frame can be decoded", "record or copy it again")
        rotation = int(first.rotation) % 360
        width, height = (first.height, first.width) if rotation % 180 else (first.width, first.height)
        codec, format_names = stream.codec_context.name, container.format.name
        promised = stream.frames or round((container.duration or 0) / av.time_base * float(rate or 0))
    n_frames = len(_read_packets(path).times) if counted else promised
    if not rate or rotation % 90:
        raise InputError(
            path, f"has no frame rate or is turned by {rotation} degrees", "convert it first (ffmpeg -i IN -c:v libx264 OUT.mp4)"
        )
    return VideoInfo(width, height, float(rate), n_frames, codec, rotation, format_names)


def cut_alike(video: Video, part: Part | None) -> tuple[Video, VideoInfo]:
    """A video of the room or of a board as a camera sees it, and what it is: the camera's `part` of pictures as large as its own whole
    ones are; any other was cut before, and stays as it is.
    """
    info = probe_video(video, counted=False)
    if part is None or (info.width, info.height) != part.whole:
        return video, info
    view = View(tuple(list_files(video)), part.crop)
    return view, probe_video(view, counted=False)


def cut_board(view: View) -> View:
    """A board's video as its camera shows sessions: the part of the picture, unless the picture is no larger than the part and was cut before.

    Raises
    ------
    InputError : where it is neither, or is no video.
    """
    whole = View(view.files)
    if view.crop is None:
        return whole
    info = probe_video(whole, counted=False)
    if (info.width, info.height) == view.crop.size and not view.crop.is_inside(view.crop.size):
        log.info("%s: is as large as the crop %s, and taken for it", describe_files(view.files), view.crop)
        return whole
    return view


def decode_frames(
    video: Video, size: tuple[int, int] | None = None, gray: bool = False, wanted: Callable[[int], bool] | None = None, threads: int = 1
) -> Iterator[DecodedFrame]:
    """Decode a video from its first frame to its last.

    Parameters
    ----------
    size : (width, height) to which pictures are shrunk by area averaging (pixel *edges* of both agree); as stored without it.
    gray : (height, width) luma instead of (height, width, 3) RGB.
    wanted : of which frame numbers pictures are made; the others are decoded and passed over.

    Raises
    ------
    InputError : where a file is missing, empty, no video, or breaks off.
    """
    pixels, cutter, reformatter = "gray" if gray else "rgb24", Cutter(find_crop(video)), VideoReformatter()
    for number, time_s, frame in decode_stored(video, threads):
        if wanted is None or wanted(number):
            yield DecodedFrame(number, time_s, cutter.make_picture(frame, size, pixels, reformatter))


def decode_stored(video: Video, threads: int = 1) -> Iterator[tuple[int, float, VideoFrame]]:
    """Number, time since the first one (seconds) and whole stored frame, of which nothing was made yet, of every frame of a video."""
    number, end = 0, 0.0
    for path in list_files(video):
        begin = end
        for frame, time_s, step in _decode_file(path, threads):
            yield number, begin + time_s, frame
            number, end = number + 1, begin + time_s + step


def _decode_file(path: Path, threads: int) -> Iterator[tuple[VideoFrame, float, float]]:
    """The frames of a file, each with its time since the first one and the time between frames at the nominal rate, seconds."""
    start: float | None = None
    with _open_video(path, threads) as (container, stream):
        rate = float(stream.average_rate or stream.guessed_rate or 1)
        for index, frame in enumerate(container.decode(stream)):
            time_s = index / rate if frame.time is None else frame.time
            start = time_s if start is None else start
            yield frame, time_s - start, 1 / rate
    if start is None:
        raise InputError(path, "no frame can be decoded", "record or copy it again")


def decode_keyframes(video: Video, wanted: Collection[int], size: tuple[int, int] | None = None) -> Iterator[DecodedFrame]:
    """Decode those of the `wanted` frames (numbers) that are keyframes; the others never reach the decoder.

    Nothing is sought: packets are read in order. Sizes and errors are those of :func:`decode_frames`, pictures are RGB.
    """
    first, begin, reformatter = 0, 0.0, VideoReformatter()
    for path in list_files(video):
        packets, cutter = _read_packets(path), Cutter(find_crop(video))
        local = {number - first for number in wanted if first <= number < first + len(packets.times)}
        with _open_video(path) as (container, stream):
            for packet in container.demux(stream) if local else ():
                stamp = _stamp_of(packet)
                shown = packet.size and packet.is_keyframe and not packet.is_discard
                number = int(np.searchsorted(packets.stamps, stamp)) if shown and stamp is not None else -1
                if number in local and packets.stamps[number] == stamp:
                    time_s = begin + float(packets.times[number])
                    # Some decoders hold a frame back until they have seen the next ones: here are none.
                    for frame in (*packet.decode(), *stream.codec_context.decode(None)):
                        yield DecodedFrame(first + number, time_s, cutter.make_picture(frame, size, "rgb24", reformatter))
                    stream.codec_context.flush_buffers()
        first, begin = first + len(packets.times), begin + packets.length


def decode_at(video: Video, number: int, packets: dict[Path, Packets]) -> Picture:
    """Decode one frame: from the keyframe before it on, told from the others by its own time.

    Parameters
    ----------
    number : of the frame, from 0.
    packets : of files that were looked at before; those of others are added.

    Returns
    -------
    (height, width, 3) RGB.

    Raises
    ------
    InputError : where there is no such frame, or a file cannot be decoded.
    """
    first = 0
    for path in list_files(video):
        if path not in packets:
            packets[path] = _read_packets(path)
        found = packets[path]
        if number - first < len(found.times):
            return _decode_at(path, number - first, found, find_crop(video))
        first += len(found.times)
    raise InputError(list_files(video)[-1], f"has no frame {number}, only {first}", "check the frame numbers")


def _decode_at(path: Path, number: int, packets: Packets, crop: Crop | None) -> Picture:
    keys = np.flatnonzero(packets.keys[: number + 1])
    with _open_video(path, threads=2) as (container, stream):
        if len(keys):
            container.seek(int(packets.stamps[keys[-1]]), stream=stream)
        for index, frame in enumerate(container.decode(stream)):
            if (frame.pts if len(keys) else index) == (packets.stamps[number] if len(keys) else number):
                return Cutter(crop).make_picture(frame, None, "rgb24", VideoReformatter())
    raise InputError(path, f"frame {number} cannot be decoded", "record or copy it again")


@contextmanager
def _open_video(path: str | Path, threads: int = 1) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open `path`; whatever its content does to the decoder inside the block becomes one line."""
    path = Path(path)
    if not os.path.isfile(path):
        raise InputError(path, "there is no such video", "check the sheet of cameras")
    if path.stat().st_size == 0:
        raise InputError(path, "is empty (0 bytes)", "copy it again")
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise InputError(path, "has no video stream", "record or copy it again")
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise InputError(path, "has a video that nothing here can decode", "convert it first (ffmpeg -i IN -c:v libx264 OUT.mp4)")
            stream.thread_type = "AUTO"
            stream.codec_context.thread_count = threads
            yield container, stream
    except (av.FFmpegError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", "its words are none")
        raise InputError(path, f"cannot be decoded, it is cut off, damaged or no video ({reason})", "copy it again") from None
