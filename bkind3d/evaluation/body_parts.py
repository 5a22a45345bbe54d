"""Whether keypoints stay on their part of the body and apart from each other, and tell left from right."""

import re
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy.typing import NDArray
from scipy.stats import spearmanr

from bkind3d.evaluation.candidates import fill_gaps, mean_shape
from bkind3d.evaluation.labelled_frames import LabelledFrames
from bkind3d.evaluation.steadiness import Motion, measure_steadiness
from bkind3d.evaluation.swaps import body_length, measure_body_swaps

#: Measures of identity for which the truth is needed, and those for which it is not. For `nearest` and `left_right` more is better.
WITH_TRUTH = ("swaps", "scatter", "nearest", "left_right")
WITHOUT_TRUTH = ("jumps", "trades", "edge_variation", "spread", "turned", "fewer_views")

#: Fewer keypoints than this are not worth a rank correlation.
_MIN_RANKED = 5

#: How names say left, and how the same name says right: a word, or a letter that begins or ends the name or one of its parts.
_SIDES = (
    (re.compile(r"left"), "right"),
    (re.compile(r"Left"), "Right"),
    (re.compile(r"LEFT"), "RIGHT"),
    (re.compile(r"(?<![A-Za-z])L(?=[A-Z0-9_. -]|$)"), "R"),
    (re.compile(r"(?<=[a-z0-9_. -])L(?![A-Za-z])"), "R"),
    (re.compile(r"(?<![A-Za-z0-9])l(?![a-z])"), "r"),
)


def nearest_consistency(
    points: Float[NDArray, "frame point 3"],
    others: Float[NDArray, "frame other 3"],
    names: tuple[str, ...],
    other_names: tuple[str, ...],
) -> list[dict[str, Any]]:
    """For each point: which other point it is nearest to in most frames, in what share of the frames, and how far on average.

    Parameters
    ----------
    points, others : in the same world frame and units. Frames in which a point, or every other point, is not known do not count.

    Returns
    -------
    One entry for each point: name, nearest, share (of `n_frames`), distance (mean to `nearest`, world units).
    """
    entries = []
    for index, name in enumerate(names):
        distances = np.nan_to_num(np.linalg.norm(others - points[:, index, None], axis=2), nan=np.inf)
        judged = distances[np.isfinite(distances).any(axis=1)]
        entry = {"name": name, "nearest": None, "share": None, "distance": None, "n_frames": len(judged)}
        if len(judged):
            counts = np.bincount(judged.argmin(axis=1), minlength=len(other_names))
            modal = int(counts.argmax())
            to_modal = judged[np.isfinite(judged[:, modal]), modal]
            entry |= {"nearest": other_names[modal], "share": counts[modal] / len(judged), "distance": to_modal.mean()}
        entries.append(entry)
    return entries


