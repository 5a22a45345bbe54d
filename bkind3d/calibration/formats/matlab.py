"""MATLAB's cameras, which two formats have.

MATLAB multiplies row vectors from the left, ``[X 1] [R; t] K``, so its matrices are the transposed ones of OpenCV. Its
first pixel is (1, 1), OpenCV's (0, 0). Distortion is the same, and the skew of K counts.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bkind3d.calibration.formats.reading import read_fields
from bkind3d.config import InputError
from bkind3d.data.apart import read_apart

#: Variables that hold cameras: of Label3D, and of Rat7M.
_VARIABLES = ("params", "camnames", "cameras")


def read_variables(path: Path, names: Sequence[str] = _VARIABLES) -> dict[str, Any]:
    """Read the variables of a MATLAB file (any version) that may hold cameras."""
    return read_apart(partial(_read_variables, names=names), path)


def _read_variables(path: Path, names: Sequence[str]) -> dict[str, Any]:
    import pymatreader

    try:
        content = pymatreader.read_mat(path, variable_names=list(names))
    except Exception as error:
        # The reader meets damage anywhere in it, with any exception there is.
        raise InputError(path, f"is not a MATLAB file, or damaged ({type(error).__name__})", "copy it again") from None
    return {name: content[name] for name in names if name in content}


def convert_camera(name: str, camera: Any, keys: Sequence[tuple[str, ...]], path: Path) -> dict[str, Any]:
    """MATLAB's camera in OpenCV's conventions; `keys` are the fields of intrinsics, distortions, rotation and translation."""
    where = f"{path}: camera {name!r}"
    fields = ((names[0], names, shape) for names, shape in zip(keys, ((3, 3), None, None, (3, 3), (3,)), strict=True))
    found = read_fields(camera if isinstance(camera, Mapping) else {}, fields, where, "save the calibration again", "field ")
    matrix, radial, tangential, rotation, translation = found.values()
    if np.isfinite(matrix).all() and (matrix[:2, 2].any() or not matrix[2, 2]):
        raise InputError(where, f"{keys[0][0]} has no principal point in its last row, so it is not MATLAB's", "transpose it")
    if len(radial) not in (2, 3) or len(tangential) != 2:
        raise InputError(
            where,
            f"has {len(radial)} radial and {len(tangential)} tangential distortion coefficients, expected 2 or 3, and 2",
            "save the calibration again",
        )
    matrix = matrix.T.copy()
    matrix[:2, 2] -= 1
    k1, k2, k3 = [*radial, 0.0][:3]
    return {
        "name": name,
        "matrix": matrix,
        "distortions": np.array([k1, k2, *tangential, k3]),
        "rotation": rotation.T,
        "translation": translation,
    }
