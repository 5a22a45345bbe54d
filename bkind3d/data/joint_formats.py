"""Joints in 3D as other programs write them: what a file holds, in the world and the units of the calibration they were made with.

A format is a row of :data:`JOINT_FORMATS`. Points in pixels of one camera are refused: they say nothing of depth.
"""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from bkind3d.config import InputError, read_text
from bkind3d.data.apart import read_apart

_MOST_BYTES = 2**30
#: Files that others have and that are not read: what they are, and what to give in their place.
_ELSEWHERE = {
    ".slp": ("holds SLEAP's labels, in pixels of each camera", "triangulate them (sleap-anipose), and give its points3d.h5"),
    ".pkl": (
        "is a pickle, as DeepFly3D writes its results; pickles of joints are not read, as they may run programs",
        "write its points3d into a .csv (frame, joint, x, y, z)",
    ),
    ".pickle": ("is a pickle; pickles of joints are not read, as they may run programs", "write it into a .csv (frame, joint, x, y, z)"),
}
_ADVICE = "triangulate them first (anipose, sleap-anipose, Lightning Pose's EKS), and give the points in 3D"


class GivenJoints(NamedTuple):
    """Frames (from 0), names of joints, and (frame, joint, 3) positions with gaps NaN."""

    frames: Int[NDArray, "frame"]
    names: list[str]
    points: Float[NDArray, "frame joint 3"]


class JointFormat(NamedTuple):
    """How names of a format's files end, and how one is read: nothing where the file is not of this format."""

    endings: tuple[str, ...]
    read: Callable[[Path], GivenJoints | None]


def read_given_joints(path: Path) -> GivenJoints:
    """Read a file of any row; InputError where it is of none, or holds pixels of one camera."""
    for row in JOINT_FORMATS.values():
        if path.suffix.lower() in row.endings and (found := row.read(path)) is not None:
            if len(set(found.names)) != len(found.names):
                raise InputError(path, "has two joints of one name", "rename one")
            return found
    if path.suffix.lower() in _ELSEWHERE:
        raise InputError(path, *_ELSEWHERE[path.suffix.lower()])
    known = ", ".join(f"{name} ({' '.join(row.endings)})" for name, row in JOINT_FORMATS.items())
    raise InputError(path, f"holds no joints in 3D as {known} write them", "convert it to .parquet or .csv (frame, joint, x, y, z)")


def _read_cells(path: Path) -> list[list[str]]:
    try:
        return [row for row in csv.reader(io.StringIO(read_text(path, most=_MOST_BYTES))) if any(row)]
    except csv.Error as error:
        raise InputError(path, f"cannot be read as a table ({error})", "export it again") from None


def _convert(cells: list[list[str]], path: Path) -> Float[NDArray, "row column"]:
    try:
        return np.array([[float(cell) if cell.strip() else np.nan for cell in row] for row in cells], dtype=np.float64)
    except ValueError as error:
        raise InputError(path, f"has a cell that is no number, or rows of different lengths ({error})", "export it again") from None


def _check_frames(frames: Float[NDArray, "frame"], path: Path) -> Int[NDArray, "frame"]:
    if not len(frames) or not (np.isfinite(frames) & (frames == np.rint(frames)) & (np.abs(frames) < 2**53)).all():
        raise InputError(path, "does not have a whole number of a frame in every row", "export it again")
    return frames.astype(np.int64)


def _read_anipose(path: Path) -> GivenJoints | None:
    """Anipose's ``pose-3d``: ``NAME_x _y _z`` and ``fnum``; what was turned and moved for its own axes (M, center) is put back."""
    head, *cells = _read_cells(path) or [[]]
    names = [column[:-2] for column in head if column.endswith("_x") and {f"{column[:-2]}_y", f"{column[:-2]}_z"} <= set(head)]
    if not names or "fnum" not in head:
        return None
    table = dict(zip(head, _convert(cells, path).reshape(len(cells), len(head)).T, strict=True))
    points = np.stack([np.stack([table[f"{name}_{axis}"] for axis in "xyz"], axis=-1) for name in names], axis=1)
    if "M_00" in table and "center_0" in table:
        turn = np.stack([table[f"M_{row}{column}"] for row in range(3) for column in range(3)], axis=-1).reshape(-1, 3, 3)
        centre = np.stack([table[f"center_{axis}"] for axis in range(3)], axis=-1)
        if not (np.abs(np.linalg.det(turn)) > 1e-6).all():
            raise InputError(path, "its axes (M_00 to M_22) are none", "triangulate again")
        points = (points + centre[:, None]) @ np.linalg.inv(turn).transpose(0, 2, 1)
    return GivenJoints(_check_frames(table["fnum"], path), names, points)


