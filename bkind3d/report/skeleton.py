"""The skeleton over time, as the interactive 3D view wants it."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bkind3d.data.skeleton import Edge
from bkind3d.report.elements import Scene, script_json
from bkind3d.report.palette import mark_of


def name_keypoints(keypoints: pd.DataFrame) -> list[str]:
    """Names of the keypoints in the model's order, which is the order of the rows."""
    return [str(name) for name in keypoints["keypoint"].drop_duplicates()]


def spread_evenly(n_items: int, limit: int) -> NDArray[np.int64]:
    """Indices of at most `limit` of `n_items` items, in equal steps from the first."""
    step = max(-(-n_items // limit), 1)
    return np.arange(0, n_items, step)


def arrange_points(
    table: pd.DataFrame, column: str, names: Sequence[str], frames: Sequence[int] | NDArray[np.int64]
) -> NDArray[np.float64]:
    """(frame, point, 3) positions out of a tidy table with frame, x, y, z and the points' names in `column`; NaN where there is none."""
    frame_index = pd.Index(frames).get_indexer(pd.Index(table["frame"]))
    point_index = pd.Index(names).get_indexer(pd.Index(table[column]))
    points = np.full((len(frames), len(names), 3), np.nan)
    known = (frame_index >= 0) & (point_index >= 0)
    points[frame_index[known], point_index[known]] = table.loc[known, ["x", "y", "z"]].to_numpy(dtype=np.float64)
    return points


def build_scene(
    keypoints: pd.DataFrame,
    skeleton: Sequence[Edge],
    location: pd.DataFrame,
    side: float,
    units: str,
    max_frames: int,
    joints: pd.DataFrame | None = None,
) -> Scene:
    """The skeleton over time as the page's script wants it.

    Parameters
    ----------
    keypoints, location, joints : tables of one session; positions in world units.
    skeleton : pairs of keypoints that are drawn as lines.
    side : side of the cube around the subject, world units.
    units : the unit's name.
    max_frames : frames beyond which the session is thinned evenly.
    """
    names = name_keypoints(keypoints)
    side = side if math.isfinite(side) else 1.0
    moments = keypoints.drop_duplicates("frame")[["frame", "time_s"]].reset_index(drop=True)
    kept = moments.iloc[spread_evenly(len(moments), max_frames)]
    frames = [int(frame) for frame in kept["frame"]]
    points = arrange_points(keypoints, "keypoint", names, frames)
    decimals = max(0, 3 - int(np.floor(np.log10(max(side, 1e-6)))))
    truth: list[list[float | None]] = []
    if joints is not None and not joints.empty:
        truth = _rounded(arrange_points(joints, "joint", list(joints["joint"].drop_duplicates()), frames), decimals)
    marks = [mark_of(index) for index in range(len(names))]
    centres = _find_centres(points, location, frames)
    data = {
        "names": names,
        "colours": [mark.colour for mark in marks],
        "shapes": [mark.shape for mark in marks],
        "frames": frames,
        "times": [round(float(time), 3) for time in kept["time_s"]],
        "points": _rounded(points, decimals),
        "joints": truth,
        "edges": [[first, second] for first, second, _ in skeleton],
        "centres": _rounded(centres[:, None], decimals),
        "bounds": _find_bounds(points),
        "reach": _find_reach(points - centres[:, None], side),
        "units": units,
    }
    return Scene(script_json(data), len(frames), _describe_thinning(len(moments), len(frames)))


def _describe_thinning(n_all: int, n_shown: int) -> str:
    if n_shown == n_all:
        return f"All {n_all} frames."
    return f"Thinned: {n_shown} of {n_all} frames are shown, evenly spread (report.max_frames)."


def _find_centres(points: NDArray[np.float64], location: pd.DataFrame, frames: Sequence[int]) -> NDArray[np.float64]:
    """(frame, 3) centre of the subject's cube; where it was not located, the keypoints' own centre or the last one known."""
    placed = location.drop_duplicates("frame").set_index("frame").reindex(list(frames))
    centres = placed[["x", "y", "z"]].to_numpy(dtype=np.float64)
    present = np.isfinite(points)
    own = np.where(present, points, 0).sum(axis=1) / np.where(present.any(axis=1), present.sum(axis=1), np.nan)
    filled = pd.DataFrame(np.where(np.isfinite(centres), centres, own)).ffill().bfill().fillna(0.0)
    return filled.to_numpy(dtype=np.float64)


def _find_reach(relative: NDArray[np.float64], side: float) -> float:
    """Half the side of a box around the subject's centre that holds every keypoint; half the cube's where there is none."""
    known = relative[np.isfinite(relative)]
    return 1.15 * float(np.abs(known).max()) if len(known) else side / 2


def _find_bounds(points: NDArray[np.float64]) -> list[list[float]]:
    """Three [low, high] pairs that hold every point, with room of 5 % of the largest extent."""
    flat = points.reshape(-1, 3)
    flat = flat[np.isfinite(flat).all(axis=1)]
    if not len(flat):
        return [[-1.0, 1.0]] * 3
    low, high = flat.min(axis=0), flat.max(axis=0)
    room = 0.05 * max(float((high - low).max()), 1e-9)
    return [[float(a - room), float(b + room)] for a, b in zip(low, high, strict=True)]


def _rounded(points: NDArray[np.float64], decimals: int) -> list[list[float | None]]:
    """One flat list per frame; None where there is no position."""
    flat = np.round(points.reshape(len(points), -1), decimals)
    return [[float(value) if np.isfinite(value) else None for value in row] for row in flat]
