"""Bouguet's Camera Calibration Toolbox for MATLAB: ``Calib_Results_stereo.mat``."""

from pathlib import Path
from typing import Any

import numpy as np

from bkind3d.calibration.formats.matlab import read_variables
from bkind3d.calibration.formats.reading import Field, GivenRig, read_fields
from bkind3d.config import InputError

_VARIABLES = ("nx", "ny", "R", "T", "fc", *(f"{key}_{side}" for side in ("left", "right") for key in ("fc", "cc", "alpha_c", "kc")))
_SIDE: tuple[Field, ...] = (("fc", ("fc",), (2,)), ("cc", ("cc",), (2,)), ("alpha_c", ("alpha_c",), (1,)), ("kc", ("kc",), (5,)))
_PAIR: tuple[Field, ...] = (("R", ("R",), (3, 3)), ("T", ("T",), (3,)))


def recognise(path: Path) -> bool:
    """Whether a MATLAB file is the toolbox's, of one camera or of two."""
    return bool({"fc_left", "fc"} & set(read_variables(path, _VARIABLES)))


def read(path: Path) -> GivenRig:
    """Read both cameras, ``left``, whose frame is the world, and ``right``: ``x_right = R x_left + T``, in OpenCV's conventions.

    Units are those of the board's squares, mostly mm. The skew is ``alpha_c`` times the first focal length.
    """
    content = read_variables(path, _VARIABLES)
    if "fc_left" not in content:
        what = "holds one camera of the toolbox and no pair" if "fc" in content else "has no variable 'fc_left', so it is not the toolbox's"
        raise InputError(path, what, "give Calib_Results_stereo.mat, which the toolbox's stereo calibration writes")
    advice = "save the stereo calibration again"
    pair = read_fields(content, _PAIR, path, advice, "variable ")
    poses = {"left": (np.eye(3), np.zeros(3)), "right": (pair["R"], pair["T"])}
    tables: dict[str, dict[str, Any]] = {}
    for side, (rotation, translation) in poses.items():
        fields = [(key, (f"{names[0]}_{side}",), shape) for key, names, shape in _SIDE]
        found = read_fields(content, fields, path, advice, "variable ")
        (fx, fy), (cx, cy), skew = found["fc"], found["cc"], found["alpha_c"][0] * found["fc"][0]
        matrix = np.array([[fx, skew, cx], [0, fy, cy], [0, 0, 1]])
        tables[side] = {"name": side, "matrix": matrix, "distortions": found["kc"], "rotation": rotation, "translation": translation}
        if {"nx", "ny"} <= set(content):
            tables[side]["size"] = (float(content["nx"]), float(content["ny"]))
    return GivenRig(tables)