def _read_deeplabcut(path: Path) -> GivenJoints | None:
    """DeepLabCut's and Lightning Pose's tables: lines ``bodyparts`` and ``coords`` above the numbers; x, y and z of each joint."""
    rows = _read_cells(path)
    heads = {row[0]: row[1:] for row in rows[:4] if row and row[0] in ("scorer", "individuals", "bodyparts", "coords")}
    if not {"bodyparts", "coords"} <= heads.keys():
        return None
    if len(set(heads.get("individuals", ()))) > 1:
        raise InputError(path, "has several individuals", "export the one that the session is about")
    columns = {(name, axis): index + 1 for index, (name, axis) in enumerate(zip(heads["bodyparts"], heads["coords"], strict=False))}
    names = list(dict.fromkeys(heads["bodyparts"]))
    if any((name, "z") not in columns for name in names):
        raise InputError(path, "holds points in pixels of one camera (x, y)", _ADVICE)
    body = rows[len(heads) :]
    numbers = _convert([row[1:] for row in body], path).reshape(len(body), -1)
    if numbers.shape[1] < len(columns) or any((name, axis) not in columns for name in names for axis in "xyz"):
        raise InputError(path, "does not have x, y and z of every joint in every row", "export it again")
    points = np.stack([np.stack([numbers[:, columns[name, axis] - 1] for axis in "xyz"], axis=-1) for name in names], axis=1)
    # A row is named for its frame, or for the picture that was labelled.
    words = [re.fullmatch(r"(?:.*?(\d+)\.(?:png|jpg)|(\d+)(?:\.0)?)", row[0]) for row in body]
    if not all(words):
        raise InputError(path, "its rows are not named for frames", "export it again")
    return GivenJoints(np.array([int(word[1] or word[2]) for word in words if word], dtype=np.int64), names, points)


def _read_sleap(path: Path) -> GivenJoints | None:
    """sleap-anipose's ``points3d.h5``: ``tracks`` (frame, track, node, xyz); nodes have names only where the file has ``node_names``."""
    found = read_apart(_open_tracks, path)
    if found is None:
        return None
    if isinstance(found, str):
        raise InputError(
            path, f"is {found} own kind of HDF5", "save it as .csv (save_as_csv=True), too; points in 3D, not those of one camera"
        )
    tracks, names = found
    if tracks.ndim == 4 and tracks.shape[1] == 2 and tracks.shape[3] != 3:
        raise InputError(path, "holds points in pixels of one camera", _ADVICE)
    if tracks.ndim != 4 or tracks.shape[3] != 3 or not tracks.shape[2]:
        raise InputError(path, f"'tracks' has the shape {tracks.shape}, expected (frame, track, node, 3)", "triangulate again")
    if tracks.shape[1] != 1:
        raise InputError(path, f"has {tracks.shape[1]} tracks", "keep the one of the animal that the session is about")
    names = names if len(names) == tracks.shape[2] else [f"node{number}" for number in range(tracks.shape[2])]
    return GivenJoints(np.arange(len(tracks)), names, np.asarray(tracks[:, 0], dtype=np.float64))


def _open_tracks(path: Path) -> tuple[Any, list[str]] | str | None:
    import h5py

    try:
        with h5py.File(path) as file:
            if "df_with_missing" in file:
                return "DeepLabCut's"
            if "tracks" not in file:
                return None
            names = (
                [name.decode() if isinstance(name, bytes) else str(name) for name in file["node_names"][:]] if "node_names" in file else []
            )
            return file["tracks"][:], names
    except Exception as error:
        # The reader meets damage anywhere in it, with any exception there is.
        raise InputError(path, f"is not a file of HDF5, or damaged ({type(error).__name__})", "copy it again") from None


def _read_label3d(path: Path) -> GivenJoints | None:
    """Label3D's and DANNCE's ``*_dannce.mat``: ``labelData`` of the first camera, ``data_3d`` and ``data_frame``.

    Frames count from 0 or 1, as those of ``sync`` do. Joints have names where the file has a skeleton.
    """
    found = read_apart(_open_labels, path)
    if found is None:
        return None
    points, frames, first, names = found
    points = np.asarray(points, dtype=np.float64).reshape(len(np.ravel(frames)), -1)
    if points.shape[1] % 3 or not points.size:
        raise InputError(path, f"'data_3d' has {points.shape[1]} columns, expected 3 for each joint", "export it again with Label3D")
    count = points.shape[1] // 3
    names = names if len(names) == count else [f"joint{number + 1}" for number in range(count)]
    return GivenJoints(_check_frames(np.ravel(frames).astype(np.float64) - first, path), names, points.reshape(-1, count, 3))


def _open_labels(path: Path) -> tuple[Any, Any, int, list[str]] | None:
    import pymatreader

    try:
        content = pymatreader.read_mat(path, variable_names=["labelData", "sync", "skeleton"])
        if "labelData" not in content:
            return None
        labels, sync = (value[0] if isinstance(value, list) else value for value in (content["labelData"], content.get("sync", {})))
        key = "data_3D" if "data_3D" in labels else "data_3d"
        counted = np.ravel(sync.get("data_frame", [0])) if isinstance(sync, dict) else np.zeros(1)
        skeleton = content.get("skeleton")
        names = (
            [str(name) for name in np.ravel(skeleton["joint_names"])] if isinstance(skeleton, dict) and "joint_names" in skeleton else []
        )
        return labels[key], labels["data_frame"], int(counted.min() >= 1), names
    except Exception as error:
        # The reader meets damage anywhere in it, with any exception there is.
        raise InputError(path, f"is not a file of Label3D, or damaged ({type(error).__name__})", "copy it again") from None


#: Joints of other programs, in the order in which they are tried.
JOINT_FORMATS = {
    "anipose": JointFormat((".csv",), _read_anipose),
    "DeepLabCut": JointFormat((".csv",), _read_deeplabcut),
    "sleap-anipose": JointFormat((".h5", ".hdf5"), _read_sleap),
    "Label3D": JointFormat((".mat",), _read_label3d),
}
