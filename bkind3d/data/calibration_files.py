"""Calibration files: a rig's cameras in aniposelib's TOML format, which is this project's own.

One table per camera (``name``, ``size``, ``matrix``, ``distortions``, ``rotation`` as a rotation vector, ``translation``,
``fisheye``) and a table ``metadata`` (``units`` and whatever the writer knows about the quality).
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bkind3d.config import InputError, check_values
from bkind3d.data.calibration_formats import find_tables, read_toml
from bkind3d.data.crops import Part, read_part
from bkind3d.data.writing import replaced_when_complete
from bkind3d.geometry.cameras import Array, Camera
from bkind3d.geometry.lenses import measure_reach

log = logging.getLogger(__name__)

#: Numbers of distortion coefficients that OpenCV's pinhole model understands.
_DISTORTION_LENGTHS = (4, 5, 8, 12, 14)
#: Largest difference, as a share of a picture's side, that is taken for a codec's crop (1088 recorded, 1080 stored).
_CROP_SHARE = 0.01
#: Numbers in a field of a rig's cameras, pixels of a picture's side, focal lengths as shares of it, and whatever else is said of a camera:
#: what is beyond was not measured.
_MOST_NUMBERS, _LONGEST_SIDE, _FOCAL_SHARES, _LARGEST = 100_000, 100_000, (1e-3, 1e4), 1e9


#: A lens that shows less of the way to the farthest corner cannot be right there: real ones, fit to the middle of their pictures, turned back
#: at 0.65 of it. Angles (degrees) to the optical axis that no lens without a fisheye's model has at the edge, and what distortion does at most.
_LEAST_SHARE, _WIDEST, _MOST_STRETCH = 0.5, 85.0, 4.0
#: A longer rotation vector is in degrees, or none.
_LONGEST_TURN = 2 * np.pi + 0.1


def read_calibration(path: str | Path, allow_copies: bool = False) -> tuple[dict[str, Camera], dict[str, Any]]:
    """Read the cameras of a rig; `allow_copies` for those who look for copies themselves.

    Returns
    -------
    cameras : by name, in the order of the file.
    metadata : the table ``metadata`` of the file (``units`` if the writer knew them).

    Raises
    ------
    InputError : where a key is missing, a number is not finite, a matrix is no camera's, fewer than two cameras are
        there, or one is a copy of another.
    """
    content = read_toml(path)
    metadata = content.get("metadata")
    cameras = build_cameras(find_tables(content, path), path)
    if not allow_copies:
        check_no_copies(cameras, path)
    return cameras, metadata if isinstance(metadata, dict) else {}


def build_cameras(tables: Mapping[str, Mapping[str, Any]], path: str | Path) -> dict[str, Camera]:
    """The cameras of a rig, by name, out of what the file `path` says about each of them.

    Parameters
    ----------
    tables : per camera what this project's own format has: ``name``, ``size``, ``matrix``, ``distortions``, ``rotation``
        (vector or matrix), ``translation`` and ``fisheye``, in OpenCV's conventions; by where it stands in the file.

    Raises
    ------
    InputError : as :func:`read_calibration`; whether cameras are copies is :func:`check_no_copies`'s matter.
    """
    cameras: dict[str, Camera] = {}
    for section, values in tables.items():
        camera = _read_camera(values, f"{path}: camera {values.get('name', section)!r}")
        if camera.name in cameras:
            raise InputError(path, f"two cameras are named {camera.name!r}", "rename one")
        cameras[camera.name] = camera
    if len(cameras) < 2:
        raise InputError(path, f"has {len(cameras)} camera(s), at least 2 are needed for 3D", "give the calibration of all cameras")
    return cameras


def write_calibration(cameras: Mapping[str, Camera], path: str | Path, units: str, metadata: Mapping[str, Any] | None = None) -> None:
    """Write `cameras` with every digit; `metadata` holds numbers, texts, lists and tables of them.

    Rotation and translation are world to camera, translation in `units`.
    """
    lines = []
    for index, camera in enumerate(cameras.values()):
        values = {
            "name": camera.name,
            "size": list(camera.size),
            "matrix": camera.matrix.tolist(),
            "distortions": camera.distortion.tolist(),
            "rotation": cv2.Rodrigues(camera.rotation)[0].ravel().tolist(),
            "translation": camera.translation.tolist(),
            "fisheye": camera.fisheye,
        }
        lines += [f"[cam_{index}]", *(f"{key} = {_format_value(value)}" for key, value in values.items()), ""]
    entries = {"units": units, **(metadata or {})}
    lines += ["[metadata]", *(f"{json.dumps(key)} = {_format_value(value)}" for key, value in entries.items() if value is not None), ""]
    with replaced_when_complete(path) as temporary:
        temporary.write_text("\n".join(lines), encoding="utf-8")


def fit_camera_to_survey(camera: Camera, metadata: Mapping[str, Any], source: str | Path) -> Camera:
    """:func:`fit_camera_to_video` for the video that a survey table, whose `metadata` these are, was made of."""
    return fit_camera_to_video(camera, (int(metadata["video_width"]), int(metadata["video_height"])), source, read_part(metadata))


def fit_camera_to_video(camera: Camera, size: tuple[int, int], source: str | Path, part: Part | None = None) -> Camera:
    """The camera, which was read from the file `source`, for a video of `size` (width, height) that may be another.

    Equal aspect: pixels are scaled. One or both sides off by at most 1 %: a codec's crop, the origin stays. Either is said. A video that is
    `part` of a larger picture: the calibration is of the part, or of the larger picture, as its size says.

    Raises
    ------
    InputError : where the aspects differ, and nobody can know what the video shows of the calibrated picture; or it fits both.
    """
    if camera.size == size:
        return camera
    if part is not None and is_of_whole(camera.size, part, source, camera.name):
        log.warning(
            "%s: camera %s: calibrated for the whole picture of %dx%d, the camera's part of it is %s: taken as that part",
            source, camera.name, *camera.size, part.crop,
        )  # fmt: skip
        return _cut_camera(camera, part, source)
    ratio_x, ratio_y = size[0] / camera.size[0], size[1] / camera.size[1]
    if abs(ratio_x - 1) <= _CROP_SHARE and abs(ratio_y - 1) <= _CROP_SHARE:
        log.warning(
            "%s: camera %s: calibrated at %dx%d, video is %dx%d: taken as a crop at the right or lower edge",
            source, camera.name, *camera.size, *size,
        )  # fmt: skip
        return replace(camera, size=size)
    # A side that was rounded to a whole pixel changes the aspect by up to half a pixel.
    if abs(camera.size[1] * ratio_x - size[1]) <= 1 or abs(camera.size[0] * ratio_y - size[0]) <= 1:
        log.warning("%s: camera %s: calibrated at %dx%d, video is %dx%d: scaled", source, camera.name, *camera.size, *size)
        return camera.resized(size)
    raise InputError(
        source,
        f"camera {camera.name!r}: the calibration is for {camera.size[0]}x{camera.size[1]} pixels, the video has {size[0]}x{size[1]}",
        "the aspect differs, so it is another crop or another camera: calibrate at the video's size",
    )


def is_of_whole(size: tuple[int, int], part: Part, source: str | Path, name: str) -> bool:
    """Whether a calibration for pictures of `size` is for the whole picture, and not for the `part` of it that camera `name` has.

    Raises
    ------
    InputError : where, scaled, it could be either.
    """
    if part.crop.size in (size, part.whole):
        return False
    if size == part.whole:
        return True
    whole, cut = (abs(size[1] * other[0] / size[0] - other[1]) <= 1 for other in (part.whole, part.crop.size))
    if whole and cut:
        what = f"camera {name!r}: the calibration is for {size[0]}x{size[1]} pixels, which may be the crop {part.crop} or the whole picture"
        raise InputError(source, f"{what} ({part.whole[0]}x{part.whole[1]}), scaled", "calibrate at the size of either")
    return whole


def _cut_camera(camera: Camera, part: Part, source: str | Path) -> Camera:
    """A camera of whole pictures, for one part of them."""
    crop = part.crop
    if crop.flip:
        what = f"camera {camera.name!r} is calibrated for the whole picture, and its crop {crop} is mirrored"
        raise InputError(source, what, "calibrate the mirrored crop, or write the crop without flip if the calibration is of such pictures")
    whole = camera.resized(part.whole)
    matrix = whole.matrix.copy()
    matrix[:2, 2] -= crop.x, crop.y
    return replace(whole, size=crop.size, matrix=matrix)


def _read_camera(values: Mapping[str, Any], where: str) -> Camera:
    fisheye = bool(values.get("fisheye", False))
    size = _read_array(values, "size", [(2,)], where)
    matrix = _read_array(values, "matrix", [(3, 3)], where)
    distortion = _read_array(values, "distortions", [(4,)] if fisheye else [(n,) for n in _DISTORTION_LENGTHS], where)
    rotation = _read_array(values, "rotation", [(3,), (3, 3)], where)
    translation = _read_array(values, "translation", [(3,)], where)
    if not 1 <= size.min() <= size.max() <= _LONGEST_SIDE or np.abs(size - size.round()).max() > 1e-6:
        raise InputError(where, f"size {size.tolist()} is not a number of pixels (width, height)", "correct it")
    if matrix[0, 0] <= 0 or matrix[1, 1] <= 0 or not np.allclose(matrix[2], [0, 0, 1]) or matrix[1, 0] != 0:
        raise InputError(
            where,
            f"matrix {matrix.tolist()} is not [[fx, 0, cx], [0, fy, cy], [0, 0, 1]] with positive focal lengths",
            "calibrate this camera again",
        )
    shares = matrix.diagonal()[:2] / size.max()
    if not _FOCAL_SHARES[0] <= shares.min() <= shares.max() <= _FOCAL_SHARES[1]:
        found = f"focal lengths {matrix[0, 0]:g} and {matrix[1, 1]:g}"
        raise InputError(where, f"{found} are no lens's for a picture of {size[0]:g}x{size[1]:g} pixels", "calibrate this camera again")
    if rotation.shape == (3,):
        if np.linalg.norm(rotation) > _LONGEST_TURN:
            what = f"rotation {rotation.round(3).tolist()} is a turn of {np.linalg.norm(rotation):.4g} radians"
            raise InputError(where, what, "is it in degrees? write radians, as a rotation vector (no Euler angles)")
        rotation = np.asarray(cv2.Rodrigues(rotation)[0])
    elif not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-4) or np.linalg.det(rotation) < 0:
        raise InputError(
            where, "rotation is not a rotation matrix (rows must be orthonormal, determinant 1)", "calibrate this camera again"
        )
    if distortion.shape == (4,) and not fisheye:
        distortion = np.append(distortion, 0.0)
    name = values.get("name")
    if not isinstance(name, str) or not name:
        raise InputError(where, "key 'name' is missing", "write the camera's name")
    camera = Camera(name, (round(size[0]), round(size[1])), matrix, distortion, rotation, translation, fisheye)
    _check_lens(camera, where)
    return camera


def _check_lens(camera: Camera, where: str) -> None:
    """Refuse a lens that cannot show what its picture shows."""
    lens = measure_reach(camera)
    if lens.share < _LEAST_SHARE:
        what = f"its distortion {camera.distortion.tolist()} turns back at {100 * lens.share:.0f} % of the way to the corner of the picture"
        raise InputError(where, what, "are the coefficients in OpenCV's order (k1 k2 p1 p2 k3), and for this matrix?")
    if lens.angle > _WIDEST:
        what = f"sees {2 * lens.angle:.1f} degrees with focal lengths of {camera.matrix[0, 0]:g} and {camera.matrix[1, 1]:g} pixels"
        raise InputError(where, what, "are they in pixels of this picture size?")
    if not 1 / _MOST_STRETCH < lens.stretch < _MOST_STRETCH:
        what = f"its distortion {camera.distortion.tolist()} makes things {max(lens.stretch, 1 / lens.stretch):.1f} times as large or small"
        raise InputError(where, what, "are the coefficients those of coordinates divided by the depth?")


def _read_array(values: Mapping[str, Any], key: str, shapes: list[tuple[int, ...]], where: str) -> Array:
    if key not in values:
        raise InputError(where, f"key {key!r} is missing", "calibrate again, or complete the file")
    try:
        array = convert_numbers(values[key])
    except ValueError:
        raise InputError(where, f"{key} is not an array of numbers", "calibrate again, or correct it") from None
    if array.shape not in shapes:
        allowed = " or ".join("x".join(map(str, shape)) for shape in shapes)
        raise InputError(
            where, f"{key} has {'x'.join(map(str, array.shape)) or 'no'} numbers, expected {allowed}", "calibrate again, or correct it"
        )
    if not np.isfinite(array).all():
        raise InputError(where, f"{key} contains a number that is not finite (nan or inf)", "calibrate this camera again")
    if np.abs(array).max() > _LARGEST:
        raise InputError(where, f"{key} contains {np.abs(array).max():g}, which nobody measured", "calibrate this camera again")
    return array


def convert_numbers(values: Any) -> Array:
    """The array that nested lists of numbers are; ValueError where they are something else, or far more than a rig has."""
    try:
        # Lists may hold one list many times, and these again: they are counted before there is an array of them.
        check_values(values, "", _MOST_NUMBERS)
        return np.asarray(values, dtype=np.float64)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"Expected numbers ({error})") from None


def check_no_copies(cameras: Mapping[str, Camera], path: str | Path) -> None:
    """Two cameras in one place with one direction: a file was copied over another."""
    for one, other in combinations(cameras.values(), 2):
        scale = max(float(np.linalg.norm(one.centre)), 1e-9)
        if np.allclose(one.rotation, other.rotation, atol=1e-6) and np.linalg.norm(one.centre - other.centre) <= 1e-6 * scale:
            raise InputError(
                path,
                f"cameras {one.name!r} and {other.name!r} have the same position and direction",
                "one is a copy of the other: calibrate again",
            )


def _format_value(value: Any) -> str:
    """A TOML value with every digit of its numbers."""
    if isinstance(value, str | bool | int | np.integer):  # as in JSON
        return json.dumps(value, ensure_ascii=False, default=int)
    if isinstance(value, float | np.floating):
        return repr(float(value))
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_format_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_format_value(item)}" for key, item in value.items()) + "}"
    raise TypeError(f"Expected a number, text, list or table for TOML, got {type(value).__name__}")
