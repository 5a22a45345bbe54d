"""Rat7M's motion capture: where the markers were, and which frame of each camera's video shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy.typing import NDArray

from bkind3d.calibration.formats.reading import read_apart
from bkind3d.config import InputError

#: Farthest (mm) from the world's origin that a rat in that arena can be; what is farther was not read rightly.
_FARTHEST = 1e4


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

    def make_joints(self) -> pd.DataFrame:
        """The markers as a table ``joints``."""
        columns = dict(zip("xyz", self.markers.reshape(-1, 3).T, strict=True))
        return pd.DataFrame({"frame": np.repeat(self.frames, len(self.names)), "joint": self.names * len(self.frames), **columns})

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
    return read_apart(_read_samples, path)


def _read_samples(path: Path) -> Samples:
    import pymatreader

    try:
        content = pymatreader.read_mat(path, variable_names=["cameras", "mocap"])
    except Exception as error:
        # The reader meets damage anywhere in it, with any exception there is.
        raise InputError(f"{path}: is not a MATLAB file, or damaged ({type(error).__name__}); copy it again") from None
    shown = {name: _read_frames(camera, f"{path}: {name}") for name, camera in sorted(_find(content, "cameras", path).items())}
    mocap = _find(content, "mocap", path)
    markers = {name: _read_marker(mocap[name], f"{path}: marker {name!r}") for name in mocap}
    lengths = {name: len(values) for name, values in {**shown, **markers}.items()}
    first = next(iter(lengths))
    for name, length in lengths.items():
        if length != lengths[first]:
            raise InputError(f"{path}: has {length} samples of {name} and {lengths[first]} of {first}, so parts are of another session")
    rises = {name: _find_rises(frames) for name, frames in shown.items()}
    reference = max(rises, key=lambda name: len(rises[name]))
    rows = rises[reference]
    if not len(rows):
        raise InputError(f"{path}: no camera has a frame for any sample; copy the file again")
    numbers = {name: _keep_first(frames[rows]) for name, frames in shown.items()}
    return Samples(rows, numbers[reference], numbers, list(markers), np.stack([values[rows] for values in markers.values()], axis=1))


def _find(content: Mapping[str, Any], variable: str, path: Path) -> Mapping[str, Any]:
    found = content.get(variable)
    if not isinstance(found, Mapping) or not found:
        what = {"cameras": "camera", "mocap": "marker"}[variable]
        raise InputError(f"{path}: has no structure {variable!r} with one field per {what}, so it is not of Rat7M")
    return found


def _read_frames(camera: Any, where: str) -> Float[NDArray, "sample"]:
    """Frames of the video by sample; NaN where there is none."""
    try:
        frames = np.asarray(camera["frame"], dtype=np.float64).ravel()
    except (KeyError, TypeError, ValueError, IndexError):
        raise InputError(f"{where}: has no field 'frame' with the numbers of its video's frames; copy the file again") from None
    frames = np.where(frames < 0, np.nan, frames)
    if (np.nan_to_num(frames) % 1).any():
        raise InputError(f"{where}: field 'frame' has numbers that are no whole numbers; copy the file again")
    known = np.flatnonzero(np.isfinite(frames))
    back = known[1:][np.diff(frames[known]) < 0]
    if len(back):
        raise InputError(f"{where}: field 'frame' goes back at sample {back[0]}, to {frames[back[0]]:g}; copy the file again")
    return frames


def _read_marker(values: Any, where: str) -> Float[NDArray, "sample 3"]:
    try:
        points = np.asarray(values, dtype=np.float64).reshape(-1, 3)
    except (TypeError, ValueError):
        raise InputError(f"{where}: has not three numbers per sample; copy the file again") from None
    if (np.abs(points) > _FARTHEST).any():
        raise InputError(f"{where}: is up to {np.nanmax(np.abs(points)):.3g} mm from the origin, which cannot be; is it in mm?")
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
