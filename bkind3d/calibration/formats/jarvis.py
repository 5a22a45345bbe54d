"""JARVIS' cameras: a folder with a file of OpenCV's YAML for each, in which K and R are stored transposed."""

from pathlib import Path

import numpy as np

from bkind3d.calibration.formats.opencv import read_storage
from bkind3d.calibration.formats.reading import Field, GivenRig, begins_with, read_fields, read_numbers
from bkind3d.config import InputError
from bkind3d.data.apart import read_apart
from bkind3d.geometry.cameras import Array

_FIELDS: tuple[Field, ...] = (
    ("matrix", ("intrinsicMatrix",), (3, 3)), ("distortions", ("distortionCoefficients",), None), ("rotation", ("R",), (3, 3)),
    ("translation", ("T",), (3,)),
)  # fmt: skip
#: How far, as a share of its largest entry, the essential matrix may be from that of the pose.
_ALIKE = 1e-3


def recognise(path: Path) -> bool:
    """Whether a YAML file is a camera of JARVIS."""
    return begins_with(path, b"intrinsicMatrix")


def read(path: Path) -> GivenRig:
    """Read the camera `path` and those beside it, each named by its file; world to camera, OpenCV's axes.

    The pose of a camera is that of the first one's world: with K and R as stored, ``K^T`` and ``R^T x + T``. Essential matrices that
    lie beside the cameras (``Extrinsics_ONE_OTHER.yaml``) have to agree with that.
    """
    beside = sorted(other for other in path.parent.glob("*.y*ml") if other != path and recognise(other))
    tables = {name.stem: _read_camera(name) for name in sorted([path, *beside])}
    for other in sorted(path.parent.glob("Extrinsics_*.y*ml")):
        second = next((name for name in sorted(tables, key=len, reverse=True) if other.stem.endswith(f"_{name}")), None)
        essential = read_apart(read_storage, other).get("E")
        if second is not None and essential is not None:
            _check_essential(tables[second], read_numbers(essential, (3, 3), other, "'E'"), other)
    return GivenRig(tables)


def _read_camera(path: Path) -> dict[str, object]:
    values = read_apart(read_storage, path)
    table = read_fields(values, _FIELDS, path, "give a camera's file of JARVIS, with those of the others beside it")
    matrix = table["matrix"]
    if np.isfinite(matrix).all() and (matrix[:2, 2].any() or not matrix[2, 2]):
        raise InputError(path, "intrinsicMatrix has no principal point in its last row, so it is not JARVIS'", "say which format it has")
    return {"name": path.stem, **table, "matrix": matrix.T, "rotation": table["rotation"].T}


def _check_essential(table: dict[str, object], essential: Array, path: Path) -> None:
    """Whether ``E = [T]x R``, up to scale; poses of another pair are left alone."""
    x, y, z = np.asarray(table["translation"])
    expected = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) @ np.asarray(table["rotation"])
    sizes = np.abs(expected).max(), np.abs(essential).max()
    if min(sizes) > 0 and min(np.abs(expected / sizes[0] - sign * essential / sizes[1]).max() for sign in (1, -1)) > _ALIKE:
        raise InputError(path, f"its essential matrix is not that of camera {table['name']!r}", "are the files of one calibration?")
