"""How steady keypoints are in themselves, which needs no truth: jumps, trades of place, lengths of edges, spread, agreement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from bkind3d.evaluation.swaps import MARGIN, body_length, find_swaps

#: A keypoint jumps where, beyond what the body as a whole does, it moves faster than this many lengths of the body in a second
#: (a sprinter's feet reach about six, relative to the ground), and by more than this share of the length.
JUMP_SPEED, JUMP_SHARE = 5.0, 0.1


@dataclass(frozen=True)
class Motion:
    """Keypoints over time in the world frame, all known, sessions one after the other.

    Attributes
    ----------
    session : code of each frame's session.
    steps_s : seconds since the row before; infinite where that row is not the moment before.
    spreads : mean spread of each keypoint's heatmap, world units; None where not known.
    agreement : distances of :class:`bkind3d.inference.agreement.SecondLook` for each keypoint, world units, by kind.
    """

    positions: Float[NDArray, "frame keypoint 3"]
    session: Int[NDArray, "frame"]
    steps_s: Float[NDArray, "frame"]
    spreads: Float[NDArray, "keypoint"] | None = None
    agreement: Mapping[str, Float[NDArray, "keypoint"]] = field(default_factory=dict)


def find_steps(session: Int[NDArray, "frame"], time_s: Float[NDArray, "frame"]) -> Float[NDArray, "frame"]:
    """Seconds since the row before; infinite in the first row of a session and after a gap."""
    seconds = np.diff(time_s, prepend=np.nan)
    same = np.concatenate([[False], session[1:] == session[:-1]]) & (seconds > 0)
    usual = np.median(seconds[same]) if same.any() else 0.0
    return np.where(same & (seconds <= 1.5 * usual), seconds, np.inf)


def find_faults(motion: Motion, length: float) -> dict[str, Bool[NDArray, "step keypoint"]]:
    """Tell which keypoints jumped, and which traded places, in which of the steps, the body's motion as a whole taken out."""
    later = np.flatnonzero(np.isfinite(motion.steps_s))
    now, before = motion.positions[later], motion.positions[later - 1]
    common = np.median(now - before, axis=1, keepdims=True)
    limit = np.maximum(JUMP_SHARE, JUMP_SPEED * motion.steps_s[later]) * length
    jumps = np.linalg.norm(now - before - common, axis=2) > limit[:, None]
    return {"jumps": jumps, "trades": find_swaps(now - common, before, MARGIN * length)}


def measure_edges(motion: Motion, edges: Sequence[tuple[int, int]]) -> Float[NDArray, "edge"]:
    """Coefficient of variation of each edge's length over the frames of a session, averaged over sessions by their frames."""
    if not edges:
        return np.empty(0)
    ends = np.array(edges)
    lengths = np.linalg.norm(motion.positions[:, ends[:, 0]] - motion.positions[:, ends[:, 1]], axis=2)
    codes, sizes = np.unique(motion.session, return_counts=True)
    means = np.stack([lengths[motion.session == code].mean(axis=0) for code in codes])
    spreads = np.stack([lengths[motion.session == code].std(axis=0) for code in codes])
    return np.asarray(np.average(spreads / np.maximum(means, 1e-12), axis=0, weights=sizes))


def measure_steadiness(motion: Motion, edges: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Measure what can be known of keypoints' identity without truth.

    Lengths are in lengths of the body, which is here the keypoints' own (see :func:`body_length`): keypoints that
    all lie on one place look no steadier for it.

    Returns
    -------
    For each of jumps, trades (share of the steps in which any keypoint does), edge_variation, spread, turned, fewer_views: the
    value, and under ``keypoint_...`` that of each keypoint. None where not known.
    """
    number = motion.positions.shape[1]
    length = body_length(motion.positions) if len(motion.positions) else 0.0
    known: dict[str, tuple[Any, Any]] = {}
    for name, found in find_faults(motion, length).items():
        if len(found):
            known[name] = found.any(axis=1).mean(), found.mean(axis=0)
    variation = measure_edges(motion, edges) if len(motion.positions) else np.empty(0)
    if len(variation):
        ends = np.ravel(edges)
        sums, counts = np.bincount(ends, np.repeat(variation, 2), number), np.bincount(ends, minlength=number)
        known["edge_variation"] = variation.mean(), np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    for name, values in {"spread": motion.spreads, **motion.agreement}.items():
        if values is not None and length > 0:
            known[name] = np.mean(values / length), values / length
    names = ("jumps", "trades", "edge_variation", "spread", "turned", "fewer_views")
    return {key: value for name in names for key, value in zip((name, f"keypoint_{name}"), known.get(name, (None, None)), strict=True)}
