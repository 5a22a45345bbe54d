"""The room without the subject, as other sessions of the rig show it: a static camera sees the same room in all of them.

Where a subject rests for most of a short take, that take alone shows no background there; the others do. A session whose camera was moved, or
whose room looks otherwise, is left out, and what stands in this session alone belongs to its background.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy.typing import NDArray

from bkind3d.config import InputError, SurveyConfig
from bkind3d.data.crops import Part, describe_size
from bkind3d.data.spacing import spread_indices
from bkind3d.data.video import Video, cut_alike, decode_frames, decode_keyframes, describe_files, probe_video, read_packets
from bkind3d.survey.background import Background, Marks, Pictures, choose_rank, disc, largest_channel, model_background
from bkind3d.survey.light import Picture, change_light, measure_gains, thin_out
from bkind3d.survey.shadows import learn_shadows

log = logging.getLogger(__name__)

#: Frames of another session that are looked at; keyframes where there are so many, else frames of its first seconds, read in order.
_FRAMES, _KEYFRAMES, _READ = 20, 8, 400
#: Another session shows another room where a larger share of its picture contrasts, as the survey counts it: a subject that rests covers less.
_OTHER_SHARE = 0.2
#: The camera was moved where pictures match better shifted by more than this, pixels, and the match is clear (from 0 to 1).
_MOVED_PIXELS, _CLEAR_MATCH = 0.5, 0.1
#: No outline counts more than this (Sobel, grey levels).
_OUTLINE = 40.0
#: What contrasts with the room in more than this share of a session's frames stands there, if something moves elsewhere in half of them,
#: and if it and its rim are steady: so large a share of their pixels keeps its colour in so large a share of the frames.
_STANDING_SHARE, _MOVING_SHARE, _STEADY = 0.95, 0.5, 0.95
#: A camera was moved within a session where so much, pixels, is between where most of its frames before and after show the room. It is looked for
#: in so many frames, and then in all that are there between two of them.
_BUMP_PIXELS, _BUMP_FRAMES = 1.0, 24
#: Frames of a session that are searched for what stands in it.
_SEARCHED = 40
#: Files with these endings are pictures, others videos.
_PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
#: A picture may have another size than the video, but its sides the same ratio, to this share.
_SAME_SHAPE = 0.02
#: Remarks, the first with the number of sessions.
OTHER_ROOM = (
    "shows another picture of the room than the other sessions of its rig that were looked at ({}): its camera was moved, or things and lamps "
    "were; its background comes from this session alone, in which a subject that rests for long may be taken for background"
)
MOVED = (
    "was moved between frames {} and {} of its video, by {:.1f} pixels of the survey's picture: its calibration holds for one part alone, and the "
    "other one's silhouettes are of no use; make two sessions of it (columns start and stop), with a rig each"
)
OTHER_BACKGROUND = (
    "shows another picture of the room than its file 'background': the camera was moved, or things and lamps were; the file is not used, film "
    "the empty room again for this session"
)


class RoomFiles(NamedTuple):
    """What is known of a camera's room beforehand.

    Attributes
    ----------
    mask : a picture, white where the subject may be and black elsewhere; see :func:`read_region`.
    beside : videos of the same camera in other sessions of its rig, whose pictures are cut as this one's.
    background : a picture or a video of the empty room.
    silhouettes : those that another program found, see :func:`bkind3d.data.silhouette_files.read_silhouettes`.

    Where the camera's picture is a part of its video's, each may be of the whole or of the part, as its size says.
    """

    mask: str | Path | None = None
    beside: Sequence[str | Path] = ()
    background: str | Path | None = None
    silhouettes: str | Path | None = None


def read_region(path: str | Path, video_size: tuple[int, int], size: tuple[int, int], part: Part | None = None) -> Marks:
    """Read a drawing (PNG, JPEG, ...) of where the subject may be, white there and black elsewhere, resized to the survey picture of `size` (width, height).

    Raises
    ------
    InputError : where it cannot be read, has another shape than the video's pictures (`video_size`), or is black everywhere.
    """
    drawn = _read_picture(path, video_size, size, "draw the mask as PNG, white where the subject may be", cv2.IMREAD_GRAYSCALE, part)
    region = np.asarray(drawn > 127)
    if not region.any():
        raise InputError(path, "is black everywhere", "paint white where the subject may be")
    return region


def _read_picture(
    path: str | Path, video_size: tuple[int, int], size: tuple[int, int], advice: str, kind: int, part: Part | None
) -> UInt8[NDArray, "..."]:
    """A picture of the video's shape, resized to `size` (width, height)."""
    picture = cv2.imread(str(path), kind)
    if picture is None:
        raise InputError(path, "cannot be read as a picture", advice)
    picture = picture if part is None else part.cut(picture)
    height, width = picture.shape[:2]
    if abs(width * video_size[1] / (height * video_size[0]) - 1) > _SAME_SHAPE:
        raise InputError(
            path, f"is {width}x{height}, the video {describe_size(video_size, part)}", f"{advice}, of this camera's whole picture"
        )
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def read_background(path: str | Path, video_size: tuple[int, int], size: tuple[int, int], part: Part | None = None) -> Pictures:
    """Read frames of the empty room from a picture or a video, resized to `size` (width, height).

    Raises
    ------
    InputError : where it cannot be read, or has another shape than the video's pictures (`video_size`).
    """
    if Path(path).suffix.lower() in _PICTURES:
        picture = _read_picture(path, video_size, size, "give a picture or a video of the empty room", cv2.IMREAD_COLOR, part)
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)[None]
    video, info = cut_alike(path, part)
    if (info.width, info.height) != video_size:
        raise InputError(
            path, f"is {info.width}x{info.height}, the video {describe_size(video_size, part)}", "film the room with the same camera"
        )
    return sample_room(video, size)


