"""The survey of a video: per frame its time, faults, motion and silhouettes, decoded once and in order."""

import base64
import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from jaxtyping import Bool, Int, UInt8
from numpy.typing import NDArray

from bkind3d.config import InputError, SurveyConfig
from bkind3d.data.crops import View
from bkind3d.data.frame_maps import FrameMap, choose_frames, read_clock
from bkind3d.data.parquet import PICTURE_ROWS, open_table
from bkind3d.data.progress import track
from bkind3d.data.shared_decoding import SharedVideo
from bkind3d.data.silhouette_files import read_silhouettes
from bkind3d.data.spacing import spread_indices
from bkind3d.data.video import (
    DecodedFrame,
    Packets,
    Video,
    VideoInfo,
    decode_frames,
    decode_keyframes,
    describe_files,
    find_crop,
    probe_video,
    read_packets,
)
from bkind3d.survey.background import Background
from bkind3d.survey.given import BrightnessFinder, Finder, GivenFinder
from bkind3d.survey.room import RoomFiles, model_room, read_background, read_region, remark_move, sample_rooms
from bkind3d.survey.silhouettes import Mask, SilhouetteFinder, Silhouettes, describe_clusters, encode_mask

log = logging.getLogger(__name__)

#: Shares of red, green and blue in brightness (Rec. 601).
_LUMA = (0.299, 0.587, 0.114)
#: A frame darker than this on average (grey levels) shows nothing.
_BLACK = 6.0
#: A frame that differs from the one before by less than this on average (grey levels) repeats it.
_FROZEN = 1e-3
#: With silhouettes in a smaller share of the frames than this, the subject is likely to be part of the background.
_FEW = 0.5
#: Bytes of pictures that are held in memory while the background is not known yet.
_HELD = 256_000_000
#: Frames that are decoded before any of them is looked at.
_AT_ONCE = 64
_EMPTY = np.zeros((0, 7))
#: Decodes a video at a size, the frames that are ``wanted``.
Decode = Callable[..., Iterator[DecodedFrame]]


def survey_video(  # noqa: PLR0913, PLR0917
    video: Video,
    config: SurveyConfig,
    output: str | Path,
    frame_map: str | Path | FrameMap | None = None,
    start: int | None = None,
    stop: int | None = None,
    threads: int = 1,
    room: RoomFiles | None = None,
    rate: float | None = None,
    decode: Decode | None = None,
) -> None:
    """Survey a video and write the table ``survey`` to `output`.

    The background is modelled from keyframes, which can be decoded alone, and from the video's beginning where these are
    few; so every frame is decoded once, and memory does not grow with the video's length.

    Parameters
    ----------
    video : its file, or its files in the order of time; or the part of its pictures that is a camera's.
    frame_map, start, stop : which frames belong to the session, see :func:`bkind3d.data.frame_maps.choose_frames`.
    room : where the subject may be, and what else shows the room.
    rate : frames per second, where the file says another; times of frame maps say it themselves.
    decode : gives the wanted frames of a video at a size, where somebody decodes it for several (:func:`survey_views`).
    """
    cv2.setNumThreads(threads)
    room = room or RoomFiles()
    info, packets, name = probe_video(video, counted=False), read_packets(video), describe_files(video)
    n_frames = len(packets.times)
    usual = rate or packets.rate or info.rate
    frames = choose_frames(n_frames, frame_map, start, stop, usual)
    clock = _find_clock(frame_map, usual) or rate
    size = survey_size(info, config.long_side)
    video_size = (info.width, info.height)
    region = None if room.mask is None else read_region(room.mask, video_size, size, info.part)
    empty = None if room.background is None else read_background(room.background, video_size, size, info.part)
    shown = np.unique(frames[frames[:, 1] >= 0, 1])
    wanted = set(shown.tolist())
    decode = decode or partial(decode_frames, threads=threads)
    decoded = decode(video, size, wanted=wanted.__contains__)
    samples, numbers, held = _sample_frames(video, size, packets, shown, decoded, config)
    beside = sample_rooms([View((Path(path),), find_crop(video)) for path in room.beside], video_size, size) if empty is None else []
    background, remarks = model_room(samples, beside, config, empty)
    remarks += remark_move(samples, numbers, background.picture)
    finder = _choose_finder(
        room,
        config,
        background,
        samples,
        region,
        lambda path: read_silhouettes(path, shown.tolist(), n_frames, video_size, size, info.part),
    )
    del samples
    times = pd.Series(np.where(frames[:, 1] >= 0, packets.times[frames[:, 1]], np.nan)).interpolate(limit_direction="both")
    times = times if clock is None else pd.Series(frames[:, 0] / clock)
    counts: dict[str, int] = {}
    picture = cv2.imencode(".png", cv2.cvtColor(background.picture, cv2.COLOR_RGB2BGR))[1]
    metadata = {
        "width": size[0], "height": size[1], "video_width": info.width, "video_height": info.height, "rate": clock or info.rate,
        "n_frames": n_frames, "video": name, "region": region is not None, "remarks": remarks, "background": base64.b64encode(picture.tobytes()).decode(),
    }  # fmt: skip
    if info.part:
        metadata["part"] = info.part.describe()
    released = (held.pop(0) for _ in range(len(held)))  # one by one, and forgotten
    rows = _describe_frames(name, chain(released, _in_batches(decoded)), frames, finder)
    progress = track(rows, name, len(frames), "frame")
    with open_table("survey", output, metadata) as add_rows:
        for first in range(0, len(frames), PICTURE_ROWS):
            part = pd.DataFrame(list(islice(progress, PICTURE_ROWS)))
            # Frames that the video lacks lie between their neighbours in time.
            part["time_s"] = times.iloc[first : first + len(part)].to_numpy() - times.min()
            for kind, count in (("seen", int((part["area"] > 0).sum())), *part["fault"].value_counts().items()):
                counts[str(kind)] = counts.get(str(kind), 0) + int(count)
            add_rows(part)
    _report(name, len(frames), counts)