def pair_distances(keypoints: Float[NDArray, "frame keypoint 3"], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Mean distance over frames of every pair of keypoints, world units, closest pair first."""
    pairs = []
    for first in range(len(names) - 1):
        means = np.linalg.norm(keypoints[:, first + 1 :] - keypoints[:, first : first + 1], axis=2).mean(axis=0)
        pairs += [(float(mean), names[first], names[second]) for second, mean in enumerate(means, start=first + 1)]
    return [{"keypoint_a": a, "keypoint_b": b, "distance": mean} for mean, a, b in sorted(pairs)]


def measure_identity(
    keypoints: Float[NDArray, "frame keypoint 3"],
    names: tuple[str, ...],
    joints: Float[NDArray, "frame joint 3"] | None = None,
    joint_names: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Measure identity and distinctness of keypoints, all of them finite, in the world frame.

    Without joints only the distances between keypoints are known; their shares of the body's length are None.

    Returns
    -------
    n_frames; body_length (world units); keypoints and joints (see :func:`nearest_consistency`: the nearest joint of each
    keypoint, the nearest keypoint of each joint); pairs (see :func:`pair_distances`); pair_mean_share and pair_min_share, of
    the body's length.
    """
    pairs = pair_distances(keypoints, names) if len(keypoints) else []
    content: dict[str, Any] = {"n_frames": len(keypoints), "body_length": None, "keypoints": [], "joints": [], "pairs": pairs}
    content |= {"pair_mean_share": None, "pair_min_share": None}
    if joints is not None and len(keypoints):
        length = body_length(joints)
        content["body_length"] = length
        content["keypoints"] = nearest_consistency(keypoints, joints, names, joint_names)
        content["joints"] = nearest_consistency(joints, keypoints, joint_names, names)
        if pairs and length > 0:
            content["pair_mean_share"] = float(np.mean([pair["distance"] for pair in pairs])) / length
            content["pair_min_share"] = pairs[0]["distance"] / length
    return content


def pair_sides(names: Sequence[str]) -> list[tuple[int, int]]:
    """Find the joints that are there on both sides, by their names: (left, right) indices.

    HipL and HipR, LHip and RHip, paw_left and paw_right, LeftArm and RightArm, l_ear and r_ear, L1A and R1A.
    """
    pairs = []
    for left, name in enumerate(names):
        others = {pattern.sub(right, name) for pattern, right in _SIDES} - {name}
        found = [names.index(other) for other in sorted(others) if other in names]
        if found:
            pairs.append((left, found[0]))
    return pairs


def choose_side_keypoints(
    keypoints: Float[NDArray, "frame keypoint 3"], joints: Float[NDArray, "frame joint 3"], pairs: Sequence[tuple[int, int]]
) -> Int[NDArray, "pair 2"]:
    """For each pair of joints, the keypoints that are nearest to the left and to the right one, on average over the frames that know it."""
    chosen = np.zeros((len(pairs), 2), dtype=np.int64)
    for place, joint in np.ndenumerate(np.reshape(pairs, (-1, 2)).astype(np.int64)):
        known = np.isfinite(joints[:, joint]).all(axis=1)
        if known.any():
            chosen[place] = np.linalg.norm(keypoints[known] - joints[known, None, joint], axis=2).mean(axis=0).argmin()
    return chosen


def measure_sides(
    train: tuple[Float[NDArray, "train keypoint 3"], Float[NDArray, "train joint 3"]],
    test: tuple[Float[NDArray, "test keypoint 3"], Float[NDArray, "test joint 3"]],
    keypoint_names: Sequence[str],
    joint_names: Sequence[str],
) -> list[dict[str, Any]]:
    """Measure in what share of the test frames left and right are told apart.

    In the training frames, the keypoints nearest on average to the left and the right joint are chosen; where they are one
    and the same, the sides are never told apart. Else they are in a frame in which both are nearer to their own joint.

    Parameters
    ----------
    train, test : keypoints (all known) and joints (NaN where not known), world units.

    Returns
    -------
    One entry for each pair: left, right (joints), left_keypoint, right_keypoint, share, n_frames in which both joints are known.
    """
    pairs = pair_sides(joint_names)
    entries = []
    for (left, right), (a, b) in zip(pairs, choose_side_keypoints(*train, pairs), strict=True):
        keypoints, joints = test
        known = np.isfinite(joints[:, [left, right]]).all(axis=(1, 2))
        chosen = keypoints[known][:, [a, b]]
        own, other = (np.linalg.norm(joints[known][:, order] - chosen, axis=2) for order in ([left, right], [right, left]))
        nearer = own < other
        share = (nearer.all(axis=1).mean() if a != b else 0.0) if known.any() else None
        entry = {
            "left": joint_names[left],
            "right": joint_names[right],
            "left_keypoint": keypoint_names[a],
            "right_keypoint": keypoint_names[b],
        }
        entries.append(entry | {"share": share, "n_frames": int(known.sum())})
    return entries


def measure_truth(
    train: LabelledFrames, test: LabelledFrames, candidate: str, names: tuple[str, ...], joint_names: tuple[str, ...]
) -> dict[str, Any]:
    """Measure identity of `candidate` against the true joints, with the joints that are not known filled in from the mean shape.

    Returns
    -------
    swaps and scatter (see :func:`bkind3d.evaluation.swaps.measure_body_swaps`); nearest: mean over keypoints of the share of
    frames in which the nearest joint is the usual one; left_right: mean over pairs of joints of the share of frames in which
    left and right are told apart; sides: these pairs; ``keypoint_...``: the value of each keypoint.
    """
    shape = mean_shape(train.joints)
    known_train, known_test = ((part.points[candidate], part.joints) for part in (train, test))
    filled_train, filled_test = ((points, fill_gaps(joints, shape)) for points, joints in (known_train, known_test))
    content = measure_body_swaps(filled_train, filled_test, body_length(test.joints))
    nearest = nearest_consistency(*known_test, names, joint_names)
    content["keypoint_nearest"] = np.array([np.nan if entry["share"] is None else entry["share"] for entry in nearest])
    content["nearest"] = np.nanmean(content["keypoint_nearest"])
    content["sides"] = measure_sides(known_train, known_test, names, joint_names)
    shares = [entry["share"] for entry in content["sides"] if entry["share"] is not None]
    content["left_right"] = np.mean(shares) if shares else None
    return content


def rank_predictors(measures: dict[str, Any]) -> list[dict[str, Any]]:
    """Tell how well measures that need no truth predict those that do: Spearman's correlation over the keypoints.

    Signs are turned so that a positive correlation means: steadier in itself, truer to the body.
    """
    entries = []
    for free, truth in product(WITHOUT_TRUTH, ("swaps", "scatter", "nearest")):
        values = [measures.get(f"keypoint_{name}") for name in (free, truth)]
        if any(value is None for value in values):
            continue
        pairs = np.array(values, dtype=np.float64)
        pairs = pairs[:, np.isfinite(pairs).all(axis=0)]
        if pairs.shape[1] < _MIN_RANKED or (np.ptp(pairs, axis=1) == 0).any():
            continue
        sign = -1 if truth == "nearest" else 1
        correlation = sign * float(spearmanr(*pairs).statistic)
        entries.append({"predictor": free, "truth": truth, "correlation": correlation, "n": pairs.shape[1]})
    return entries


def summarise_candidate(
    motion: Motion, edges: Sequence[tuple[int, int]], names: tuple[str, ...], truth: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Put together what is known of one candidate's identity, as pose.json holds it.

    Returns
    -------
    Every measure of :data:`WITH_TRUTH` and :data:`WITHOUT_TRUTH` by name, None where not known; by_keypoint: the same for
    each keypoint, where it has one; predictors: see :func:`rank_predictors`; sides: see :func:`measure_truth`.
    """
    measures = measure_steadiness(motion, edges) | (truth or {})
    content = {name: measures.get(name) for name in (*WITH_TRUTH, *WITHOUT_TRUTH)}
    single = {name: measures.get(f"keypoint_{name}") for name in content}
    known = {name: values for name, values in single.items() if values is not None}
    content["by_keypoint"] = pd.DataFrame({"name": names, **known}).to_dict("records")
    return content | {"sides": measures.get("sides", []), "predictors": rank_predictors(measures)}