def sample_room(video: Video, size: tuple[int, int]) -> Pictures:
    """Frames of another session's video, spread as far as that is quick, shrunk to `size` (width, height)."""
    packets = read_packets(video)
    keys = np.flatnonzero(packets.keys)
    if len(keys) >= _KEYFRAMES:
        wanted = set(keys[spread_indices(len(keys), _FRAMES)].tolist())
        return np.stack([frame.picture for frame in decode_keyframes(video, wanted, size)])
    wanted = set(spread_indices(min(len(packets.times), _READ), _FRAMES).tolist())
    frames = decode_frames(video, size, wanted=wanted.__contains__)
    return np.stack([frame.picture for frame in islice(frames, len(wanted))])


def sample_rooms(videos: Sequence[Video], video_size: tuple[int, int], size: tuple[int, int]) -> list[Pictures]:
    """:func:`sample_room` of those `videos` that can be read and have pictures of `video_size` (width, height)."""
    found = []
    for video in videos:
        try:
            info = probe_video(video, counted=False)
            if (info.width, info.height) == video_size:
                found.append(sample_room(video, size))
                continue
            log.warning("%s: is %dx%d, this video %dx%d: not the same room", describe_files(video), info.width, info.height, *video_size)
        except InputError as error:
            log.warning("%s: passed over", error)
    return found


def model_room(
    own: Pictures, others: Sequence[Pictures], config: SurveyConfig, empty: Pictures | None = None
) -> tuple[Background, list[str]]:
    """Model the background of a session from its `own` frames, those of `others`, and of the `empty` room if they show it.

    Returns
    -------
    The background, and what the user should read of it.
    """
    usual, remarks = _take_median(own), []
    if empty is not None and not _shows_same_room(usual, _take_median(empty), config):
        empty, remarks = None, [OTHER_BACKGROUND]
    alike = [other for other in others if _shows_same_room(usual, _take_median(other), config)]
    if empty is not None:
        room = replace(model_background(own, config), picture=_take_median(empty), hidden=None)
    elif alike:
        # Each session counts alike: a long take at rest is no majority.
        most = max(len(frames) for frames in alike)
        room = model_background(np.concatenate([own[spread_indices(len(own), most)], *alike]), config)
    else:
        return model_background(own, config), remarks + ([OTHER_ROOM.format(len(others))] if others else [])
    room = replace(room, shadow=learn_shadows([own, *alike], room.picture, config))
    standing = _find_standing(own[spread_indices(len(own), _SEARCHED)], room, config)
    if standing.any():
        alone = model_background(own, config).picture
        alone = change_light(alone, 1 / measure_gains(thin_out(alone), thin_out(room.picture)))
        room = replace(room, picture=np.where(standing[..., None], alone, room.picture))
    return room, remarks


