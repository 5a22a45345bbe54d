"""Where a rigid board was: in one camera's frame, and in the world, where one pose has to explain what all cameras see.

Corners that are triangulated one by one hide errors of scale and depth; a board of known size shows them.
"""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.optimize import least_squares

from bkind3d.calibration.boards import Corners
from bkind3d.geometry.cameras import Array, Camera
from bkind3d.geometry.lenses import project_through_lens, undistort_points

#: Fewest corners of a plane that tell its pose.
_MIN_POINTS = 4


class BoardPose(NamedTuple):
    """Board to world: ``x_world = rotation @ x_board + translation``; residuals in pixels, one row per visible corner."""

    rotation: Float[NDArray, "3 3"]
    translation: Float[NDArray, "3"]
    residuals: Float[NDArray, "corner 2"]


def pose_in_view(camera: Camera, model: Float[NDArray, "corner 3"], points: Float[NDArray, "corner 2"]) -> Float[NDArray, "4 4"] | None:
    """Board to *camera* (rotation and translation, board's units) from one picture's pixels (NaN where unseen); None where they do not tell."""
    undistorted = undistort_points(camera, points)
    known = np.isfinite(undistorted).all(axis=1)
    if known.sum() < _MIN_POINTS:
        return None
    try:
        found, rotation, translation = cv2.solvePnP(model[known], undistorted[known], camera.matrix, np.zeros(5))
    except cv2.error:
        return None
    if not found or not np.isfinite(translation).all() or translation[2, 0] <= 0:
        return None
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = cv2.Rodrigues(rotation)[0], translation.ravel()
    return pose


def pose_in_views(cameras: list[Camera], corners: Corners) -> Float[NDArray, "camera frame 4 4"]:
    """Board to each camera in every frame; NaN where it does not see the board."""
    poses = np.full((*corners.points.shape[:2], 4, 4), np.nan)
    for index, frame in np.argwhere(corners.seen):
        pose = pose_in_view(cameras[index], corners.model, corners.points[index, frame])
        if pose is not None:
            poses[index, frame] = pose
    return poses


def pose_board(cameras: list[Camera], corners: Corners, frame: int) -> BoardPose | None:
    """Find the pose of the board in frame number `frame` of `corners`; None where no camera sees it."""
    views = [(camera, points) for camera, points in zip(cameras, corners.points[:, frame], strict=True) if np.isfinite(points).any()]
    starts = []
    for camera, points in views:
        pose = pose_in_view(camera, corners.model, points)
        if pose is not None:
            turn, place = camera.rotation.T @ pose[:3, :3], camera.rotation.T @ (pose[:3, 3] - camera.translation)
            starts.append(np.concatenate([cv2.Rodrigues(turn)[0].ravel(), place]))
    if not starts:
        return None

    def residuals(parameters: Array) -> Array:
        return _measure_residuals(corners.model, views, parameters).ravel()

    best = min(starts, key=lambda start: float((residuals(start) ** 2).sum()))
    scale = np.concatenate([np.ones(3), np.full(3, np.linalg.norm(np.ptp(corners.model, axis=0)))])
    found = least_squares(residuals, best, x_scale=scale, method="trf", loss="soft_l1").x
    return BoardPose(np.asarray(cv2.Rodrigues(found[:3])[0]), found[3:], _measure_residuals(corners.model, views, found))


def measure_distances(cameras: list[Camera], corners: Corners) -> Float[NDArray, "camera frame corner"]:
    """Distance, pixels, of every corner from one rigid board per frame; NaN where fewer than two cameras see the board."""
    distances = np.full(corners.points.shape[:3], np.nan)
    for frame in np.flatnonzero(corners.seen.sum(axis=0) >= 2):
        pose = pose_board(cameras, corners, int(frame))
        if pose is not None:
            distances[:, frame][np.isfinite(corners.points[:, frame, :, 0])] = np.linalg.norm(pose.residuals, axis=1)
    return distances


def measure_rigid_error(cameras: list[Camera], corners: Corners) -> float:
    """Mean of :func:`measure_distances`, pixels; infinite where there are none."""
    distances = measure_distances(cameras, corners)
    return float(np.nanmean(distances)) if np.isfinite(distances).any() else float("inf")


def _measure_residuals(model: Float[NDArray, "corner 3"], views: list[tuple[Camera, Array]], parameters: Float[NDArray, "6"]) -> Array:
    in_world = model @ cv2.Rodrigues(parameters[:3])[0].T + parameters[3:]
    parts = []
    for camera, points in views:
        known = np.isfinite(points[:, 0])
        # A corner behind a camera is as wrong as can be, but finite.
        parts.append(np.nan_to_num(project_through_lens(camera, in_world[known]) - points[known], nan=1e4))
    return np.concatenate(parts)
