"""VoxelPose's cameras (JSON of Campus and Shelf), whose T is the camera's centre."""

import json
from pathlib import Path

import numpy as np

from bkind3d.calibration.formats.reading import Field, GivenRig, read_fields
from bkind3d.config import InputError, read_values

_FIELDS: tuple[Field, ...] = (
    ("rotation", ("R",), (3, 3)), ("centre", ("T",), (3,)), ("fx", ("fx",), (1,)), ("fy", ("fy",), (1,)), ("cx", ("cx",), (1,)),
    ("cy", ("cy",), (1,)), ("k", ("k",), (3,)), ("p", ("p",), (2,)),
)  # fmt: skip


def recognise(path: Path) -> bool:
    """Whether a JSON file is VoxelPose's."""
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and any(isinstance(camera, dict) and {"R", "T", "fx"} <= set(camera) for camera in content.values())


def read(path: Path) -> GivenRig:
    """Read all cameras, named by their numbers: ``x = R (X - T)``; mm in the files that it brings, which say nothing of it."""
    content = read_values(path)
    cameras = {str(key): value for key, value in content.items() if isinstance(value, dict)} if isinstance(content, dict) else {}
    tables = {}
    for name, camera in cameras.items():
        found = read_fields(camera, _FIELDS, f"{path}: camera {name!r}", "give a calibration of VoxelPose (calibration_*.json)")
        fx, fy, cx, cy = (float(found[key][0]) for key in ("fx", "fy", "cx", "cy"))
        tables[name] = {
            "name": name,
            "matrix": np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]),
            "distortions": np.array([*found["k"][:2], *found["p"], found["k"][2]]),
            "rotation": found["rotation"],
            "translation": -found["rotation"] @ found["centre"],
        }
    if not tables:
        raise InputError(path, "holds no cameras with R, T, fx, fy, cx, cy, k and p, so it is not VoxelPose's", "say which format it has")
    return GivenRig(tables)
