"""The plain table for whatever has no format of its own: a line for each camera (docs/calibration-formats.md)."""

from pathlib import Path

import numpy as np

from bkind3d.calibration.formats.reading import GivenRig, begins_with
from bkind3d.config import InputError
from bkind3d.data.spreadsheets import read_numbers, read_spreadsheet

#: Columns that every table has, those of the pose in one of two ways, and those that are 0 where they are not there.
_NEEDED = ("width", "height", "fx", "fy", "cx", "cy", "tx", "ty", "tz")
_VECTOR = ("rx", "ry", "rz")
_MATRIX = tuple(f"r{row}{column}" for row in (1, 2, 3) for column in (1, 2, 3))
_DISTORTION = ("k1", "k2", "p1", "p2", "k3")
_MAY_LACK = ("skew", *_DISTORTION, "k4", "fisheye")


def recognise(path: Path) -> bool:
    """Whether a text is such a table."""
    return begins_with(path, b"camera") and begins_with(path, b"fx")


def read(path: Path) -> GivenRig:
    """Read the cameras, in this project's conventions."""
    if not recognise(path):
        raise InputError(
            path, "its first line names no columns 'camera' and 'fx', so it is no table of cameras", "see docs/calibration-formats.md"
        )
    table = read_spreadsheet(path, ("camera", *_NEEDED, *_VECTOR, *_MATRIX, *_MAY_LACK))
    turns = _MATRIX if _MATRIX[0] in table.columns else _VECTOR
    lacking = [name for name in ("camera", *_NEEDED, *turns) if name not in table.columns]
    if lacking:
        raise InputError(path, f"column {lacking[0]!r} is missing", "see docs/calibration-formats.md for what it has to hold")
    strange = [name for name in table.columns if name not in {"camera", *_NEEDED, *turns, *_MAY_LACK}]
    if strange:
        raise InputError(path, f"column {strange[0]!r} is none of such a table", "remove or rename it: docs/calibration-formats.md")
    if (table["camera"] == "").any() or table["camera"].duplicated().any():
        raise InputError(path, "column 'camera' has to name every camera once", "name them as in the sheet of cameras")
    values = {name: read_numbers(table, name, path) for name in table.columns if name != "camera"}
    tables = {}
    for index, name in enumerate(table["camera"]):
        row = {key: float(column[index]) for key, column in values.items()}
        empty = [key for key in (*_NEEDED, *turns) if np.isnan(row[key])]
        if empty:
            raise InputError(f"{path}: camera {name!r}", f"column {empty[0]!r} is empty", "give its number")
        more = {key: 0.0 if np.isnan(row.get(key, np.nan)) else row[key] for key in _MAY_LACK}
        fisheye = bool(more["fisheye"])
        bent = ("k1", "k2", "k3", "k4") if fisheye else _DISTORTION
        stray = [key for key in (*_DISTORTION, "k4") if more[key] and key not in bent]
        if stray:
            what = f"column {stray[0]!r} is no coefficient of a {'fisheye' if fisheye else 'usual'} lens"
            raise InputError(f"{path}: camera {name!r}", what, "a fisheye lens has k1 to k4, others k1 k2 p1 p2 k3")
        tables[str(name)] = {
            "name": str(name),
            "size": (row["width"], row["height"]),
            "matrix": np.array([[row["fx"], more["skew"], row["cx"]], [0, row["fy"], row["cy"]], [0, 0, 1]]),
            "distortions": np.array([more[key] for key in bent]),
            "rotation": np.array([row[key] for key in turns]).reshape((3, 3) if turns is _MATRIX else 3),
            "translation": np.array([row[key] for key in ("tx", "ty", "tz")]),
            "fisheye": fisheye,
        }
    return GivenRig(tables)
