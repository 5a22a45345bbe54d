"""Caliscope's ``camera_array.toml``, which has its cameras in one table."""

import logging
from pathlib import Path

from bkind3d.calibration.formats.reading import GivenRig
from bkind3d.config import InputError
from bkind3d.data.calibration_formats import find_tables, is_caliscope, read_toml

log = logging.getLogger(__name__)


def recognise(path: Path) -> bool:
    """Whether a TOML file is caliscope's."""
    return is_caliscope(read_toml(path))


def read(path: Path) -> GivenRig:
    """Read the cameras; those that caliscope was told to ignore, or could not place, are left out."""
    content = read_toml(path)
    if not is_caliscope(content):
        raise InputError(path, "has no table 'cameras'", "caliscope's file is camera_array.toml")
    tables = {}
    for number, table in find_tables(content, path).items():
        if table.get("ignore") is True or "rotation" not in table:
            log.warning("%s: camera %s is left out: caliscope %s it", path, number, "ignores" if table.get("ignore") else "did not place")
        else:
            tables[number] = table
    return GivenRig(tables)
