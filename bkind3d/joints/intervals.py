"""Intervals that hold the truth as often as they say: split by what is alike, calibrated on frames held out (conformal prediction).

Frames of one subject are alike, and neighbours in time are near copies. So what is counted are subjects, from ten on, else blocks of
a second; each has the same weight, however many of its frames are labelled (Dunn, Wasserman and Ramdas 2022 pool groups in this way).
"""

from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy.typing import NDArray

#: From this many subjects on they are what is counted.
MIN_SUBJECTS = 10


def group_frames(
    subject: Int[NDArray, "frame"], session: Int[NDArray, "frame"], time_s: Float[NDArray, "frame"], least_subjects: int = MIN_SUBJECTS
) -> tuple[Int[NDArray, "frame"], Literal["subject", "session", "second"]]:
    """Group of every frame: its subject where there are at least so many, else (of `least_subjects` 2) its session, else its second."""
    if len(np.unique(subject)) >= least_subjects:
        return subject, "subject"
    if least_subjects < MIN_SUBJECTS and len(np.unique(session)) >= least_subjects:
        return session, "session"
    table = pd.DataFrame({"session": session, "second": np.floor(time_s + 1e-6).astype(np.int64)})
    return table.groupby(["session", "second"]).ngroup().to_numpy(), "second"


def find_radii(scores: Float[NDArray, "frame joint"], units: Int[NDArray, "frame"], level: float) -> Float[NDArray, "joint"]:
    """Radius of each joint that `level` of the scores of a new unit are expected to lie within.

    Parameters
    ----------
    scores : errors on frames held out, in shares of what they are expected to be; NaN where a joint is not known.

    Returns
    -------
    The quantile of the scores, every unit having the same weight, one score of a further unit counted as too large; the largest score
    where there are too few.
    """
    radii = np.full(scores.shape[1], np.nan)
    for joint, column in enumerate(scores.T):
        known = np.isfinite(column)
        if not known.any():
            continue
        values, codes = column[known], np.unique(units[known], return_inverse=True)[1]
        sizes = np.bincount(codes)
        weights = 1 / (sizes[codes] * len(sizes))
        order = np.argsort(values)
        wanted = level * (1 + 1 / len(values))
        place = np.searchsorted(np.cumsum(weights[order]), wanted - 1e-12)
        radii[joint] = values[order[min(int(place), len(order) - 1)]]
    return radii