def survey_views(surveys: Mapping[str, Callable[[Decode], object]], threads: int = 1) -> None:
    """Survey several views of one video side by side, a thread each; its frames are decoded once for all of them.

    Background pictures of long videos, which are keyframes, are decoded for each view: these are a hundred.

    Parameters
    ----------
    surveys : by camera; each calls :func:`survey_video` with what decodes the video for it.
    threads : of the decoder.
    """
    shared = SharedVideo(len(surveys), threads)

    def run(name: str) -> None:
        try:
            surveys[name](partial(shared.decode_frames, name))
        finally:
            shared.leave(name)

    with ThreadPoolExecutor(len(surveys)) as pool:
        for survey in [pool.submit(run, name) for name in surveys]:
            survey.result()


def _choose_finder(
    room: RoomFiles,
    config: SurveyConfig,
    background: Background,
    samples: UInt8[NDArray, "..."],
    region: Bool[NDArray, "height width"] | None,
    read: Callable[[str | Path], Iterator[Mask]],
) -> Finder:
    """What finds the silhouettes: given ones are read, else they are told by their brightness, or by what differs from the background."""
    if room.silhouettes is not None:
        return GivenFinder(read(room.silhouettes), config, region)
    if isinstance(config.threshold, str):
        return BrightnessFinder(samples, config.threshold, config, region)
    return SilhouetteFinder(background, config, region)


def _find_clock(frame_map: str | Path | FrameMap | None, usual: float) -> float | None:
    """Frames per second on the clock of the session's frame maps; none where these have no times."""
    if frame_map is None:
        return None
    return read_clock(frame_map if isinstance(frame_map, FrameMap) else FrameMap(frame_map), usual).rate


def _report(name: str, n_frames: int, counts: dict[str, int]) -> None:
    faults = {kind: count for kind, count in counts.items() if kind not in ("", "seen")}
    share = counts["seen"] / n_frames
    log.info("%s: %d frames, silhouettes in %.1f %%, faults: %s", name, n_frames, 100 * share, faults or "none")
    if share < _FEW:
        log.warning("%s: little moves here; a subject that keeps its place is taken for background, and cannot be located", name)


