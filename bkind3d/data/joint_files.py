"""Joints of a session as others wrote them: a table in this project's columns (Parquet or text), TRC (OpenSim, Pose2Sim, OpenCap), or any of JOINT_FORMATS."""

import re
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy.typing import NDArray

from bkind3d.config import InputError, read_bytes
from bkind3d.data.joint_formats import read_given_joints
from bkind3d.data.parquet import read_table
from bkind3d.data.spreadsheets import read_numbers, read_spreadsheet
from bkind3d.geometry.cameras import upright_rotation
from bkind3d.geometry.units import UNITS, find_factor

#: Endings of texts that may hold this project's own columns.
_TEXTS = (".csv", ".tsv", ".txt")
#: Lines of a TRC file before its numbers.
_HEADER_LINES = 5
#: Bytes of a TRC file; the last number of a frame, and the largest coordinate, that mean anything.
_MOST_BYTES, _LAST_FRAME, _FARTHEST = 2**30, 10**9, 1e9


def read_joints(path: str | Path, units: str, axes: str = "XYZ", up: str = "z") -> pd.DataFrame:
    """Read a file of joints as a table ``joints``: frame (from 0), joint, x, y, z (world, in `units`), gaps NaN.

    Parameters
    ----------
    path : ``.parquet``, or a text, with the columns of the table, already in world frame and `units`; ``.trc``; or a file of
        :data:`bkind3d.data.joint_formats.JOINT_FORMATS`, which is in the calibration's world and units.
    units : of the rig. A TRC file's own units are converted to them.
    axes : of a TRC or of another program's file: which of its axes are the world's x, y and z; ``ZXY`` where world x is its Z, y its X and z its Y.
    up : axis of that world which points up; it becomes z, as in the calibration.

    Raises
    ------
    InputError : where the file is none of these, has no rows, or repeats a joint in a frame.
    """
    path = Path(path)
    if sorted(axes) != ["X", "Y", "Z"]:
        raise InputError("--axes", f"{axes!r} has to name X, Y and Z once each, as in ZXY", "write it so")
    if path.suffix == ".parquet":
        table = read_table(path, "joints", ["frame", "joint", "x", "y", "z"])
    elif path.suffix == ".trc":
        table = _read_trc(path, units, axes)
    else:
        table = _read_text_table(path) if path.suffix.lower() in _TEXTS else None
        if table is None:
            given = read_given_joints(path)
            table = make_joints(given.frames, given.names, given.points[:, :, ["XYZ".index(axis) for axis in axes]])
    if table.empty:
        raise InputError(path, "has no rows", "leave the column 'joints' of the sheet empty where a session has none")
    if table["frame"].isna().any() or table["joint"].isna().any() or not table["frame"].between(0, _LAST_FRAME).all():
        raise InputError(path, f"every row needs a frame, counted from 0 (to {_LAST_FRAME:,} at most), and a joint")
    numbers = table[["x", "y", "z"]].to_numpy(np.float64)
    if np.isinf(numbers).any() or np.isnan(numbers).any(axis=1).all():
        raise InputError(
            path,
            "x, y and z have to be numbers, or empty where a joint was not seen",
            f"found {'infinite ones' if np.isinf(numbers).any() else 'none'}",
        )
    if np.nanmax(np.abs(numbers)) > _FARTHEST:
        raise InputError(path, f"has a joint at {np.nanmax(np.abs(numbers)):g} {units}, where nobody can be", "export the file again")
    twice = table[table.duplicated(["frame", "joint"])]
    if not twice.empty:
        raise InputError(
            path, f"joint {twice['joint'].iloc[0]!r} is there more than once in frame {twice['frame'].iloc[0]}", "keep one of the rows"
        )
    table[["x", "y", "z"]] = numbers @ upright_rotation(up).T
    # A joint that lacks a coordinate was not seen.
    table.loc[np.isnan(numbers).any(axis=1), ["x", "y", "z"]] = np.nan
    return table.reset_index(drop=True)


def _read_text_table(path: Path) -> pd.DataFrame | None:
    """A text with the table's own columns; none where it has others."""
    columns = ["frame", "joint", "x", "y", "z"]
    first = read_bytes(path, most=_MOST_BYTES).partition(b"\n")[0].decode("utf-8", errors="replace").lower()
    if not set(columns) <= set(re.split(r"[^a-z]+", first)):
        return None
    table = read_spreadsheet(path, columns)
    frames = read_numbers(table, "frame", path)
    if not (frames == np.rint(frames)).all():
        raise InputError(path, "every row needs a whole number of a frame", "write the row again")
    return pd.DataFrame(
        {"frame": frames.astype(np.int64), "joint": table["joint"], **{axis: read_numbers(table, axis, path) for axis in "xyz"}}
    )


def make_joints(frames: Int[NDArray, "frame"], names: Collection[str], positions: Float[NDArray, "frame joint 3"]) -> pd.DataFrame:
    """A table ``joints`` of positions in the world."""
    columns = dict(zip("xyz", positions.reshape(-1, 3).T, strict=True))
    return pd.DataFrame({"frame": np.repeat(frames, len(names)), "joint": [*names] * len(frames), **columns})


def _read_trc(path: Path, units: str, axes: str) -> pd.DataFrame:
    """Read a TRC file: frame = ``Frame#`` - 1."""
    lines = read_bytes(path, most=_MOST_BYTES).decode("utf-8", errors="replace").splitlines()
    if len(lines) <= _HEADER_LINES or not lines[3].startswith("Frame#"):
        raise InputError(
            path,
            f"is no TRC file: line 4 has to start with Frame#, and numbers to follow from line {_HEADER_LINES + 1}",
            "export the file again",
        )
    header = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=False))
    joints = [name.strip() for name in lines[3].split("\t")[2:] if name.strip()]
    rows = [line.split("\t") for line in lines[_HEADER_LINES:] if line.strip()]
    n_numbers = 2 + 3 * len(joints)
    short = next((number for number, row in enumerate(rows) if len(row) < n_numbers), None)
    if short is not None:
        raise InputError(
            path,
            f"row {short + 1} of the numbers has {len(rows[short])} columns, {len(joints)} joints need {n_numbers}",
            "export the file again",
        )
    try:
        numbers = np.array([[float(cell) if cell.strip() else np.nan for cell in row[:n_numbers]] for row in rows])
    except ValueError as error:
        raise InputError(path, str(error), f"from line {_HEADER_LINES + 1} on there may be numbers only") from None
    if not ((np.abs(numbers[:, 0]) <= _LAST_FRAME) & (numbers[:, 0] == np.rint(numbers[:, 0]))).all():
        raise InputError(path, "every row needs a whole number of a frame in its first column", "export the file again")
    given = header.get("Units", units)
    factor = find_factor(given, units)
    if factor is None:
        raise InputError(
            path, f"is in {given!r}, the rig in {units!r}", f"known units are {', '.join(UNITS)}, and arbitrary ones are in no other"
        )
    points = numbers[:, 2:].reshape(len(rows), len(joints), 3)[:, :, ["XYZ".index(axis) for axis in axes]] * factor
    return make_joints(numbers[:, 0].astype(np.int64) - 1, joints, points)
