"""The world of a calibrated rig: where its origin lies and what is up, and how far it is from a known one."""

import csv
import io
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from bkind3d.calibration.board_poses import pose_board
from bkind3d.calibration.boards import Corners
from bkind3d.config import InputError, read_text
from bkind3d.geometry.cameras import Array, Camera
from bkind3d.geometry.triangulation import triangulate_pixels, triangulate_rays

log = logging.getLogger(__name__)

#: Bytes of a table of points, and a number that no place or pixel has.
_MOST_BYTES, _LARGEST = 2**24, 1e9

#: Points are those of the mirrored world where they fit to it with less than this share of the error.
_MIRRORED = 0.3


def place_on_floor(cameras: list[Camera], corners: Corners, floor_frame: int) -> list[Camera]:
    """Move the world to the board as it lies in `floor_frame`: origin and x axis the board's, z up, towards the cameras."""
    pose = pose_board(cameras, corners, int(np.flatnonzero(corners.frames == floor_frame)[0]))
    if pose is None:
        raise InputError(
            "",
            f"no camera sees the board in frame {floor_frame} (calibration.floor_frame)",
            "name a frame in which it lies on the floor, or leave the key out",
        )
    to_board = pose.rotation.T
    above = np.mean([to_board @ (camera.centre - pose.translation) for camera in cameras], axis=0)
    turn = np.diag([1.0, 1.0, 1.0] if above[2] > 0 else [1.0, -1.0, -1.0]) @ to_board
    return [camera.moved(turn, -turn @ pose.translation) for camera in cameras]


def place_between_cameras(cameras: list[Camera]) -> list[Camera]:
    """Move the world to where the cameras look: z their mean up, x towards the first camera, origin nearest to their optical axes."""
    up = -np.mean([camera.rotation[1] for camera in cameras], axis=0)
    centres = np.stack([camera.centre for camera in cameras])
    origin = triangulate_rays(centres, np.stack([camera.rotation[2] for camera in cameras]))
    if not np.isfinite(origin).all():
        origin = centres.mean(axis=0)
    if np.linalg.norm(up) < 1e-3:
        log.warning("the cameras have no common up; the world's z axis is the first camera's")
        up = -cameras[0].rotation[1]
    z = up / np.linalg.norm(up)
    ahead = centres[0] - origin
    x = ahead - z * (z @ ahead)
    if np.linalg.norm(x) < 1e-6 * np.linalg.norm(ahead):
        x = cameras[0].rotation[0] - z * (z @ cameras[0].rotation[0])
    x /= np.linalg.norm(x)
    turn = np.stack([x, np.cross(z, x), z])
    return [camera.moved(turn, -turn @ origin) for camera in cameras]


def place_by_points(cameras: list[Camera], path: str | Path) -> tuple[list[Camera], dict[str, Any]]:
    """Move the world to that of named points, which were marked in the pictures of two or more cameras.

    Parameters
    ----------
    cameras : in the units of the points.
    path : table (tab-separated) with the columns ``point, camera, column, row`` (pixels; 0 is the middle of the first)
        and ``x, y, z`` (its place in the wanted world, rig's units); one row per point and camera.

    Returns
    -------
    cameras : in the points' world; turned and moved, never scaled.
    details : ``residual`` the largest distance of a point from its place (world units), ``worst`` that point's name,
        ``residual_percent`` the residual as a share of how far the places reach from their middle, ``mirrored`` whether the
        points fit far better to the mirrored world, ``below`` whether all cameras stand below the points, and
        ``scale_percent`` by how much distances between the points come out too long.

    Raises
    ------
    InputError : where the table is wrong, or fewer than three points off a line are seen by two cameras.
    """
    marks, places = read_points(Path(path), [camera.name for camera in cameras])
    names = list(places)
    pixels = np.array([[marks.get((name, camera.name), (np.nan, np.nan)) for name in names] for camera in cameras])
    found = triangulate_pixels(cameras, pixels)
    true = np.array(list(places.values()))
    known = np.isfinite(found).all(axis=1)
    spread = np.linalg.svd(true[known] - true[known].mean(axis=0), compute_uv=False) if known.sum() >= 3 else np.zeros(3)
    if spread[1] <= 1e-3 * spread[0] or not spread[0]:
        raise InputError(
            path,
            f"{int(known.sum())} point(s) are marked in two or more cameras ({', '.join(np.array(names)[known]) or 'none'})",
            "at least three that do not lie on one line are needed",
        )
    turn, shift, error = superpose(found[known], true[known])
    residuals = np.linalg.norm(found[known] @ turn.T + shift - true[known], axis=1)
    measured, given = (points[known] - points[known].mean(axis=0) for points in (found, true))
    details = {
        "residual": float(residuals.max()),
        "worst": str(np.array(names)[known][residuals.argmax()]),
        "residual_percent": 100 * float(residuals.max() / np.linalg.norm(given, axis=1).max()),
        "mirrored": bool(superpose(-found[known], true[known])[2] < _MIRRORED * error),
        "scale_percent": 100 * float(np.linalg.norm(measured) / np.linalg.norm(given) - 1),
    }
    moved = [camera.moved(turn, shift) for camera in cameras]
    return moved, details | {"below": all(camera.centre[2] < true[known, 2].min() for camera in moved)}


