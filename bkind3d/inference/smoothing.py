"""Keypoints averaged over time, with a spread that says what the average hides."""

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

#: From the full width at half maximum of a normal distribution to its standard deviation.
_WIDTH_TO_STD = 1 / 2.3548


def smooth_keypoints(table: pd.DataFrame, seconds: float) -> pd.DataFrame:
    """Average the positions of a keypoints table over time; frames where a keypoint is not known stay so and weigh nothing.

    Parameters
    ----------
    table : of keypoints, every keypoint of every frame in one order.
    seconds : width at half height of the normal distribution in time; 0 changes nothing.

    Returns
    -------
    The table with averaged ``x, y, z`` and ``reprojection_px``, and with the spread of :func:`average_over_time`. Confidences
    stay those of the single frames.
    """
    n_keypoints = table["keypoint"].nunique()
    times = table["time_s"].to_numpy(np.float64)[::n_keypoints]
    if seconds == 0 or len(times) < 2:
        return table
    sigma = seconds * _WIDTH_TO_STD / float(np.median(np.diff(times)))
    grid = {name: table[name].to_numpy(np.float64).reshape(-1, n_keypoints) for name in ("x", "y", "z", "spread", "reprojection_px")}
    positions = np.stack([grid[axis] for axis in "xyz"], axis=-1)
    means, spreads = average_over_time(positions, grid["spread"], sigma)
    residuals = _average(grid["reprojection_px"], np.isfinite(grid["reprojection_px"]), sigma)
    smooth = {**dict(zip("xyz", np.moveaxis(means, -1, 0), strict=True)), "spread": spreads, "reprojection_px": residuals}
    return table.assign(**{name: values.ravel().astype(np.float32) for name, values in smooth.items()})


def average_over_time(
    positions: Float[NDArray, "frame keypoint 3"], spreads: Float[NDArray, "frame keypoint"], sigma: float
) -> tuple[Float[NDArray, "frame keypoint 3"], Float[NDArray, "frame keypoint"]]:
    """Average with normal weights over neighbouring frames.

    What is averaged are heatmaps: the spread of the mixture of the neighbours' heatmaps is the root of their mean variance
    plus the variance of their means. So it never falls below what single frames say, and grows where the keypoint moves or
    trembles within the time that is averaged over.

    Parameters
    ----------
    positions, spreads : world units; NaN where not known.
    sigma : standard deviation of the weights, frames.
    """
    known = np.isfinite(positions).all(axis=2)
    if not known.any():
        return positions, spreads
    middle = positions[known].mean(axis=0)  # squares of small numbers keep their digits
    means = np.stack([_average(positions[..., axis] - middle[axis], known, sigma) for axis in range(3)], axis=-1)
    squares = _average(np.square(positions - middle).sum(axis=2), known, sigma)
    variance = _average(np.square(spreads), known, sigma) + np.maximum(squares - np.square(means).sum(axis=2), 0)
    return means + middle, np.sqrt(variance)


def _average(values: Float[NDArray, "frame keypoint"], known: Bool[NDArray, "..."], sigma: float) -> Float[NDArray, "frame keypoint"]:
    """Weighted mean over known neighbours; NaN where not known."""
    weights = gaussian_filter1d(known.astype(np.float64), sigma, axis=0, mode="constant")
    total = gaussian_filter1d(np.where(known, values, 0.0), sigma, axis=0, mode="constant")
    return np.where(known, total / np.maximum(weights, 1e-12), np.nan)
