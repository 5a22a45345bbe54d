"""Calibrations that others made: read, matched with the sheet's cameras, and written in this project's form."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from bkind3d.config import InputError
from bkind3d.data.calibration_files import read_calibration, write_calibration
from bkind3d.data.camera_names import match_cameras
from bkind3d.data.parquet import TABLES, write_table
from bkind3d.geometry.cameras import Camera, upright_rotation

log = logging.getLogger(__name__)


def import_calibration(
    path: str | Path, units: str, cameras: Sequence[str] | None, output: str | Path, quality: str | Path, up: str = "z"
) -> None:
    """Import a calibration in aniposelib's or Pose2Sim's TOML format.

    Parameters
    ----------
    path : the file.
    units : of its world.
    cameras : names in the sheet, all of which have to be there; every camera of the file under its own name without them.
    output : calibration to write.
    quality : table ``calibration`` to write; its errors are unknown, but for what the file says.
    up : axis of the file's world that points up; the world is turned so that it is z.
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
    turn = upright_rotation(up)
    named = {name: replace(found[source].moved(turn, np.zeros(3)), name=name) for name, source in matched.items()}
    _warn_of_scale(named, units, path)
    unknown = {column: np.nan for column in TABLES["calibration"]} | {"n_board_frames": 0, "n_points": 0}
    error = metadata.get("error")
    details = {"units": units, "source": Path(path).name, "error": error if isinstance(error, float) and error > 0 else None}
    write_table(pd.DataFrame([unknown | {"camera": name} for name in named]), "calibration", quality, details)
    write_calibration(named, output, units, {key: value for key, value in details.items() if key != "units"})


def _warn_of_scale(cameras: Mapping[str, Camera], units: str, path: str | Path) -> None:
    """Cameras that are millimetres apart in metres, or kilometres in millimetres, are in other units than the sheet says."""
    centres = np.stack([camera.centre for camera in cameras.values()])
    size = float(np.linalg.norm(np.ptp(centres, axis=0)))
    metres = size * {"m": 1.0, "cm": 0.01, "mm": 0.001}.get(units, np.nan)
    if metres < 0.03 or metres > 300:
        log.warning("%s: the cameras are %.3g %s apart; is that the right unit?", path, size, units)