def survey_size(info: VideoInfo, long_side: int) -> tuple[int, int]:
    """(width, height) of the survey picture: the video's, shrunk to `long_side` where it is larger."""
    scale = min(1.0, long_side / max(info.width, info.height))
    return max(1, round(info.width * scale)), max(1, round(info.height * scale))


def _sample_frames(
    video: Video, size: tuple[int, int], packets: Packets, shown: Int[NDArray, "..."], decoded: Iterator[DecodedFrame], config: SurveyConfig
) -> tuple[UInt8[NDArray, "..."], Int[NDArray, "sample"], list[DecodedFrame]]:
    """Pictures spread over the `shown` frames, ascending, their numbers, and the frames that were taken from `decoded` for them.

    Of a long video, keyframes; where there are too few, also frames of its beginning, up to twice as dense as wanted.
    """
    n_samples, n_held = config.background_frames, max(1, _HELD // (3 * size[0] * size[1]))
    keys = shown[packets.keys[shown]]
    held = list(islice(decoded, n_held)) if len(shown) <= n_held or len(keys) < n_samples else []
    if len(held) == len(shown):
        return *_stack([held[index] for index in spread_indices(len(held), n_samples)]), held
    keys = keys[spread_indices(len(keys), n_samples)]
    n_more = min(n_samples - len(keys), int(2 * n_samples * len(held) / len(shown)))
    known = {frame.number: frame for frame in held}
    known |= {frame.number: frame for frame in decode_keyframes(video, set(keys.tolist()) - known.keys(), size)}
    chosen = [known[key] for key in keys.tolist() if key in known] + [held[index] for index in spread_indices(len(held), n_more)]
    return *_stack(sorted(chosen, key=lambda frame: frame.number)), held


def _stack(frames: list[DecodedFrame]) -> tuple[UInt8[NDArray, "..."], Int[NDArray, "sample"]]:
    """The frames' pictures, and their numbers."""
    return np.stack([frame.picture for frame in frames]), np.array([frame.number for frame in frames])


def _in_batches(frames: Iterator[DecodedFrame]) -> Iterator[DecodedFrame]:
    """Take many frames from the decoder, then give them: going back and forth empties the processor's caches for both sides."""
    while batch := list(islice(frames, _AT_ONCE)):
        yield from batch


def _describe_frames(name: str, decoded: Iterator[DecodedFrame], frames: Int[NDArray, "..."], finder: Finder) -> Iterator[dict[str, Any]]:
    """One row per frame of the session; frames that the video lacks have the fault "missing"."""
    missing = {"brightness": np.nan, "motion": np.nan, "fault": "missing", **describe_clusters(_EMPTY), "mask": b"", "shadows": b""}
    previous: UInt8[NDArray, ...] | None = None
    number, row = -1, missing
    for frame, video_frame in frames.tolist():
        if video_frame >= 0 and video_frame != number:
            found = next(decoded, None)
            if found is None or found.number != video_frame:
                raise InputError(name, f"frame {video_frame} of {frames[:, 1].max() + 1} cannot be decoded", "copy or convert it again")
            row = _describe_picture(found.picture, previous, finder)
            number, previous = video_frame, found.picture
        yield {"frame": frame, "video_frame": video_frame, **(row if video_frame >= 0 else missing)}


def _describe_picture(picture: UInt8[NDArray, "..."], previous: UInt8[NDArray, "..."] | None, finder: Finder) -> dict[str, Any]:
    brightness = 3 * float(np.dot(_LUMA, cv2.sumElems(picture)[:3])) / picture.size
    motion = 0.0 if previous is None else cv2.norm(picture, previous, cv2.NORM_L1) / picture.size
    fault = "black" if brightness < _BLACK else "frozen" if previous is not None and motion < _FROZEN else ""
    silhouettes = finder.find(picture)
    if fault == "black":
        silhouettes = Silhouettes(np.zeros(picture.shape[:2], np.uint8), _EMPTY)
    fault = "covered" if silhouettes.covered else fault
    described = {"brightness": brightness, "motion": motion, "fault": fault, **describe_clusters(silhouettes.clusters)}
    shadows = b"" if silhouettes.shadows is None else encode_mask(silhouettes.shadows)
    return {**described, "mask": encode_mask(silhouettes.mask), "shadows": shadows}
