"""Calibrations that others made: read, matched with the sheet's cameras, and written in this project's form."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from bkind3d.config import InputError
from bkind3d.data.calibration_files import read_calibration, write_calibration
from bkind3d.data.parquet import TABLES, write_table
from bkind3d.geometry.cameras import Camera

log = logging.getLogger(__name__)


def import_calibration(path: str | Path, units: str, cameras: Sequence[str] | None, output: str | Path, quality: str | Path) -> None:
    """Import a calibration in aniposelib's or Pose2Sim's TOML format.

    Parameters
    ----------
    path : the file.
    units : of its world.
    cameras : names in the sheet, all of which have to be there; every camera of the file under its own name without them.
    output : calibration to write.
    quality : table ``calibration`` to write; its errors are unknown, but for what the file says.
    """
    found, metadata = read_calibration(path)
    given = metadata.get("units")
    if isinstance(given, str) and given and given != units:
        raise InputError(f"{path}: is in {given!r}, the sheet of rigs says {units!r}; correct the sheet")
    matched = match_cameras(found, cameras or list(found), path)
    if len(matched) < 2:
        raise InputError(f"{path}: {len(matched)} camera is used, at least 2 are needed")
    unused = [name for name in found if name not in matched.values()]
    if unused:
        log.info("%s: cameras that the sheet does not name are left out: %s", path, ", ".join(unused))
    named = {name: replace(found[source], name=name) for name, source in matched.items()}
    _warn_of_scale(named, units, path)
    unknown = {column: np.nan for column in TABLES["calibration"]} | {"n_board_frames": 0, "n_points": 0}
    error = metadata.get("error")
    details = {"units": units, "source": Path(path).name, "error": error if isinstance(error, float) and error > 0 else None}
    write_table(pd.DataFrame([unknown | {"camera": name} for name in named]), "calibration", quality, details)
    write_calibration(named, output, units, {key: value for key, value in details.items() if key != "units"})


def match_cameras(found: Mapping[str, Camera], wanted: Sequence[str], path: str | Path) -> dict[str, str]:
    """The calibration's name of every wanted camera: the same, or the only one with the same number (cam_01, cam1)."""
    matched = {}
    for name in wanted:
        alike = [name] if name in found else [other for other in found if _digits(other) is not None and _digits(other) == _digits(name)]
        if len(alike) != 1:
            what = "is not in the calibration" if not alike else f"could be any of {', '.join(alike)}"
            raise InputError(f"{path}: camera {name!r} of the sheet {what}; it has {', '.join(found)}")
        if alike[0] in matched.values():
            raise InputError(f"{path}: two cameras of the sheet are matched with {alike[0]!r}; name them as in the calibration: {', '.join(found)}")
        matched[name] = alike[0]
    return matched


def _digits(name: str) -> int | None:
    """The only number in a name."""
    numbers = re.findall(r"\d+", name)
    return int(numbers[0]) if len(numbers) == 1 else None


def _warn_of_scale(cameras: Mapping[str, Camera], units: str, path: str | Path) -> None:
    """Cameras that are millimetres apart in metres, or kilometres in millimetres, are in other units than the sheet says."""
    centres = np.stack([camera.centre for camera in cameras.values()])
    size = float(np.linalg.norm(np.ptp(centres, axis=0)))
    metres = size * {"m": 1.0, "cm": 0.01, "mm": 0.001}.get(units, np.nan)
    if metres < 0.03 or metres > 300:
        log.warning("%s: the cameras are %.3g %s apart; is that the right unit?", path, size, units)
