"""Rat7M's motion capture: where the markers were, which frame of each camera's video shows it, and whether all are of one session."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy.typing import NDArray

from bkind3d.config import InputError
from bkind3d.data.apart import read_apart
from bkind3d.data.shrinking import Picture
from bkind3d.data.spacing import spread_indices
from bkind3d.data.video import decode_frames
from bkind3d.geometry.cameras import Camera
from bkind3d.geometry.lenses import project_through_lens

log = logging.getLogger(__name__)

#: Farthest (mm) from the world's origin that a rat in that arena can be; what is farther was not read rightly.
_FARTHEST = 1e4
#: Frame maps that end earlier than this share of the video are worth a remark.
_COVERED = 0.5
#: Moments at which it is looked whether the markers are in the pictures, and the least share of them that has to be.
_LOOKS, _LEAST_INSIDE = 200, 0.25
#: Pictures per camera that are compared, their longer side (pixels), and the step between them where a video has few files (frames).
_PICTURES, _LONG_SIDE, _STEP = 20, 320, 30
#: Fewer files than this are few.
_FEW_FILES = 3
#: Pixels that change by more than so many grey levels show something that moves; with fewer of them nothing can be told.
_CHANGE, _LEAST_CHANGED = 15, 100
#: Near the markers: in the box around them, grown by this share of its diagonal on all sides. The share of what moves that has to be near.
_REACH, _LEAST_NEAR = 0.25, 0.5


@dataclass(frozen=True)
class Samples:
    """The moments of a session: one per frame of the camera that filmed most of them, whose numbers are the session's.

    Attributes
    ----------
    rows : numbers of the samples in the file.
    frames : of the session.
    shown : by camera, the frame of its video that shows each moment; -1 where it has none of its own.
    names : of the markers, in the order of the file.
    markers : world (mm), NaN where a marker was not seen.
    """

    rows: Int[NDArray, "sample"]
    frames: Int[NDArray, "sample"]
    shown: dict[str, Int[NDArray, "sample"]]
    names: list[str]
    markers: Float[NDArray, "sample marker 3"]

    def make_frame_map(self, camera: str) -> pd.DataFrame:
        """A table ``frame_map`` of a camera, which also says by which sample of the file each row is known."""
        known = self.shown[camera] >= 0
        return pd.DataFrame({"frame": self.frames[known], "video_frame": self.shown[camera][known], "sample": self.rows[known]})


def read_samples(path: Path) -> Samples:
    """Read the motion capture of a file ``mocap-s1-d1.mat``.

    The field ``frame`` of each camera has the number (from 0) of its video's frame for every sample. Motion capture that is
    faster than the cameras repeats these numbers: the first sample of each frame is kept.

    Raises
    ------
    InputError : where the file is damaged or of something else, or its parts do not belong together.
    """
    # The whole file can be ten times what is kept of it, so it is thinned out in the process that reads it.
    return read_apart(_read_samples, path, seconds=600, gigabytes=64)


def _read_samples(path: Path) -> Samples:
    import pymatreader

    try:
        content = pymatreader.read_mat(path, variable_names=["cameras", "mocap"])
    except Exception as error:
        # The reader meets damage anywhere in it, with any exception there is.
        raise InputError(path, f"is not a MATLAB file, or damaged ({type(error).__name__})", "copy it again") from None
    shown = {name: _read_frames(camera, f"{path}: {name}") for name, camera in sorted(_find(content, "cameras", path).items())}
    mocap = _find(content, "mocap", path)
    markers = {name: _read_marker(mocap[name], f"{path}: marker {name!r}") for name in mocap}
    lengths = {name: len(values) for name, values in {**shown, **markers}.items()}
    first = next(iter(lengths))
    for name, length in lengths.items():
        if length != lengths[first]:
            raise InputError(
                path,
                f"has {length} samples of {name} and {lengths[first]} of {first}, so parts are of another session",
                "copy the file again",
            )
    rises = {name: _find_rises(frames) for name, frames in shown.items()}
    reference = max(rises, key=lambda name: len(rises[name]))
    rows = rises[reference]
    if not len(rows):
        raise InputError(path, "no camera has a frame for any sample", "copy the file again")
    numbers = {name: _keep_first(frames[rows]) for name, frames in shown.items()}
    return Samples(rows, numbers[reference], numbers, list(markers), np.stack([values[rows] for values in markers.values()], axis=1))


def _find(content: Mapping[str, Any], variable: str, path: Path) -> Mapping[str, Any]:
    found = content.get(variable)
    if not isinstance(found, Mapping) or not found:
        what = {"cameras": "camera", "mocap": "marker"}[variable]
        raise InputError(
            path,
            f"has no structure {variable!r} with one field per {what}, so it is not of Rat7M",
            "give a file of this format, or say which it has",
        )
    return found


def _read_frames(camera: Any, where: str) -> Float[NDArray, "sample"]:
    """Frames of the video by sample; NaN where there is none."""
    try:
        frames = np.asarray(camera["frame"], dtype=np.float64).ravel()
    except (KeyError, TypeError, ValueError, IndexError):
        raise InputError(where, "has no field 'frame' with the numbers of its video's frames", "copy the file again") from None
    frames = np.where(frames < 0, np.nan, frames)
    if (np.nan_to_num(frames) % 1).any():
        raise InputError(where, "field 'frame' has numbers that are no whole numbers", "copy the file again")
    known = np.flatnonzero(np.isfinite(frames))
    back = known[1:][np.diff(frames[known]) < 0]
    if len(back):
        raise InputError(where, f"field 'frame' goes back at sample {back[0]}, to {frames[back[0]]:g}", "copy the file again")
    return frames


def _read_marker(values: Any, where: str) -> Float[NDArray, "sample 3"]:
    try:
        points = np.asarray(values, dtype=np.float64).reshape(-1, 3)
    except (TypeError, ValueError):
        raise InputError(where, "has not three numbers per sample", "copy the file again") from None
    if (np.abs(points) > _FARTHEST).any():
        raise InputError(where, f"is up to {np.nanmax(np.abs(points)):.3g} mm from the origin, which cannot be", "is it in mm?")
    # A position of which one number is unknown is none.
    return np.where(np.isnan(points).any(axis=1, keepdims=True), np.nan, points)


def _find_rises(frames: Float[NDArray, "sample"]) -> Int[NDArray, "rise"]:
    """The samples with which a new frame begins."""
    known = np.flatnonzero(np.isfinite(frames))
    return known[np.diff(frames[known], prepend=-1) > 0]


def _keep_first(frames: Float[NDArray, "sample"]) -> Int[NDArray, "sample"]:
    """The frames as whole numbers, each for the first of the samples that it is named for; -1 elsewhere."""
    kept = _find_rises(frames)
    numbers = np.full(len(frames), -1)
    numbers[kept] = frames[kept]
    return numbers


def check_maps(mat: Path, samples: Samples, lengths: Mapping[str, int]) -> None:
    """Frame maps stay within the videos, whose `lengths` are given by camera."""
    for camera, n_frames in lengths.items():
        last = int(samples.shown[camera].max())
        if last >= n_frames:
            name = f"{mat.stem.removeprefix('mocap-')}-camera{camera.removeprefix('Camera')}-{n_frames}.mp4"
            raise InputError(
                mat,
                f"{camera} has frames up to {last}, its video has {n_frames} (0 to {n_frames - 1})",
                f"files of the video are missing from {name} on, or the .mat is of another session",
            )
        if last < _COVERED * n_frames:
            log.warning("%s: %s has frames up to %d, its video %d; is it of this session?", mat, camera, last, n_frames)


def check_markers(mat: Path, samples: Samples, cameras: Mapping[str, Camera]) -> None:
    """Markers are in the pictures of all cameras."""
    points = samples.markers[spread_indices(len(samples.rows), _LOOKS)].reshape(-1, 3)
    points = points[np.isfinite(points).all(axis=1)]
    for name, camera in cameras.items():
        pixels = project_through_lens(camera, points)
        inside = ((pixels >= -0.5) & (pixels <= np.array(camera.size) - 0.5)).all(axis=1)
        if len(points) and inside.mean() < _LEAST_INSIDE:
            raise InputError(
                mat,
                f"{100 * inside.mean():.0f} % of the markers are in the pictures of {name} ({camera.size[0]}x{camera.size[1]}), so its "
                "cameras and its motion capture, or the videos, are of different sessions",
                "download them again",
            )


def check_pictures(mat: Path, samples: Samples, cameras: Mapping[str, Camera], videos: Mapping[str, Mapping[int, Path]]) -> None:
    """What moves in the pictures is the rat, and the markers are on it.

    What changes from one picture to the next (the first ones of the videos' files) has to be near the markers of one of both
    moments. Where next to nothing changes, nothing can be told. `videos` are, by camera, the files by the number of their first frame.
    """
    changed, near = np.sum([_compare(samples, cameras[name], files, samples.shown[name]) for name, files in videos.items()], axis=0)
    if changed < _LEAST_CHANGED:
        log.info("%s: next to nothing moves between the pictures that were compared, so nobody can tell whether the markers are on it", mat)
        return
    log.info("%s: %.0f %% of what moves in the pictures is near the markers", mat, 100 * near / changed)
    if near < _LEAST_NEAR * changed:
        raise InputError(
            mat,
            f"its markers are not where the rat is in the videos ({100 * near / changed:.0f} % of what moves there is near them), "
            "so it is of another session",
            "download it again",
        )


def _compare(samples: Samples, camera: Camera, files: Mapping[int, Path], shown: Int[NDArray, "sample"]) -> Int[NDArray, "2"]:
    """How many pixels change from picture to picture, and how many of them are near the markers."""
    row_of = {frame: row for row, frame in enumerate(shown.tolist()) if np.isfinite(samples.markers[row]).all(axis=1).any()}
    scale = min(1.0, _LONG_SIDE / max(camera.size))
    small = camera.resized((round(scale * camera.size[0]), round(scale * camera.size[1])))
    pictures = {number: picture for number, picture in _decode(files, small.size).items() if number in row_of}
    counts, columns_rows = np.zeros(2, np.int64), np.mgrid[: small.size[0], : small.size[1]]
    for first, second in pairwise(pictures):
        changed = (cv2.absdiff(pictures[first], pictures[second]) > _CHANGE).T
        near = np.zeros_like(changed)
        for number in (first, second):
            pixels = project_through_lens(small, samples.markers[row_of[number]])
            low, high = np.nanmin(pixels, axis=0), np.nanmax(pixels, axis=0)
            reach = np.linalg.norm(high - low) * _REACH
            inside = (columns_rows >= (low - reach)[:, None, None]) & (columns_rows <= (high + reach)[:, None, None])
            near |= inside.all(axis=0)
        counts += [changed.sum(), (changed & near).sum()]
    return counts


def _decode(files: Mapping[int, Path], size: tuple[int, int]) -> dict[int, Picture]:
    """Grey pictures by the number of their frame: the first ones of the files, or some of the beginning where files are few."""
    if len(files) >= _FEW_FILES:
        starts = [list(files)[index] for index in spread_indices(len(files), _PICTURES)]
        return {start: next(decode_frames(files[start], size, gray=True)).picture for start in starts}
    decoded = decode_frames([*files.values()], size, gray=True, wanted=lambda number: number % _STEP == 0)
    return {frame.number: frame.picture for frame in islice(decoded, _PICTURES)}
