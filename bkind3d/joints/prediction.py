"""The joints of a session, found from its keypoints."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy.typing import NDArray

from bkind3d.data.parquet import read_arrow_table, write_table
from bkind3d.data.points import read_points
from bkind3d.joints.model import JointModel


def predict_joints(model: Path, keypoints: Path, frames: Sequence[Path], output: Path) -> None:
    """Find the joints of every frame of a session and write them as a table ``found_joints``.

    Parameters
    ----------
    model : as :meth:`bkind3d.joints.model.JointModel.write` wrote it.
    keypoints, frames : of the session; the frames' silhouettes say how far joints are off the subject.
    """
    fitted, notes = JointModel.read(model)
    points = read_points(keypoints, "keypoints")
    positions, spreads = fitted.predict(points)
    residuals = measure_residuals(positions, frames) if fitted.joints else np.empty(spreads.shape)
    number = len(fitted.joints)
    table = pd.DataFrame({"frame": np.repeat(points.frames, number), "time_s": np.repeat(points.time_s, number)})
    table["joint"] = [*fitted.joints] * len(points.frames)
    table[["x", "y", "z"]] = positions.reshape(-1, 3)
    table["spread"], table["reprojection_px"] = spreads.ravel(), residuals.ravel()
    kept = {key: points.metadata[key] for key in ("units", "session", "rate", "side", "model", "n_views") if key in points.metadata}
    write_table(table, "found_joints", output, kept | notes)


def measure_residuals(positions: Float[NDArray, "frame joint 3"], frames: Sequence[Path]) -> Float[NDArray, "frame joint"]:
    """Mean distance over the views that show it from each joint's projection to the silhouette, pixels of the frames' images.

    Parameters
    ----------
    positions : world units; of the frames of the tables, in their order.
    """
    total, views = np.zeros(positions.shape[:2]), np.zeros(positions.shape[:2])
    homogeneous = np.concatenate([positions, np.ones_like(positions[..., :1])], axis=-1)
    for path in frames:
        columns = [f"p{row}{column}" for row in range(3) for column in range(4)]
        table = read_arrow_table(path, "frames", ["mask", "valid", *columns])
        matrices = np.stack([table[name].to_numpy() for name in columns], axis=1).reshape(-1, 3, 4)
        with np.errstate(invalid="ignore", divide="ignore"):
            x, y, depth = np.einsum("fij,fpj->ifp", matrices, homogeneous)
            x, y = x / depth, y / depth
        for frame in np.flatnonzero(table["valid"].to_numpy() & np.isfinite(positions[..., 0]).any(axis=1)):
            mask = cv2.imdecode(np.frombuffer(table["mask"][int(frame)].as_buffer(), np.uint8), cv2.IMREAD_GRAYSCALE)
            height, width = mask.shape
            seen = np.flatnonzero(
                (depth[frame] > 0) & (np.abs(x[frame] - width / 2 + 0.5) <= width / 2) & (np.abs(y[frame] - height / 2 + 0.5) <= height / 2)
            )
            places = np.clip(np.rint([y[frame, seen], x[frame, seen]]).astype(int), 0, [[height - 1], [width - 1]])
            outside = mask[places[0], places[1]] <= 127
            if outside.any():  # most joints lie on the subject
                far = (
                    cv2.distanceTransform((mask <= 127).astype(np.uint8), cv2.DIST_L2, 5)
                    if mask.max() > 127
                    else np.full(mask.shape, np.hypot(height, width))
                )
                total[frame, seen] += np.where(outside, far[places[0], places[1]], 0)
            views[frame, seen] += 1
    return np.where(views > 0, total / np.maximum(views, 1), np.nan)
