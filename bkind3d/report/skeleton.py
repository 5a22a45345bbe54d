"""Tidy tables of keypoints and joints as arrays."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy.typing import NDArray


def name_keypoints(keypoints: pd.DataFrame) -> list[str]:
    """Names of the keypoints in the model's order, which is the order of the rows."""
    return [str(name) for name in keypoints["keypoint"].drop_duplicates()]


def arrange_points(
    table: pd.DataFrame, column: str, names: Sequence[str], frames: Sequence[int] | Int[NDArray, "..."]
) -> Float[NDArray, "frame point 3"]:
    """(frame, point, 3) positions out of a tidy table with frame, x, y, z and the points' names in `column`; NaN where there is none."""
    frame_index = pd.Index(frames).get_indexer(pd.Index(table["frame"]))
    point_index = pd.Index(names).get_indexer(pd.Index(table[column]))
    points = np.full((len(frames), len(names), 3), np.nan)
    known = (frame_index >= 0) & (point_index >= 0)
    points[frame_index[known], point_index[known]] = table.loc[known, ["x", "y", "z"]].to_numpy(dtype=np.float64)
    return points
