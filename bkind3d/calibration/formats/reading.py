"""Any calibration file: which format it has, and its cameras, checked."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bkind3d.calibration.formats.anipose import read_aniposelib, read_caliscope
from bkind3d.calibration.formats.deepfly3d import read_deepfly3d
from bkind3d.calibration.formats.given import GivenRig, read_numbers
from bkind3d.calibration.formats.human36m import read_human36m
from bkind3d.calibration.formats.matlab import read_dannce, read_rat7m, read_variables
from bkind3d.calibration.formats.opencv import read_opencv
from bkind3d.calibration.formats.qualisys import read_qualisys
from bkind3d.config import InputError
from bkind3d.data.calibration_files import build_cameras, check_no_copies
from bkind3d.data.calibration_formats import Size, is_caliscope, list_formats, read_toml
from bkind3d.geometry.cameras import Camera

log = logging.getLogger(__name__)

READERS = {
    "aniposelib": read_aniposelib,
    "caliscope": read_caliscope,
    "dannce": read_dannce,
    "rat7m": read_rat7m,
    "qualisys": read_qualisys,
    "opencv": read_opencv,
    "deepfly3d": read_deepfly3d,
}
#: Bytes at the beginning of an XML file that tell its format.
_HEAD = 4096


def read_given_cameras(
    path: str | Path, format_name: str | None = None, subject: str | None = None, sizes: Mapping[str, Size] | None = None
) -> tuple[dict[str, Camera], GivenRig]:
    """Read the cameras of a file of any format.

    Parameters
    ----------
    path : the file.
    format_name : a key of ``CALIBRATION_FORMATS``; guessed from ending and content without it.
    subject : whose cameras, for Human3.6M.
    sizes : (width, height) of the pictures that were calibrated, by camera (empty name: all), where the file does not know.

    Returns
    -------
    cameras : by name, in the file's world.
    given : what else the file says.
    """
    path = Path(path)
    head = _read_head(path)
    if not head:
        raise InputError(f"{path}: is empty; copy it again")
    name = format_name or _guess_format(path, head)
    if name == "human36m":
        if not subject:
            raise InputError(f"{path}: Human3.6M has cameras per subject; name one (S1 to S11) with --subject, or in the sheet of rigs")
        given = read_human36m(path, subject)
    elif subject:
        raise InputError(f"{path}: only calibrations of Human3.6M have subjects, this one is of {name}; leave the subject out")
    else:
        given = READERS[name](path)
    given = replace(given, tables=_fill_sizes(given, sizes or {}, path))
    cameras = build_cameras(given.tables, path)
    check_no_copies(cameras, path)
    _warn_of_sizes(cameras, path)
    return cameras, given


def _guess_format(path: Path, head: bytes) -> str:
    """The format of a file, by its ending and, where several have this ending, by its content."""
    formats = list_formats(path)
    if formats == ["aniposelib", "caliscope"]:
        return "caliscope" if is_caliscope(read_toml(path)) else "aniposelib"
    if formats == ["dannce", "rat7m"]:
        return "rat7m" if "cameras" in read_variables(path) else "dannce"
    if "human36m" in formats:
        return "opencv" if b"<opencv_storage" in head else "qualisys" if b"<calibration" in head else "human36m"
    return formats[0]


def _read_head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def _fill_sizes(given: GivenRig, sizes: Mapping[str, Size], path: Path) -> dict[str, dict[str, Any]]:
    """The tables with a picture size each: intrinsics mean nothing without it."""
    names = [str(table.get("name", section)) for section, table in given.tables.items()]
    stray = sorted(set(sizes) - {"", *names})
    if stray:
        raise InputError(f"{path}: has no camera {stray[0]!r}, whose size is given; it has {', '.join(names)}")
    filled = {}
    for section, table in given.tables.items():
        name = str(table.get("name", section))
        told = sizes.get(name, sizes.get(""))
        size = table.get("size")
        if size is None and told is None:
            raise InputError(
                f"{path}: camera {name!r}: the file does not say for which picture size it is; "
                "give the width and height of the pictures that were calibrated (--size 1280x1024, or in the sheet of rigs)"
            )
        if size is not None and told is not None and tuple(read_numbers(size, (2,), f"{path}: camera {name!r}: size")) != told:
            raise InputError(
                f"{path}: camera {name!r} is for {size[0]}x{size[1]} pixels, the size given is {told[0]}x{told[1]}; leave it out"
            )
        filled[section] = {**table, "size": told if size is None else size}
    return filled


def _warn_of_sizes(cameras: Mapping[str, Camera], path: Path) -> None:
    """A principal point outside of the picture is possible, but mostly means that the size is another camera's."""
    for camera in cameras.values():
        x, y = camera.matrix[:2, 2]
        if not (-0.5 <= x <= camera.size[0] - 0.5 and -0.5 <= y <= camera.size[1] - 0.5):
            log.warning(
                "%s: the principal point of camera %s, (%.1f, %.1f), lies outside of its picture of %dx%d pixels; is the size right?",
                path, camera.name, x, y, *camera.size,
            )  # fmt: skip
