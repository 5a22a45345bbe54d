"""Calibrations of other programs: read, matched with the sheet's cameras and written in this project's form; and written in theirs."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from bkind3d.calibration.formats.reading import load_format, read_given_cameras
from bkind3d.config import InputError
from bkind3d.data.calibration_files import read_calibration, write_calibration
from bkind3d.data.calibration_formats import CALIBRATION_FORMATS, Size, match_cameras
from bkind3d.data.parquet import TABLES, write_table
from bkind3d.data.writing import replaced_when_complete
from bkind3d.geometry.cameras import Camera, upright_rotation
from bkind3d.geometry.units import METRES

log = logging.getLogger(__name__)

EXPORT_FORMATS = [name for name, row in CALIBRATION_FORMATS.items() if row.written]
#: A rig's cameras lie at least as far apart, and at most (metres).
_SMALLEST_RIG, _LARGEST_RIG = 0.02, 300.0


@dataclass(frozen=True)
class GivenCalibration:
    """A calibration file, and what has to be known to read it.

    Attributes
    ----------
    path, format_name, subject, sizes : as for :func:`bkind3d.calibration.formats.reading.read_given_cameras`.
    units : of its world.
    up : axis of the file's world that points up; the world is turned so that it is z.
    """

    path: str | Path
    units: str
    format_name: str | None = None
    subject: str | None = None
    sizes: Mapping[str, Size] = field(default_factory=dict)
    up: str = "z"


def import_calibration(
    given: GivenCalibration, cameras: Sequence[str] | None, output: str | Path, quality: str | Path | None = None
) -> None:
    """Import a calibration of any known format (docs/calibration-formats.md).

    Parameters
    ----------
    cameras : names in the sheet, all of which have to be there; every camera of the file under its own name without them.
    quality : table ``calibration`` to write; its errors are unknown, but for what the file says.

    Raises
    ------
    InputError : where the file cannot be read, lacks a camera, or cannot be in these units.
    """
    path, units = given.path, given.units
    found, rig = read_given_cameras(path, given.format_name, given.subject, given.sizes)
    if rig.units and rig.units != units:
        raise InputError(path, f"is in {rig.units!r}, the units given are {units!r}", "correct --units, or the sheet of rigs")
    matched = match_cameras(found, cameras or list(found), path)
    if len(matched) < 2:
        raise InputError(path, f"{len(matched)} camera is used, at least 2 are needed", "name more cameras")
    unused = [name for name in found if name not in matched.values()]
    if unused:
        log.info("%s: cameras that the sheet does not name are left out: %s", path, ", ".join(unused))
    turn = upright_rotation(given.up)
    named = {name: replace(found[source].moved(turn, np.zeros(3)), name=name) for name, source in matched.items()}
    check_scale(named, units, path)
    details = {"units": units, "source": Path(path).name, "error": rig.error}
    if quality is not None:
        unknown = {column: np.nan for column in TABLES["calibration"]} | {"n_board_frames": 0, "n_points": 0}
        write_table(pd.DataFrame([unknown | {"camera": name} for name in named]), "calibration", quality, details)
    write_calibration(named, output, units, details)
    log.info(
        "%s: %d cameras (%s)", path, len(named), ", ".join(f"{name} {camera.size[0]}x{camera.size[1]}" for name, camera in named.items())
    )


def check_scale(cameras: Mapping[str, Camera], units: str, path: str | Path) -> None:
    """Cameras that are millimetres apart in metres, or kilometres in millimetres, are in other units than the user says."""
    centres = np.stack([camera.centre for camera in cameras.values()])
    extent = float(np.linalg.norm(np.ptp(centres, axis=0)))
    metres = extent * METRES.get(units, np.nan)
    if metres < _SMALLEST_RIG or metres > _LARGEST_RIG:
        fitting = [other for other, size in reversed(METRES.items()) if _SMALLEST_RIG <= extent * size <= _LARGEST_RIG]
        raise InputError(
            path,
            f"in {units}, the cameras would be {extent:.4g} {units} apart, which cannot be",
            f"give the units of the calibration ({' or '.join(fitting) or 'which are none of ' + ', '.join(METRES)}) with --units, "
            "or in the sheet of rigs; arbitrary where it has no scale",
        )


def export_calibration(path: str | Path, output: str | Path, format_name: str | None = None) -> None:
    """Write the calibration `path` to `output`, as TOML of aniposelib or OpenCV's FileStorage (guessed by the ending).

    What neither can say is told: the skew of a camera's matrix, which both pass over.
    """
    formats = [name for name in EXPORT_FORMATS if Path(output).suffix.lower() in CALIBRATION_FORMATS[name].endings]
    if not formats or format_name not in (None, *formats):
        endings = {name: " ".join(CALIBRATION_FORMATS[name].endings) for name in EXPORT_FORMATS if format_name in (None, name)}
        raise InputError(
            output, f"has another ending than {' or '.join((f'{known} ({name})' for name, known in endings.items()))}", "rename it"
        )
    cameras, metadata = read_calibration(path)
    units = metadata.get("units")
    units = units if isinstance(units, str) else ""
    for camera in cameras.values():
        # How far a program that passes over the skew is off at the picture's upper or lower edge.
        middle = camera.matrix[1, 2]
        reach = max(abs(middle), abs(camera.size[1] - 1 - middle))
        shift = float(np.abs(camera.matrix[0, 1] / camera.matrix[1, 1]) * reach)
        if shift > 0:
            log.warning(
                "%s: camera %s has a skewed matrix, which OpenCV and aniposelib pass over: points are up to %.2f px off there",
                path, camera.name, shift,
            )  # fmt: skip
    with replaced_when_complete(output) as temporary:
        load_format(formats[0]).write(cameras, temporary, units, metadata.get("error"))