def superpose(points: Array, targets: Array) -> tuple[Array, Array, float]:
    """Rotation (3, 3) and shift (3,) that move `points` onto `targets` as well as possible, and the root of the summed squares left."""
    middle, goal = points.mean(axis=0), targets.mean(axis=0)
    found, error = Rotation.align_vectors(targets - goal, points - middle)
    turn = found.as_matrix()
    return turn, goal - turn @ middle, error


def read_points(path: Path, cameras: list[str]) -> tuple[dict[tuple[str, str], tuple[float, float]], dict[str, tuple[float, float, float]]]:
    """Read the table of :func:`place_by_points`: pixels by point and camera, and places by point."""
    columns = ("point", "camera", "column", "row", "x", "y", "z")
    reader = csv.DictReader(io.StringIO(read_text(path, "it is the table of the world's points", _MOST_BYTES), newline=""), delimiter="\t")
    try:
        lines = list(reader)
    except csv.Error as error:
        raise InputError(path, f"is not a tab-separated text ({error})", "save it as such") from None
    lacking = [column for column in columns if column not in (reader.fieldnames or [])]
    if lacking:
        raise InputError(path, f"column {lacking[0]!r} is missing", f"the columns are {', '.join(columns)}, separated by tabs")
    marks: dict[tuple[str, str], tuple[float, float]] = {}
    places: dict[str, tuple[float, float, float]] = {}
    for number, line in enumerate(lines, start=2):
        name, camera = line["point"], line["camera"]
        try:
            column, row, *place = (float(line[key] or "nan") for key in columns[2:])
        except (TypeError, ValueError):
            raise InputError(path, f"row {number}: {', '.join(columns[2:])} have to be numbers", "correct the row") from None
        if not (np.abs([column, row, *place]) < _LARGEST).all():
            what = f"row {number}: a number of {', '.join(columns[2:])} is missing, or was never measured"
            raise InputError(path, what, "correct the row")
        if camera not in cameras:
            raise InputError(path, f"row {number}: camera {camera!r} is not of this rig", f"it has {', '.join(cameras)}")
        if (name, camera) in marks or places.get(name, tuple(place)) != tuple(place):
            raise InputError(
                path, f"row {number}: point {name!r} was given before, with another place or for the same camera", "keep one of the rows"
            )
        marks[name, camera], places[name] = (column, row), (place[0], place[1], place[2])
    return marks, places


def compare_to_truth(cameras: Mapping[str, Camera], truth: Mapping[str, Camera]) -> dict[str, Any]:
    """Distances of the cameras' centres to the true ones: in the worlds as they are, and after the best rigid motion.

    Returns
    -------
    per camera ``distance`` and ``aligned`` (world units), and ``percent`` and ``aligned_percent`` of the true centre's
    distance to the true origin; ``focal_percent`` the error of the focal length.
    """
    lacking = [name for name in cameras if name not in truth]
    if lacking:
        raise InputError("", f"the true calibration has no camera {lacking[0]!r}, only {', '.join(truth)}", "name the cameras alike")
    found = np.stack([camera.centre for camera in cameras.values()])
    true = np.stack([truth[name].centre for name in cameras])
    turn, shift, _ = superpose(found, true)
    aligned = found @ turn.T + shift
    reach = np.linalg.norm(true, axis=1)
    rows: dict[str, Array] = {"distance": np.linalg.norm(found - true, axis=1), "aligned": np.linalg.norm(aligned - true, axis=1)}
    rows |= {"percent": 100 * rows["distance"] / reach, "aligned_percent": 100 * rows["aligned"] / reach}
    rows["focal_percent"] = np.array([100 * (camera.matrix[0, 0] / truth[name].matrix[0, 0] - 1) for name, camera in cameras.items()])
    return {name: {key: float(values[index]) for key, values in rows.items()} for index, name in enumerate(cameras)}
