"""TOML of aniposelib (also anipose, Lightning Pose, Pose2Sim, FreeMoCap) and of caliscope."""

import logging
from pathlib import Path

from bkind3d.calibration.formats.given import GivenRig
from bkind3d.config import InputError
from bkind3d.data.calibration_formats import find_tables, is_caliscope, read_toml

log = logging.getLogger(__name__)


def read_aniposelib(path: Path) -> GivenRig:
    """Read a TOML file with one table per camera; its conventions are this project's own."""
    content = read_toml(path)
    metadata = content.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    units, error = metadata.get("units"), metadata.get("error")
    return GivenRig(
        find_tables(content, path),
        units if isinstance(units, str) and units else None,
        float(error) if isinstance(error, int | float) and error > 0 else None,
    )


def read_caliscope(path: Path) -> GivenRig:
    """Read ``camera_array.toml``; cameras that caliscope was told to ignore, or could not place, are left out."""
    content = read_toml(path)
    if not is_caliscope(content):
        raise InputError(f"{path}: has no table 'cameras'; caliscope's file is camera_array.toml")
    tables = {}
    for number, table in find_tables(content, path).items():
        if table.get("ignore") is True or "rotation" not in table:
            log.warning("%s: camera %s is left out: caliscope %s it", path, number, "ignores" if table.get("ignore") else "did not place")
        else:
            tables[number] = table
    return GivenRig(tables)
