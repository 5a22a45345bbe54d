"""OpenCV's FileStorage (YAML, JSON or XML), in the two ways in which it holds several cameras.

The one is that of OpenCV's own multi-camera calibration (``samples/python/multiview_calibration.py``): ``Ks``,
``distortions``, ``rvecs`` or ``Rs``, ``Ts``, ``image_sizes``, ``is_fisheye`` with a row per camera, and their names in
``cam_ids``, separated by commas. The other has a map per camera, with the names that OpenCV's calibration of one camera
gives (``camera_matrix``, ``distortion_coefficients``, ``image_width``, ``image_height``), a rotation and a translation.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bkind3d.calibration.formats.reading import Field, GivenRig, begins_with, read_fields
from bkind3d.config import InputError
from bkind3d.data.apart import read_apart
from bkind3d.geometry.cameras import Camera

#: What the map of one camera has.
_FIELDS: tuple[Field, ...] = (
    ("matrix", ("camera_matrix",), (3, 3)),
    ("distortions", ("distortion_coefficients",), None),
    ("rotation", ("R", "rotation", "rotation_matrix", "rvec"), None),
    ("translation", ("T", "t", "translation", "translation_vector", "tvec"), (3,)),
)


def recognise(path: Path) -> bool:
    """Whether a file is OpenCV's; of YAML and JSON, in which it has no mark of its own, whether its words are there."""
    return any(begins_with(path, word) for word in (b"<opencv_storage", b"opencv-matrix", b"camera_matrix"))


def read(path: Path) -> GivenRig:
    """Read all cameras of the file; world to camera."""
    matrices = read_apart(read_storage, path)
    units = matrices.get("units")
    if "Ks" in matrices:
        tables = _split_rows(matrices, path)
    else:
        maps = {name: values for name, values in matrices.items() if isinstance(values, dict) and "camera_matrix" in values}
        tables = {name: _read_map(name, values, path) for name, values in maps.items()}
    if not tables:
        raise InputError(
            path,
            "holds no cameras as OpenCV writes them: Ks, distortions, rvecs and Ts, or a map per camera with camera_matrix and a pose",
            "write the file again",
        )
    return GivenRig(tables, units if isinstance(units, str) and units else None)


def write(cameras: Mapping[str, Camera], path: Path, units: str, error: float | None) -> None:
    """Write `cameras` as OpenCV's multi-camera calibration does; the ending of `path` chooses YAML, JSON or XML, none of which has an error."""
    longest = max(len(camera.distortion) for camera in cameras.values())
    content: dict[str, Any] = {
        "Ks": [camera.matrix for camera in cameras.values()],
        "distortions": [np.pad(camera.distortion, (0, longest - len(camera.distortion))) for camera in cameras.values()],
        "rvecs": [cv2.Rodrigues(camera.rotation)[0] for camera in cameras.values()],
        "Ts": [camera.translation[:, None] for camera in cameras.values()],
    }
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    for key, values in content.items():
        storage.write(key, np.asarray(values, dtype=np.float64))
    storage.write("image_sizes", np.array([camera.size for camera in cameras.values()], dtype=np.int32))
    storage.write("is_fisheye", np.array([camera.fisheye for camera in cameras.values()], dtype=np.int32))
    storage.write("cam_ids", ",".join(cameras))
    storage.write("units", units)
    storage.release()


def read_storage(path: Path) -> dict[str, Any]:
    """Everything in the file by name; nothing where it is none of OpenCV's."""
    try:
        storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_READ)
        root = storage.root() if storage.isOpened() else None
        return {key: _read_node(root.getNode(key)) for key in root.keys()} if root is not None and root.isMap() else {}  # noqa: SIM118
    except (cv2.error, UnicodeDecodeError, SystemError):
        return {}


def _read_node(node: Any) -> Any:
    """A matrix, text, number, or map of these; None for anything else."""
    if node.isString():
        return node.string()
    if node.isReal() or node.isInt():
        return node.real()
    if node.isMap():
        keys = list(node.keys())
        return node.mat() if {"dt", "data"} <= set(keys) else {key: _read_node(node.getNode(key)) for key in keys}
    if node.isSeq():
        return [_read_node(node.at(index)) for index in range(node.size())]
    return None


def _split_rows(content: Mapping[str, Any], path: Path) -> dict[str, dict[str, Any]]:
    """One table per row of the matrices."""
    count = np.size(content["Ks"]) // 9
    turns = "rvecs" if "rvecs" in content else "Rs"
    fields: list[Field] = [
        ("matrix", ("Ks",), (count, 3, 3)),
        ("rotation", (turns,), (count, 3) if np.size(content.get(turns, ())) == 3 * count else (count, 3, 3)),
        ("translation", ("Ts",), (count, 3)),
        ("distortions", ("distortions",), (count, -1)),
    ]
    known: list[Field] = [("fisheye", ("is_fisheye",), (count,)), ("size", ("image_sizes",), (count, 2))]
    fields += [field for field in known if field[1][0] in content]
    rows = read_fields(content, fields, path, "write the file with OpenCV's multi-camera calibration", "matrix ")
    names = str(content.get("cam_ids", "")).split(",") if content.get("cam_ids") else [str(number) for number in range(count)]
    if len(names) != count:
        raise InputError(path, f"has {count} cameras in 'Ks' and {len(names)} names in 'cam_ids'", "write the file again")
    tables = {name: {"name": name, **{key: values[index] for key, values in rows.items()}} for index, name in enumerate(names)}
    for table in tables.values():
        table["fisheye"] = bool(table.get("fisheye", False))
        # Rows are filled up with zeros to the longest; a fisheye lens has four coefficients.
        table["distortions"] = table["distortions"][: 4 if table["fisheye"] else None]
    return tables


def _read_map(name: str, values: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The table of a camera that has a map of its own."""
    where = f"{path}: camera {name!r}"
    table: dict[str, Any] = {"name": name, "fisheye": bool(values.get("fisheye", 0))}
    if {"image_width", "image_height"} <= set(values):
        table["size"] = (values["image_width"], values["image_height"])
    table |= read_fields(values, _FIELDS, where, "a rig needs intrinsics and a pose of every camera")
    if table["rotation"].size == 9:
        table["rotation"] = table["rotation"].reshape(3, 3)
    return table
