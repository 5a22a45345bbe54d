"""Intervals by resampling sessions, or blocks of a second: never frames, which are near copies of their neighbours."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy.typing import NDArray

#: From this many sessions on they are resampled, and blocks of a second below.
MIN_SESSIONS = 10

#: Numbers drawn at once, which bounds the memory.
_CHUNK = 5_000_000


@dataclass(frozen=True)
class Units:
    """What is resampled: `kind` (session or second), and the unit of every frame as codes from 0."""

    kind: str
    codes: Int[NDArray, "frame"]

    @property
    def number(self) -> int:
        """Number of units."""
        return int(self.codes.max()) + 1 if len(self.codes) else 0


def make_units(sessions: Int[NDArray, "frame"], time_s: Float[NDArray, "frame"]) -> Units:
    """Choose sessions as units where there are at least ten, else one-second blocks of each session.

    Parameters
    ----------
    sessions : code of each frame's session.
    time_s : time of each frame; seconds are counted from each session's first frame.
    """
    codes, names = pd.factorize(sessions)
    if len(names) >= MIN_SESSIONS:
        return Units("session", codes)
    first = pd.Series(time_s).groupby(codes).transform("min").to_numpy(np.float64)
    # The small number keeps times such as 0.99999999 (a frame number over a rate) in the second that they begin.
    seconds = np.floor(time_s - first + 1e-6).astype(np.int64)
    return Units("second", pd.DataFrame({"session": codes, "second": seconds}).groupby(["session", "second"]).ngroup().to_numpy())


def resample_means(values: Float[NDArray, "series frame"], units: Units, resamples: int, seed: int) -> Float[NDArray, "resample series"]:
    """Mean over frames of each series in resamples of the units; all series see the same resamples.

    So the difference between two columns is a paired difference. NaN throughout where there are not at least two units.
    """
    if units.number < 2:
        return np.full((resamples, len(values)), np.nan)
    sums = np.stack([np.bincount(units.codes, weights=series, minlength=units.number) for series in values], axis=1)
    sizes = np.bincount(units.codes, minlength=units.number)
    generator = np.random.default_rng(seed)
    share = np.full(units.number, 1 / units.number)
    per_chunk = max(1, _CHUNK // units.number)
    means = []
    for start in range(0, resamples, per_chunk):
        drawn = generator.multinomial(units.number, share, size=min(per_chunk, resamples - start))
        means.append(drawn @ sums / (drawn @ sizes)[:, None])
    return np.concatenate(means)


def percentile_interval(means: Float[NDArray, "resample"]) -> tuple[float, float]:
    """The middle 95 % of resampled means; NaN where they are."""
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def find_intervals(
    series: Mapping[str, Float[NDArray, "frame"]], units: Units, resamples: int, seed: int
) -> dict[tuple[str, str], tuple[float, float]]:
    """95 % intervals of the mean of each series, as (name, ""), and of its paired difference to each other one, as (name, other)."""
    means = dict(zip(series, resample_means(np.stack(list(series.values())), units, resamples, seed).T, strict=True))
    others = {"": 0.0} | means
    return {(name, other): percentile_interval(means[name] - others[other]) for name in means for other in others if name != other}
