"""Tracks over time: smoothing, and filling of short gaps."""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d


def smooth_track(points: Float[NDArray, "frame 3"], width: float) -> Float[NDArray, "frame 3"]:
    """Smooth with a Gaussian whose full width at half maximum is `width` frames; frames that are NaN stay so and weigh nothing."""
    sigma = width / 2.355
    if sigma < 0.1:
        return points.copy()
    known = np.isfinite(points).all(axis=1)
    weight = gaussian_filter1d(known.astype(np.float64), sigma, mode="constant")
    total = gaussian_filter1d(np.where(known[:, None], points, 0.0), sigma, axis=0, mode="constant")
    return np.where(known[:, None], total / np.maximum(weight, 1e-12)[:, None], np.nan)


def fill_gaps(points: Float[NDArray, "frame 3"], longest: int) -> Float[NDArray, "frame 3"]:
    """Interpolate linearly over gaps of at most `longest` frames between known points; longer ones, and the ends, stay NaN."""
    known = np.flatnonzero(np.isfinite(points).all(axis=1))
    filled = points.copy()
    for before, after in zip(known[:-1], known[1:], strict=True):
        if 1 < after - before <= longest + 1:
            share = np.arange(1, after - before)[:, None] / (after - before)
            filled[before + 1 : after] = (1 - share) * points[before] + share * points[after]
    return filled
