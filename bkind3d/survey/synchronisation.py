"""Whether the cameras of a session show the same moment in frames of the same number, and by how many frames they do not.

Around the line between two cameras, both see a body between the same two angles: the planes through that line that touch it
(epipolar tangency; Sinha and Pollefeys, "Synchronization and calibration of camera networks from silhouettes", ICPR 2004).
Over time these angles are signals that both cameras must share, and so is how much moves in the picture. The offset between
two cameras is where their signals lie upon each other best. A constant difference is forgiven: silhouettes have soft edges.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from bkind3d.config import LocationConfig
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.geometry.cameras import Array, Camera
from bkind3d.geometry.lenses import pixel_directions
from bkind3d.survey.silhouettes import decode_mask

log = logging.getLogger(__name__)

#: Numbers of frames, and of two cameras.
Frames = Int[NDArray, "..."]
Pairs = list[tuple[int, int]]
#: Residuals are clipped at so many robust standard deviations: a wrong cluster in a few frames moves nothing.
_CLIP = 3.0
#: Blocks of time that are resampled for the uncertainty, how often, and the seed.
_BLOCKS, _RESAMPLES, _SEED = 20, 100, 0
#: Pairs of frames that two signals need to have in common.
_LEAST_FRAMES = 20
#: Frames of a session that are compared, and how many are read at once.
_MOST_FRAMES, _READ_FRAMES = 6000, 512
_BOX = ["box_x0", "box_y0", "box_x1", "box_y1"]
#: The silhouette's edges, as quantiles of its pixels: a wrong pixel or two moves nothing.
_EDGES = (0.01, 0.99)
#: Uncertainty, frames, that stands for an offset of which nothing is known.
_UNKNOWN = 1e6
#: Rounds in which each camera's offset is searched while the others keep theirs.
_ROUNDS = 10
#: A camera is called out of sync where its offset exceeds this many frames by twice its uncertainty.
_TOLERATED = 0.5
#: A camera drifts where its offset changes by more than this many frames, beyond twice its uncertainty; and what can be done.
_DRIFT = 1.5
DRIFT_REMEDY = "it lost frames or has a rate of its own: no constant shift mends that, a frame map with the times of its frames does"
#: Signals whose residual at the best offset is not below this share of that elsewhere say nothing.
_TELLING = 0.9


class CameraOffset(NamedTuple):
    """One camera's offset (frames that it is late, one standard deviation), whether it is beyond doubt, and the frames it is shifted by.

    `drift` is how many frames later it is at the end of the session than at its beginning, where that is beyond doubt: no shift mends it.
    """

    frames: float
    uncertainty: float
    out_of_sync: bool
    shift: int
    drift: float = 0.0


@dataclass(frozen=True)
class Signals:
    """What cameras must see alike at every moment (of long sessions, those of the middle part).

    Attributes
    ----------
    angles : least and largest angle (radians, around the line to the other camera) at which a view sees the subject; NaN where
        it does not see all of it.
    motion : how much moved since the frame before, standardised.
    """

    angles: Float[NDArray, "2 view other frame"]
    motion: Float[NDArray, "view frame"]

    def shifted(self, shifts: Sequence[int]) -> "Signals":
        """What cameras see that are read so many frames later."""
        turned = np.moveaxis(self.angles, (3, 1), (0, 1))
        return Signals(np.moveaxis(shift_frames(turned, shifts), (0, 1), (3, 1)), shift_frames(self.motion.T, shifts).T)


def choose_part(n_frames: int) -> slice:
    """The frames of a session that are compared: of long ones, the middle part."""
    first = max(0, (n_frames - _MOST_FRAMES) // 2)
    return slice(first, first + _MOST_FRAMES)


def measure_offsets(config: LocationConfig, surveys: Mapping[str, str | Path], signals: Signals) -> dict[str, CameraOffset]:
    """Estimate every camera's offset, and decide by how many of the session's frames it is corrected.

    `surveys` are tables by camera, in the order of the `signals`. Views in one picture have one clock: nothing is estimated where there is
    no other, and else what is most certain of any of them holds for all.
    """
    clocks = _list_clocks(surveys)
    if len(clocks) == 1:
        return dict.fromkeys(surveys, CameraOffset(0.0, 0.0, False, 0))
    offsets, uncertainties = estimate_offsets(signals, config.max_offset_frames)
    drifts = measure_drifts(signals, config.max_offset_frames)
    for views in clocks:
        surest = views[int(np.argmin(uncertainties[views]))]
        for values in (offsets, uncertainties, drifts):
            values[views] = values[surest]
    found = {}
    for name, offset, uncertainty, drift in zip(surveys, offsets.tolist(), uncertainties.tolist(), drifts.tolist(), strict=True):
        late = is_beyond_doubt(offset, uncertainty)
        shift = round(offset) if config.correct_offsets and late and not drift else 0
        found[name] = CameraOffset(offset, min(uncertainty, _UNKNOWN), late or drift != 0, shift, drift)
        if drift:
            log.warning("camera %s drifts: %+.1f frames from the beginning to the end; %s", name, drift, DRIFT_REMEDY)
        elif late:
            done = f"shifted by {shift}" if shift else "set location.correct_offsets to true, or give a frame map"
            log.warning("camera %s shows moments %+.1f frames later than the others (+- %.1f); %s", name, *found[name][:2], done)
    return found


def _list_clocks(surveys: Mapping[str, str | Path]) -> list[list[int]]:
    """Which views have one clock, because they are parts of one video."""
    clocks: dict[tuple[Any, ...], list[int]] = {}
    for view, (name, path) in enumerate(surveys.items()):
        about = read_metadata(path)
        clocks.setdefault((about["video"], about["n_frames"]) if about.get("part") else (name,), []).append(view)
    return list(clocks.values())


def measure_drifts(signals: Signals, max_offset: int) -> Float[NDArray, "view"]:
    """By how many frames each camera falls behind the others from the first third of the signals to the last; 0 where that is in doubt."""
    n_views, n_frames = signals.motion.shape
    third = n_frames // 3
    parts = [Signals(signals.angles[..., part], signals.motion[:, part]) for part in (slice(0, third), slice(n_frames - third, n_frames))]
    (early, unsure), (late, uncertain) = (estimate_offsets(part, max_offset) for part in parts)
    # Which camera is zero may differ between the parts.
    change = late - early - np.median(late - early)
    spread = 2 * np.hypot(unsure, uncertain)
    # What two thirds of the time show, the whole has half as much again.
    return np.where(np.isfinite(spread) & (np.abs(change) - spread > _DRIFT), 1.5 * change, np.zeros(n_views))


def is_beyond_doubt(offset: float, uncertainty: float) -> bool:
    """Whether a camera is out of sync, by its offset and one standard deviation of that, frames."""
    return abs(offset) - 2 * uncertainty > _TOLERATED


def shift_frames(values: Float[NDArray, "..."], shifts: Sequence[int]) -> Float[NDArray, "..."]:
    """Give every frame of ``values[frame, view]`` what a camera shows `shifts` frames later; NaN beyond its ends."""
    shifted = np.full_like(values, np.nan)
    for view, shift in enumerate(shifts):
        first, last = max(0, -shift), len(values) - max(0, shift)
        shifted[first:last, view] = values[first + shift : last + shift, view]
    return shifted


def read_signals(cameras: Sequence[Camera], surveys: Sequence[str | Path], frames: Frames) -> Signals:
    """Read out of the surveys what two cameras must see alike at every moment; of long sessions, in the middle part."""
    frames = frames[choose_part(len(frames))]
    angles = np.full((2, len(cameras), len(cameras), len(frames)), np.nan)
    motion = np.full((len(cameras), len(frames)), np.nan)
    for view, path in enumerate(surveys):
        maps = {other: _map_angles(cameras[view], cameras[other], cameras) for other in range(len(cameras)) if other != view}
        for start in range(0, len(frames), _READ_FRAMES):
            part = read_table(path, "survey", [*_BOX, "frame", "motion", "mask"], frames=frames[start : start + _READ_FRAMES].tolist())
            place = slice(start, start + len(part))
            motion[view, place] = part["motion"]
            for row, (box, mask) in enumerate(zip(part[_BOX].to_numpy(), part["mask"], strict=True), start):
                for other, found in _measure_angles(box, mask, maps).items():
                    angles[:, view, other, row] = found
    # Zero median and unit robust deviation over time.
    motion = np.log(np.maximum(motion, 1e-3))
    shown = np.isfinite(motion).any(axis=1)  # a camera without any picture has no median
    motion[shown] -= np.nanmedian(motion[shown], axis=1, keepdims=True)
    motion[shown] /= np.maximum(1.4826 * np.nanmedian(np.abs(motion[shown]), axis=1, keepdims=True), 1e-9)
    return Signals(angles, motion)


def measure_angles(rays: Float[NDArray, "ray 3"], camera: Camera, other: Camera, rig: Sequence[Camera]) -> Float[NDArray, "ray"]:
    """Angle of rays from `camera` around the line from it to `other`, radians; rays in one plane have the same angle from both of them.

    NaN where the two stand in one place, so that there is no such line.
    """
    ahead = np.sum([entry.rotation[2] for entry in rig], axis=0)
    # One order of the two, so that both views measure in the same sense.
    start, end = sorted((camera.centre, other.centre), key=tuple)
    length = float(np.linalg.norm(end - start))
    if length <= 1e-9 * max(float(np.linalg.norm(end)), 1e-9):
        return np.full(len(rays), np.nan)
    axis = (end - start) / length
    # A direction across the line that the views of both cameras are around, so that no angle jumps from pi to -pi.
    first, second, third = (direction - (direction @ axis) * axis for direction in (camera.rotation[2], other.rotation[2], ahead))
    zero = first + second if np.linalg.norm(first + second) >= 1e-3 else third
    zero = zero / max(float(np.linalg.norm(zero)), 1e-12)
    return np.arctan2(rays @ np.cross(axis, zero), rays @ zero)


def _map_angles(camera: Camera, other: Camera, rig: Sequence[Camera]) -> Float[NDArray, "height width"]:
    """Angle of every pixel's ray, see :func:`measure_angles`."""
    columns, rows = np.meshgrid(np.arange(camera.size[0]), np.arange(camera.size[1]))
    rays = pixel_directions(camera, np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float64))
    return measure_angles(rays, camera, other, rig).reshape(camera.size[::-1])


