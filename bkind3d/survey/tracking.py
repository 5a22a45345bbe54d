"""Who the subject is: of all that moves, the one that most views see for most of the time, and that does not jump; and its track without gaps."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from bkind3d.survey.consensus import Candidates, Chosen

#: World units of every candidate, and seconds of every frame.
Places = Float[NDArray, "frame candidate 3"]
Times = Float[NDArray, "frame"]
#: How far the subject may move without cost: this many times its size, and so many times its size per second more.
_FREE_REACH, _REACH_PER_SECOND = 0.15, 30.0
#: What a jump farther than that costs at most, in seconds during which all views see the subject.
_JUMP_SECONDS = 1.0
#: Seconds over which a candidate is followed though nothing is seen in between.
_MEMORY_SECONDS = 1.0
#: Seconds over which candidates near each other are one thing for certain.
_LINK_SECONDS = 0.2
#: Spread of the logarithm of what is seen of one subject's size.
_SIZE_SPREAD = 0.6


class Track(NamedTuple):
    """One moving thing.

    Attributes
    ----------
    candidate : in each frame its number among the candidates, -1 where it is not seen.
    size : world units, as the candidates' sizes.
    """

    candidate: Int[NDArray, "frame"]
    size: float


def follow_subject(candidates: Candidates, times: Times, free: Bool[NDArray, "frame candidate"] | bool = True) -> Track:
    """Choose one candidate of each frame, or none, so that the most is seen and the least has to jump (dynamic programming).

    Only candidates that are `free` may be chosen; `times` are seconds, increasing. In a second round, candidates of another size than the
    first round's count less.
    """
    worth = np.maximum(candidates.support - 1, 0.05) * (candidates.support > 0) * free
    if not (worth > 0).any():
        return Track(np.full(len(times), -1), float("nan"))
    size = float(np.nanmedian(candidates.sizes[worth > 0]))
    n_views = candidates.chosen.shape[2]
    chosen = _find_best_way(candidates.points, worth, times, size, n_views)
    seen = chosen >= 0
    size = float(np.nanmedian(candidates.sizes[seen, chosen[seen]]))
    alike = np.exp(-0.5 * (np.log(np.maximum(np.nan_to_num(candidates.sizes, nan=1e-12), 1e-12) / size) / _SIZE_SPREAD) ** 2)
    chosen = _find_best_way(candidates.points, worth * alike, times, size, n_views)
    return Track(_leave_out_others(candidates.points, chosen, times, size), size)


def take_candidates(candidates: Candidates, track: Track) -> tuple[Float[NDArray, "frame 3"], Chosen, Times]:
    """Points, chosen clusters and residuals of the candidates on a track; NaN, -1 and NaN where it is not seen."""
    lost, rows = track.candidate < 0, np.arange(len(track.candidate))
    points, chosen, residual = (values[rows, track.candidate] for values in (candidates.points, candidates.chosen, candidates.residual))
    return np.where(lost[:, None], np.nan, points), np.where(lost[:, None], -1, chosen), np.where(lost, np.nan, residual)


def _find_best_way(
    points: Places, worth: Float[NDArray, "frame candidate"], times: Times, size: float, n_views: int
) -> Int[NDArray, "frame"]:
    """The candidates, in order of time, whose worth less the cost of the jumps between them is largest."""
    frames, numbers = np.nonzero(worth > 0)
    places, gains, moments = points[frames, numbers], worth[frames, numbers], times[frames]
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    jump = _JUMP_SECONDS / max(step, 1e-9) * max(n_views - 1, 1)
    starts = np.searchsorted(moments, moments - _MEMORY_SECONDS, side="left")
    ends = np.searchsorted(moments, moments, side="left")
    totals, previous = np.empty(len(frames)), np.full(len(frames), -1)
    leader, led = -1, 0  # the best of all entries before `led`
    for entry in range(len(frames)):
        for earlier in range(led, ends[entry]):
            leader = earlier if leader < 0 or totals[earlier] > totals[leader] else leader
        led = ends[entry]
        totals[entry] = gains[entry]
        if leader < 0:
            continue
        near = np.append(np.arange(starts[entry], ends[entry]), leader)
        reach = size * (_FREE_REACH + _REACH_PER_SECOND * (moments[entry] - moments[near]))
        cost = np.square(places[near] - places[entry]).sum(axis=1) / reach**2
        ways = totals[near] - np.minimum(cost, jump)
        best = int(ways.argmax())
        if ways[best] > 0:
            totals[entry], previous[entry] = gains[entry] + ways[best], near[best]
    chosen = np.full(len(times), -1)
    entry = int(totals.argmax())
    while entry >= 0:
        chosen[frames[entry]] = numbers[entry]
        entry = int(previous[entry])
    return chosen


def _leave_out_others(points: Places, chosen: Int[NDArray, "frame"], times: Times, size: float) -> Int[NDArray, "frame"]:
    """Take back what was chosen for lack of better: candidates that are one with what moves beside the subject at other times."""
    labels = _link_candidates(points, times, size)
    rows = np.flatnonzero(chosen >= 0)
    own = labels[rows, chosen[rows]]
    beside = labels[rows].copy()
    beside[np.arange(len(rows)), chosen[rows]] = -1
    n_labels = labels.max() + 1
    as_subject = np.bincount(own, minlength=n_labels)
    as_other = np.bincount(beside[beside >= 0], minlength=n_labels)
    kept = chosen.copy()
    kept[rows[(as_other > as_subject)[own]]] = -1
    return kept


def _link_candidates(points: Places, times: Times, size: float) -> Int[NDArray, "frame candidate"]:
    """Number the candidates so that those near each other in neighbouring moments have the same number; -1 for none."""
    there = np.isfinite(points).all(axis=2)
    labels = np.full(there.shape, -1)
    ends: dict[int, tuple[float, Float[NDArray, ...]]] = {}
    n_labels = 0
    for frame, time in enumerate(times.tolist()):
        ends = {label: end for label, end in ends.items() if time - end[0] <= _LINK_SECONDS}
        free = dict(ends)
        for number in np.flatnonzero(there[frame]).tolist():
            place = points[frame, number]
            reaches = {
                label: float(np.linalg.norm(place - last)) / (size * (_FREE_REACH + _REACH_PER_SECOND * (time - before)))
                for label, (before, last) in free.items()
            }
            label = min(reaches, key=lambda one: reaches[one]) if reaches else -1
            if label < 0 or reaches[label] > 1:
                label, n_labels = n_labels, n_labels + 1
            free.pop(label, None)
            labels[frame, number], ends[label] = label, (time, place)
    return labels


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
