"""How good a calibration is, in numbers: errors per camera and pair, and how much of what could be seen was seen."""

from itertools import combinations
from typing import Any

import cv2
import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from bkind3d.calibration.board_poses import pose_in_views
from bkind3d.calibration.boards import Corners
from bkind3d.calibration.camera_pairs import SHARED_FRAMES
from bkind3d.geometry.cameras import Array, Camera
from bkind3d.geometry.lenses import project_through_lens
from bkind3d.geometry.triangulation import triangulate_pixels

#: Quantiles between which tilts and distances of the board are said to range: single views do not make a range.
_RANGE = (0.05, 0.95)
#: Where the cameras see the corners, pixels.
Pixels = Float[NDArray, "camera frame corner 2"]


def measure_quality(cameras: list[Camera], corners: Corners, judged_by: Corners) -> pd.DataFrame:
    """The table ``calibration``: one row per camera.

    Errors are distances between corners of the views `judged_by` and the projections of their triangulated points: in pixels, in percent of
    the picture's width (``mean_percent``), and at the board in world units (``mean_world``). Of all `corners`: ``coverage`` is the share of
    the picture inside their outline, ``depth_range`` the nearest over the farthest distance of the board (1: it stayed at one distance, and
    a small error proves little), ``tilt_range`` the degrees over which its angle to the optical axis varied.
    """
    errors, in_world = measure_errors(cameras, judged_by.points)
    poses = pose_in_views(cameras, corners)
    rows = []
    for index, camera in enumerate(cameras):
        seen = corners.points[index][np.isfinite(corners.points[index, ..., 0])]
        hull = cv2.contourArea(cv2.convexHull(seen.astype(np.float32))) if len(seen) else 0.0
        row = {"camera": camera.name, "n_board_frames": int(corners.seen[index].sum()), **_summarise(errors[index], in_world[index])}
        row |= {"mean_percent": 100 * row["mean_px"] / camera.size[0], "coverage": float(hull / (camera.size[0] * camera.size[1]))}
        rows.append(row | _describe_poses(poses[index][corners.seen[index]]))
    return pd.DataFrame(rows)


def measure_pairs(cameras: list[Camera], corners: Corners, judged_by: Corners) -> list[dict[str, Any]]:
    """For every pair of cameras: views of the board together, and errors as in :func:`measure_quality` of these two cameras alone."""
    rows = []
    for chosen in combinations(range(len(cameras)), 2):
        one, other = (cameras[index] for index in chosen)
        row = {"one": one.name, "other": other.name, "n_shared": int(corners.shared[chosen])}
        rows.append(row | _summarise(*measure_errors([one, other], judged_by.points[list(chosen)])))
    return rows


def measure_errors(
    cameras: list[Camera], seen: Pixels
) -> tuple[Float[NDArray, "camera frame corner"], Float[NDArray, "camera frame corner"]]:
    """Reprojection errors of corners that at least two cameras see, in pixels, and in world units at the corner; NaN elsewhere."""
    points = triangulate_pixels(cameras, seen)
    projected = np.stack([project_through_lens(camera, points.reshape(-1, 3)) for camera in cameras]).reshape(seen.shape)
    errors = np.asarray(np.linalg.norm(projected - seen, axis=-1))
    depths = np.stack([points @ camera.rotation[2] + camera.translation[2] for camera in cameras])
    return errors, errors * depths / np.array([camera.matrix[0, 0] for camera in cameras])[:, None, None]


def measure_squares(cameras: list[Camera], corners: Corners) -> dict[str, float]:
    """Sides of the board's squares between triangulated corners against their true length: percent, mean and 95 % of the absolute deviation."""
    points = triangulate_pixels(cameras, corners.points)
    one, other = corners.neighbours.T
    true = np.linalg.norm(corners.model[one] - corners.model[other], axis=-1)
    deviations = 100 * (np.linalg.norm(points[:, one] - points[:, other], axis=-1) / true - 1)
    known = deviations[np.isfinite(deviations)] if np.isfinite(deviations).any() else np.array([np.nan])
    return {"mean_percent": float(known.mean()), "p95_percent": float(np.quantile(np.abs(known), 0.95))}


def choose_held_out(corners: Corners, share: float, keep: int | None, min_frames: int) -> Bool[NDArray, "frame"]:
    """(frame,) which frames judge and do not solve: about a `share` of those that two cameras see, evenly spread.

    A frame is kept for the solve where a camera would have fewer than `min_frames` left, or a pair that can be solved
    could not any more; the frame number `keep` (the floor) always is.
    """
    shared = np.flatnonzero((corners.seen.sum(axis=0) >= 2) & (corners.frames != (-1 if keep is None else keep)))
    held_out = np.zeros(len(corners.frames), dtype=bool)
    step = max(2, round(1 / share))
    could = corners.shared >= SHARED_FRAMES
    for frame in shared[step // 2 :: step]:
        held_out[frame] = True
        left = corners.select(~held_out).shared
        if (np.diag(left) < min_frames).any() or (could & (left < SHARED_FRAMES)).any():
            held_out[frame] = False
    return held_out


def _summarise(pixels: Array, world: Array) -> dict[str, Any]:
    known = np.isfinite(pixels)
    row: dict[str, Any] = {"n_points": int(known.sum())}
    if not known.any():
        return row | dict.fromkeys(("mean_px", "median_px", "p95_px", "mean_world"), float("nan"))
    errors = pixels[known]
    row |= {"mean_px": float(errors.mean()), "median_px": float(np.median(errors)), "p95_px": float(np.quantile(errors, 0.95))}
    return row | {"mean_world": float(np.nanmean(world[known]))}


def _describe_poses(poses: Float[NDArray, "frame 4 4"]) -> dict[str, float]:
    known = poses[np.isfinite(poses[:, 0, 0])]
    if not len(known):
        return {"depth_range": float("nan"), "tilt_range": float("nan")}
    distances = np.linalg.norm(known[:, :3, 3], axis=1)
    tilts = np.degrees(np.arccos(np.clip(np.abs(known[:, 2, 2]), 0, 1)))
    low, high = np.quantile(tilts, _RANGE)
    return {"depth_range": float(distances.min() / distances.max()), "tilt_range": float(high - low)}