def _take_median(frames: Pictures) -> Picture:
    return choose_rank(frames, len(frames) // 2)


def _shows_same_room(one: Picture, other: Picture, config: SurveyConfig) -> bool:
    """Whether two pictures show the same room from the same place, be it in another light and with a subject in either."""
    gains = measure_gains(thin_out(other), thin_out(one))
    if (largest_channel(cv2.absdiff(change_light(other, 1 / gains), one)) > config.min_contrast).mean() > _OTHER_SHARE:
        return False
    # Outlines, each alike: the brightest areas, which may be the subject's, would decide otherwise.
    outlines = [_find_outlines(picture) for picture in (one, other)]
    shift, match = cv2.phaseCorrelate(*outlines, cv2.createHanningWindow((one.shape[1], one.shape[0]), cv2.CV_32F))
    return match < _CLEAR_MATCH or float(np.hypot(*shift)) <= _MOVED_PIXELS


def remark_move(frames: Pictures, numbers: Int[NDArray, "frame"], behind: Picture) -> list[str]:
    """Whether the camera was moved within a session, and when, from frames with these `numbers`, ascending, and the background."""
    outlines, window = _find_outlines(behind), cv2.createHanningWindow((behind.shape[1], behind.shape[0]), cv2.CV_32F)

    def measure(index: int) -> Float[NDArray, "2"]:
        # The copy: OpenCV multiplies what it is given by the window.
        shift, match = cv2.phaseCorrelate(outlines.copy(), _find_outlines(frames[index]), window)
        return np.array(shift) if match >= _CLEAR_MATCH else np.full(2, np.nan)

    looked = spread_indices(len(frames), _BUMP_FRAMES)
    shifts = np.stack([measure(index) for index in looked.tolist()])
    clear = np.isfinite(shifts).all(axis=1)
    looked, shifts = looked[clear], shifts[clear]
    splits = range(2, len(looked) - 1)
    if not splits:
        return []
    sides = [(np.median(shifts[:split], axis=0), np.median(shifts[split:], axis=0)) for split in splits]
    # Where most of either side is at its own place: the distance between the places less what the frames are off them.
    off = [
        np.linalg.norm(shifts - np.where((np.arange(len(shifts)) < split)[:, None], *pair), axis=1)
        for split, pair in zip(splits, sides, strict=True)
    ]
    best = int(np.argmin([one.sum() for one in off]))
    before, after = sides[best]
    distance = float(np.linalg.norm(after - before))
    if distance < _BUMP_PIXELS or float(np.quantile(off[best], 0.9)) > distance / 3:
        return []
    first, last = int(looked[splits[best] - 1]), int(looked[splits[best]])
    while last - first > 1:
        middle = (first + last) // 2
        shift = measure(middle)
        nearer = np.linalg.norm(shift - before) < np.linalg.norm(shift - after)
        first, last = (middle, last) if nearer else (first, middle)
    return [MOVED.format(numbers[first], numbers[last], distance)]


def _find_outlines(picture: Picture) -> Float[NDArray, "height width"]:
    """Strength of the picture's outlines, up to a limit."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return np.minimum(cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)), _OUTLINE)


def _find_standing(own: Pictures, room: Background, config: SurveyConfig) -> Marks:
    """Where something stands throughout a session that is not in the room: something else moves, so it is not the subject at rest."""
    limit = np.maximum(config.min_contrast, config.contrast * room.spread)
    contrasting = np.stack([_find_contrast(frame, room.picture, limit) for frame in own])
    always = (contrasting.mean(axis=0, dtype=np.float32) > _STANDING_SHARE).astype(np.uint8)
    always = cv2.morphologyEx(always, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    standing = np.zeros(always.shape, dtype=bool)
    pieces = [piece for piece in _split(always) if np.count_nonzero(piece) >= config.min_area * always.size]
    if not pieces:
        return standing
    usual = _take_median(own)
    moved = np.stack([_find_contrast(frame, usual, limit) for frame in own])
    steady = np.asarray(moved.mean(axis=0, dtype=np.float32) < 1 - _STEADY)
    for piece in pieces:
        grown = np.asarray(cv2.dilate(piece, disc(2)) > 0)
        around = cv2.dilate(piece, disc(max(2, round(math.sqrt(np.count_nonzero(piece)) / 2)))) > 0
        elsewhere = (contrasting & ~around & (always == 0)).sum(axis=(1, 2)) > config.min_area * always.size
        if steady[grown].mean() >= _STEADY and elsewhere.mean() > _MOVING_SHARE:
            standing |= grown
    return standing


def _split(marked: UInt8[NDArray, "height width"]) -> list[UInt8[NDArray, "height width"]]:
    """The connected pieces of what is marked, each alone."""
    n_labels, labels = cv2.connectedComponents(marked)
    return [(labels == label).astype(np.uint8) for label in range(1, n_labels)]


def _find_contrast(frame: Picture, behind: Picture, limit: NDArray[np.float32]) -> Marks:
    """Pixels that differ from the background in the light of the frame."""
    lit = change_light(behind, measure_gains(thin_out(frame), thin_out(behind)))
    marked = (largest_channel(cv2.absdiff(frame, lit)) > limit).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(marked, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0)
