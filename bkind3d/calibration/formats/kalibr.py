"""Kalibr's chains of cameras (``camchain*.yaml``); metres."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bkind3d.calibration.formats.reading import GivenRig, begins_with, read_numbers
from bkind3d.config import InputError, read_values

#: Numbers of coefficients by Kalibr's names of the models of distortion that OpenCV has, too.
_DISTORTIONS = {"radtan": 4, "plumb_bob": 5, "equidistant": 4, "none": 0}


def recognise(path: Path) -> bool:
    """Whether a YAML file is Kalibr's."""
    return begins_with(path, b"camera_model")


def read(path: Path) -> GivenRig:
    """Read all cameras; the world is the one of ``T_cam_imu``, or else the first camera's.

    ``T_cn_cnm1`` takes points of the camera before to those of this one, ``T_cam_imu`` those of the body.
    """
    content = read_values(path)
    cameras = {str(key): value for key, value in content.items() if isinstance(value, dict)} if isinstance(content, dict) else {}
    cameras = {name: values for name, values in cameras.items() if "camera_model" in values}
    if not cameras:
        raise InputError(
            path, "holds no cameras with 'camera_model', so it is not Kalibr's", "give camchain.yaml, or say which format it has"
        )
    by_body = all("T_cam_imu" in values for values in cameras.values())
    tables, pose = {}, np.eye(4)
    for index, (name, values) in enumerate(cameras.items()):
        where = f"{path}: camera {name!r}"
        if by_body:
            pose = _read_pose(values, "T_cam_imu", where)
        elif index:
            pose = _read_pose(values, "T_cn_cnm1", where) @ pose
        tables[name] = {**_read_lens(values, where), "name": name, "rotation": pose[:3, :3], "translation": pose[:3, 3]}
    return GivenRig(tables, units="m")


def _read_pose(values: Mapping[str, Any], key: str, where: str) -> Any:
    if key not in values:
        raise InputError(where, f"{key!r} is missing", "calibrate all cameras in one run of Kalibr")
    return read_numbers(values[key], (4, 4), where, repr(key))


def _read_lens(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    model, bent = values.get("camera_model"), str(values.get("distortion_model", "none")).lower()
    if model != "pinhole" or bent not in _DISTORTIONS:
        what = f"is of the model {model!r} with distortion {bent!r}, which OpenCV does not have"
        raise InputError(where, what, "calibrate with pinhole-radtan or pinhole-equi")
    fx, fy, cx, cy = read_numbers(values.get("intrinsics"), (4,), where, "'intrinsics'")
    given = read_numbers(values.get("distortion_coeffs", []), None, where, "'distortion_coeffs'")
    if bent != "none" and len(given) != _DISTORTIONS[bent] and not (bent == "radtan" and len(given) == 5):
        raise InputError(where, f"has {len(given)} coefficients of {bent}, expected {_DISTORTIONS[bent]}", "calibrate again")
    table = {"matrix": np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]), "fisheye": bent == "equidistant"}
    table["distortions"] = np.zeros(5) if bent == "none" else given
    if "resolution" in values:
        table["size"] = read_numbers(values["resolution"], (2,), where, "'resolution'")
    return table
