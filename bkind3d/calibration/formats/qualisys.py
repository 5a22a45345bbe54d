"""Qualisys' calibration files (``.qca.txt``, which is XML): lengths in mm, pictures in 64ths of a pixel."""

import logging
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from jaxtyping import Shaped
from numpy.typing import NDArray

from bkind3d.calibration.formats.reading import GivenRig, begins_with, read_numbers, read_xml
from bkind3d.config import InputError

log = logging.getLogger(__name__)

_SUBPIXELS = 64
_LENS = ("focalLengthU", "focalLengthV", "centerPointU", "centerPointV", "skew")
_DISTORTION = ("radialDistortion1", "radialDistortion2", "tangentalDistortion1", "tangentalDistortion2", "radialDistortion3")
_ROTATION = tuple(f"r{row}{column}" for row in (1, 2, 3) for column in (1, 2, 3))


def recognise(path: Path) -> bool:
    """Whether an XML file is of Qualisys."""
    return begins_with(path, b"<calibration")


def read(path: Path) -> GivenRig:
    """Read all cameras of the file, named by their serial numbers.

    ``transform`` has the camera's position and, in rows, the axes of a camera that looks along -z with y up, so two axes
    are turned. Distortion coefficients are those of coordinates divided by the depth, thus without units: unlike lengths
    in the picture, they are not in 64ths.
    """
    cameras = read_xml(path).findall("cameras/camera")
    if not cameras:
        raise InputError(
            path,
            "has no element 'cameras/camera', so it is not a calibration of Qualisys",
            "give a file of this format, or say which it has",
        )
    tables = {}
    for index, camera in enumerate(cameras):
        name = camera.get("serial") or str(index + 1)
        if name in tables:
            raise InputError(path, f"two cameras have the serial number {name!r}", "rename one")
        if camera.get("viewrotation") not in (None, "", "0"):
            log.warning(
                "%s: camera %s is shown turned by %s degrees in Qualisys; its calibration is for the picture as the sensor has it",
                path, name, camera.get("viewrotation"),
            )  # fmt: skip
        where = f"{path}: camera {name!r}"
        left, top, right, bottom = _read_attributes(camera, "fov_video", ("left", "top", "right", "bottom"), where)
        focal_u, focal_v, centre_u, centre_v, skew = _read_attributes(camera, "intrinsic", _LENS, where) / _SUBPIXELS
        distortion = _read_attributes(camera, "intrinsic", _DISTORTION, where)
        rotation = np.diag([1.0, -1.0, -1.0]) @ _read_attributes(camera, "transform", _ROTATION, where).reshape(3, 3)
        tables[name] = {
            "name": name,
            "size": (right - left + 1, bottom - top + 1),
            "matrix": np.array([[focal_u, skew, centre_u - left], [0, focal_v, centre_v - top], [0, 0, 1]]),
            "distortions": distortion,
            "rotation": rotation,
            "translation": -rotation @ _read_attributes(camera, "transform", ("x", "y", "z"), where),
        }
    return GivenRig(tables, units="mm")


def _read_attributes(camera: ElementTree.Element, tag: str, names: tuple[str, ...], where: str) -> Shaped[NDArray, "..."]:
    element = camera.find(tag)
    if element is None:
        raise InputError(where, f"element {tag!r} is missing", "export the calibration again")
    lacking = [name for name in names if name not in element.attrib]
    if lacking:
        raise InputError(where, f"element {tag!r} has no {lacking[0]!r}", "export the calibration again")
    return read_numbers([element.get(name) for name in names], (len(names),), where, f"element {tag!r}")
