"""A calibration in the formats of other programs."""

import logging
from pathlib import Path

import numpy as np

from bkind3d.calibration.formats.reading import load_format
from bkind3d.config import InputError
from bkind3d.data.calibration_files import read_calibration
from bkind3d.data.calibration_formats import CALIBRATION_FORMATS
from bkind3d.data.parquet import replaced_when_complete

log = logging.getLogger(__name__)

EXPORT_FORMATS = [name for name, row in CALIBRATION_FORMATS.items() if row.written]


def export_calibration(path: str | Path, output: str | Path, format_name: str | None = None) -> None:
    """Write the calibration `path` to `output`, as TOML of aniposelib or OpenCV's FileStorage (guessed by the ending).

    What neither can say is told: the skew of a camera's matrix, which both pass over.
    """
    formats = [name for name in EXPORT_FORMATS if Path(output).suffix.lower() in CALIBRATION_FORMATS[name].endings]
    if not formats or format_name not in (None, *formats):
        endings = {name: " ".join(CALIBRATION_FORMATS[name].endings) for name in EXPORT_FORMATS if format_name in (None, name)}
        raise InputError(
            f"{output}: has another ending than {' or '.join(f'{known} ({name})' for name, known in endings.items())}; rename it"
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
