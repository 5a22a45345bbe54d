"""Cameras that saw the board each for itself: photographs, or videos that are not in step. Intrinsics come from them, poses from marked points."""

import logging
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from bkind3d.calibration.boards import Corners
from bkind3d.calibration.corners import Videos, find_corners
from bkind3d.calibration.intrinsics import estimate_intrinsics
from bkind3d.calibration.judgement import check_views
from bkind3d.calibration.world import read_points
from bkind3d.config import BoardConfig, CalibrationConfig, InputError
from bkind3d.data.calibration_files import write_calibration
from bkind3d.geometry.cameras import Camera
from bkind3d.geometry.lenses import project_through_lens, undistort_points

log = logging.getLogger(__name__)

#: Fewest marked points that tell where a camera stands.
_LEAST_POINTS = 4


def calibrate_apart(
    config: CalibrationConfig,
    board: BoardConfig,
    videos: Videos,
    units: str,
    output: str | Path,
    world_points: str | Path | None = None,
    threads: int = 1,
) -> list[str]:
    """Calibrate every camera by its own board pictures (videos, or folders of photographs), and write them to `output`.

    Parameters
    ----------
    world_points : table of points of the world that were marked in each camera's pictures (:func:`bkind3d.calibration.world.read_points`).
        Without it nobody knows where the cameras stand: the file is for ``--intrinsics`` alone, and says so.

    Returns
    -------
    A line for each camera: views, focal length, and how far marked points are off.

    Raises
    ------
    InputError : where a camera sees the board in too few pictures, or fewer than four points are marked in it.
    """
    lines, cameras = [], {}
    for name, video in videos.items():
        corners = find_corners({name: video}, board, config, threads, least=1)
        check_views(corners, config)
        camera = estimate_intrinsics(corners.model, corners.points[0], corners.sizes[0], name, name in config.fisheye)
        said = f"camera {name}: {int(corners.seen.sum())} views, focal length {camera.matrix[0, 0]:.1f} px, {_count_pictures(corners)}"
        if world_points is not None:
            camera, off = stand_by_points(camera, Path(world_points), list(videos))
            said += f"; marked points are {off:.2g} px off"
        cameras[name] = camera
        lines.append(said)
    known = "known by marked points" if world_points is not None else "not known: for --intrinsics alone"
    write_calibration(cameras, output, units, {"poses": known})
    return lines


def stand_by_points(camera: Camera, path: Path, names: list[str]) -> tuple[Camera, float]:
    """Put a camera where it sees the points that were marked in its picture; and how far they are off, median, pixels."""
    marks, places = read_points(path, names)
    own = {point: pixel for (point, name), pixel in marks.items() if name == camera.name}
    if len(own) < _LEAST_POINTS:
        raise InputError(path, f"{len(own)} points are marked in camera {camera.name!r}", f"at least {_LEAST_POINTS} are needed")
    points, pixels = np.array([places[point] for point in own]), np.array(list(own.values()))
    flat = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)[2] < 1e-6 * np.ptp(points)
    method = cv2.SOLVEPNP_IPPE if flat else cv2.SOLVEPNP_SQPNP
    seen = undistort_points(camera, pixels)
    found, turn, place = cv2.solvePnP(points, seen, camera.matrix, np.zeros(5), flags=method)
    if not found:
        raise InputError(path, f"the points of camera {camera.name!r} do not tell where it stands", "mark more, not all on one line")
    turn, place = cv2.solvePnPRefineLM(points, seen, camera.matrix, np.zeros(5), turn, place)
    placed = replace(camera, rotation=np.asarray(cv2.Rodrigues(turn)[0]), translation=np.asarray(place, np.float64).ravel())
    return placed, float(np.median(np.linalg.norm(project_through_lens(placed, points) - pixels, axis=1)))


def _count_pictures(corners: Corners) -> str:
    return f"{corners.sizes[0][0]}x{corners.sizes[0][1]} pixels"
