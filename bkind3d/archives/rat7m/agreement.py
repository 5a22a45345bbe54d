"""Whether motion capture, cameras and videos of Rat7M are of one session."""

import logging
from collections.abc import Mapping
from itertools import islice, pairwise
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from bkind3d.archives.rat7m.samples import Samples
from bkind3d.config import InputError
from bkind3d.data.shrinking import Picture
from bkind3d.data.spacing import spread_indices
from bkind3d.data.video import decode_frames
from bkind3d.geometry.cameras import Camera
from bkind3d.geometry.lenses import project_through_lens

log = logging.getLogger(__name__)

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


def check_maps(mat: Path, samples: Samples, lengths: Mapping[str, int]) -> None:
    """Frame maps stay within the videos, whose `lengths` are given by camera."""
    for camera, n_frames in lengths.items():
        last = int(samples.shown[camera].max())
        if last >= n_frames:
            name = f"{mat.stem.removeprefix('mocap-')}-camera{camera.removeprefix('Camera')}-{n_frames}.mp4"
            raise InputError(
                f"{mat}: {camera} has frames up to {last}, its video has {n_frames} (0 to {n_frames - 1}); files of the video are "
                f"missing from {name} on, or the .mat is of another session"
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
                f"{mat}: {100 * inside.mean():.0f} % of the markers are in the pictures of {name} ({camera.size[0]}x{camera.size[1]}), "
                "so its cameras and its motion capture, or the videos, are of different sessions; download them again"
            )


def check_pictures(mat: Path, samples: Samples, cameras: Mapping[str, Camera], videos: Mapping[str, Mapping[int, Path]]) -> None:
    """What moves in the pictures is the rat, and the markers are on it.

    What changes from one picture to the next (the first ones of the videos' files) has to be near the markers of one of both
    moments. Where next to nothing changes, nothing can be told.

    Parameters
    ----------
    videos : by camera, the files by the number of their first frame.
    """
    changed, near = np.sum([_compare(samples, cameras[name], files, samples.shown[name]) for name, files in videos.items()], axis=0)
    if changed < _LEAST_CHANGED:
        log.info("%s: next to nothing moves between the pictures that were compared, so nobody can tell whether the markers are on it", mat)
        return
    log.info("%s: %.0f %% of what moves in the pictures is near the markers", mat, 100 * near / changed)
    if near < _LEAST_NEAR * changed:
        raise InputError(
            f"{mat}: its markers are not where the rat is in the videos ({100 * near / changed:.0f} % of what moves there is near them), "
            "so it is of another session; download it again"
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