def _measure_angles(box: Float[NDArray, "4"], mask: bytes, maps: Mapping[int, Float[NDArray, "height width"]]) -> dict[int, Array]:
    """Least and largest angle of the largest silhouette, for every other camera; none where the picture's edge cuts it off."""
    if not np.isfinite(box).all():
        return {}
    left, top, right, bottom = box.astype(int)
    picture = decode_mask(mask)
    if left <= 0 or top <= 0 or right >= picture.shape[1] - 1 or bottom >= picture.shape[0] - 1:
        return {}
    part = np.s_[top : bottom + 1, left : right + 1]
    inside = picture[part] > 0
    return {other: np.quantile(angles[part][inside], _EDGES) for other, angles in maps.items()}


def estimate_offsets(signals: Signals, max_offset: int) -> tuple[Float[NDArray, "view"], Float[NDArray, "view"]]:
    """Estimate by how many frames, between two cameras at most `max_offset`, each shows a moment later than the others.

    Returns
    -------
    offsets : best estimates, frames; 0 for most cameras of a rig in which only some are off.
    uncertainties : one standard deviation, from resampled blocks of time; infinite where nothing tells the offset.
    """
    n_views, n_frames = signals.motion.shape
    # Signals that hardly overlap agree by chance.
    max_offset = max(1, min(max_offset, n_frames // 3))
    lags = np.arange(-max_offset, max_offset + 1)
    pairs, sums = [], []
    for one, other in combinations(range(n_views), 2):
        shared = [(angles[one, other], angles[other, one]) for angles in signals.angles]
        for first, second in (*shared, (signals.motion[one], signals.motion[other])):
            blocks = _sum_residuals(first, second, lags)
            if blocks is not None:
                pairs.append((one, other))
                sums.append(blocks)
    if not sums:
        return np.zeros(n_views), np.full(n_views, np.inf)
    stacked = np.stack(sums)
    frames = _solve(stacked, pairs, n_views, max_offset, np.zeros(n_views))
    generator = np.random.default_rng(_SEED)
    draws = generator.integers(0, _BLOCKS, (_RESAMPLES, _BLOCKS))
    resampled = [_solve(stacked[..., drawn], pairs, n_views, max_offset, np.rint(frames)) for drawn in draws]
    known = np.isin(np.arange(n_views), np.array(pairs))
    uncertainty = np.where(known, np.sqrt(np.mean((np.array(resampled) - frames) ** 2, axis=0)), np.inf)
    return frames, uncertainty


def _sum_residuals(first: Float[NDArray, "frame"], second: Float[NDArray, "frame"], lags: Frames) -> Float[NDArray, "2 lag block"] | None:
    """Sums of clipped squared residuals, and their numbers, for every lag of `second` and block of time; None where they tell nothing."""
    n_frames = len(first)
    padded = np.full(n_frames + 2 * int(lags.max()), np.nan)
    padded[lags.max() : lags.max() + n_frames] = second
    residuals = np.stack([padded[lags.max() + lag : lags.max() + lag + n_frames] - first for lag in lags])
    known = np.isfinite(residuals)
    if known.sum(axis=1).min() < _LEAST_FRAMES:
        return None
    residuals -= np.nanmedian(residuals, axis=1, keepdims=True)
    # Two cameras with one video, say, agree without any residual.
    scales = np.maximum(1.4826 * np.nanmedian(np.abs(residuals), axis=1), 1e-9)
    limit = _CLIP * float(scales.min())
    squared = np.where(known, np.minimum(np.abs(residuals), limit * np.maximum(1.0, scales[:, None] / scales.min())) ** 2, 0.0)
    block = np.minimum(np.arange(n_frames) * _BLOCKS // n_frames, _BLOCKS - 1)
    starts = np.searchsorted(block, np.arange(_BLOCKS))
    sums = np.stack([np.add.reduceat(squared, starts, axis=1), np.add.reduceat(known.astype(np.float64), starts, axis=1)])
    total = sums[0].sum(axis=1) / sums[1].sum(axis=1)
    return sums if total.min() < _TELLING * np.median(total) else None


def _solve(sums: Float[NDArray, "pair 2 lag block"], pairs: Pairs, n_views: int, max_offset: int, start: Array) -> Float[NDArray, "view"]:
    """Offsets of all cameras that make the signals of all pairs agree best (least sum of log variances), to parts of a frame."""
    totals = sums.sum(axis=-1)
    # Blocks that were drawn may have no frame for a lag: it then costs what one does at which nothing fits.
    known = totals[:, 1] > 0
    means = np.log(np.maximum(totals[:, 0], 1e-12) / np.maximum(totals[:, 1], 1.0))
    worst = np.max(means, axis=1, where=known, initial=np.log(1e-12), keepdims=True)
    costs = np.where(known, means, worst) * totals[:, 1].mean(axis=1, keepdims=True)
    offsets = start.astype(np.int64)
    reach = np.arange(-max_offset, max_offset + 1)
    for _ in range(_ROUNDS):
        before = offsets.copy()
        for view in range(n_views):
            offsets[view] = reach[_cost_of(view, offsets, costs, pairs, reach).argmin()]
        # Zero is the camera that most others agree with (the first of several).
        offsets -= offsets[(np.abs(offsets[:, None] - offsets) <= _TOLERATED).sum(axis=1).argmax()]
        if np.array_equal(before, offsets):
            break
    fine = np.array([offsets[view] + _find_vertex(view, offsets, costs, pairs) for view in range(n_views)])
    return np.asarray(fine - np.median(fine[np.abs(fine) <= _TOLERATED]) if (np.abs(fine) <= _TOLERATED).any() else fine)


def _cost_of(view: int, offsets: Frames, costs: Float[NDArray, "pair lag"], pairs: Pairs, reach: Frames) -> Float[NDArray, "candidate"]:
    """Cost of a camera's candidate offsets while the others keep theirs; beyond the lags that were looked at, that of the last one."""
    total, last = np.zeros(len(reach)), costs.shape[1] // 2
    for (one, other), cost in zip(pairs, costs, strict=True):
        if view in (one, other):
            lag = reach - offsets[one] if view == other else offsets[other] - reach
            total += np.where(np.abs(lag) <= last, cost[np.clip(lag, -last, last) + last], cost.max())
    return total


def _find_vertex(view: int, offsets: Frames, costs: Float[NDArray, "pair lag"], pairs: Pairs) -> float:
    """Where, within half a frame, the parabola through the costs of the neighbouring offsets has its least value."""
    left, middle, right = _cost_of(view, offsets, costs, pairs, offsets[view] + np.array([-1, 0, 1]))
    bend = left - 2 * middle + right
    return float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) if bend > 0 else 0.0
