"""Whether left and right are told apart."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

#: How names say left, and how the same name says right: a word, or a letter that begins or ends the name or one of its parts.
_SIDES = (
    (re.compile(r"left"), "right"),
    (re.compile(r"Left"), "Right"),
    (re.compile(r"LEFT"), "RIGHT"),
    (re.compile(r"(?<![A-Za-z])L(?=[A-Z0-9_. -]|$)"), "R"),
    (re.compile(r"(?<=[a-z0-9_. -])L(?![A-Za-z])"), "R"),
    (re.compile(r"(?<![A-Za-z0-9])l(?![a-z])"), "r"),
)


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
        entries.append(
            {
                "left": joint_names[left],
                "right": joint_names[right],
                "left_keypoint": keypoint_names[a],
                "right_keypoint": keypoint_names[b],
                "share": share,
                "n_frames": int(known.sum()),
            }
        )
    return entries
