"""How good a calibration is: errors per camera, and how much of what could be seen was seen."""

import cv2
import numpy as np
import pandas as pd
from jaxtyping import Float

from bkind3d.calibration.boards import Corners
from bkind3d.geometry.cameras import Array, Camera
from bkind3d.geometry.lenses import pixel_directions, project_points
from bkind3d.geometry.triangulation import triangulate_rays


def measure_quality(cameras: list[Camera], corners: Corners) -> pd.DataFrame:
    """The table ``calibration``: one row per camera.

    Errors are distances, in pixels, between corners and the projections of their triangulated points. ``coverage`` is the
    share of the picture inside the outline of all corners; ``depth_range`` the nearest over the farthest distance of the
    board (1: it stayed at one distance, and a small error proves little).
    """
    errors = measure_errors(cameras, corners)
    rows = []
    for camera, points, error in zip(cameras, corners.points, errors, strict=True):
        known = error[np.isfinite(error)]
        seen = points[np.isfinite(points[..., 0])]
        hull = cv2.contourArea(cv2.convexHull(seen.astype(np.float32)))
        distances = [distance for view in points if np.isfinite(distance := _distance_to_board(camera, corners.model, view))]
        rows.append(
            {
                "camera": camera.name,
                "n_board_frames": int(np.isfinite(points[..., 0]).any(axis=1).sum()),
                "n_points": len(known),
                "mean_px": float(known.mean()) if len(known) else np.nan,
                "median_px": float(np.median(known)) if len(known) else np.nan,
                "p95_px": float(np.quantile(known, 0.95)) if len(known) else np.nan,
                "coverage": float(hull / (camera.size[0] * camera.size[1])),
                "depth_range": float(min(distances) / max(distances)) if distances else np.nan,
            }
        )
    return pd.DataFrame(rows)


def measure_errors(cameras: list[Camera], corners: Corners) -> Float[Array, "camera frame corner"]:
    """Reprojection errors, pixels, of corners that at least two cameras see; NaN elsewhere."""
    flat = corners.points.reshape(len(cameras), -1, 2)
    directions = np.stack([pixel_directions(camera, pixels) for camera, pixels in zip(cameras, flat, strict=True)], axis=1)
    points = triangulate_rays(np.stack([camera.centre for camera in cameras]), directions)
    projected = np.stack([project_points(camera, points) for camera in cameras])
    return np.asarray(np.linalg.norm(projected - flat, axis=-1).reshape(corners.points.shape[:3]))


def _distance_to_board(camera: Camera, model: Float[Array, "corner 3"], view: Float[Array, "corner 2"]) -> float:
    known = np.isfinite(view[:, 0])
    if not known.any():
        return float("nan")
    found, _, translation = cv2.solvePnP(model[known], view[known], camera.matrix, camera.distortion)
    return float(np.linalg.norm(translation)) if found else float("nan")
