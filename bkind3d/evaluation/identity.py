"""Whether keypoints stay on their part of the body, and apart from each other."""

from typing import Any

import numpy as np
from jaxtyping import Float

_PERCENTILE = 95.0


def _distances_to(point: Float[np.ndarray, "frame 3"], others: Float[np.ndarray, "frame other 3"]) -> Float[np.ndarray, "frame other"]:
    """Distance of one point from others in every frame; infinite where an other is not known."""
    distances = np.linalg.norm(others - point[:, None], axis=2)
    return np.asarray(np.where(np.isnan(distances), np.inf, distances))


def body_length(joints: Float[np.ndarray, "frame joint 3"]) -> float:
    """Length of the body, world units: the largest, over pairs of joints, of the 95th percentile over frames of their distance."""
    longest = 0.0
    for joint in range(joints.shape[1] - 1):
        distances = np.linalg.norm(joints[:, joint + 1 :] - joints[:, joint : joint + 1], axis=2)
        known = ~np.isnan(distances).all(axis=0)
        if known.any():
            longest = max(longest, float(np.nanpercentile(distances[:, known], _PERCENTILE, axis=0).max()))
    return longest


def nearest_consistency(
    points: Float[np.ndarray, "frame point 3"],
    others: Float[np.ndarray, "frame other 3"],
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
        distances = _distances_to(points[:, index], others)
        judged = np.isfinite(distances).any(axis=1)
        if not judged.any():
            entries.append({"name": name, "nearest": None, "share": None, "distance": None, "n_frames": 0})
            continue
        counts = np.bincount(distances[judged].argmin(axis=1), minlength=len(other_names))
        modal = int(counts.argmax())
        to_modal = distances[judged, modal]
        entries.append(
            {
                "name": name,
                "nearest": other_names[modal],
                "share": counts[modal] / judged.sum(),
                "distance": to_modal[np.isfinite(to_modal)].mean(),
                "n_frames": int(judged.sum()),
            }
        )
    return entries


def pair_distances(keypoints: Float[np.ndarray, "frame keypoint 3"], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Mean distance over frames of every pair of keypoints, world units, closest pair first."""
    pairs = []
    for first in range(len(names) - 1):
        means = np.linalg.norm(keypoints[:, first + 1 :] - keypoints[:, first : first + 1], axis=2).mean(axis=0)
        pairs += [(float(mean), names[first], names[second]) for second, mean in enumerate(means, start=first + 1)]
    return [{"keypoint_a": a, "keypoint_b": b, "distance": mean} for mean, a, b in sorted(pairs)]


def measure_identity(
    keypoints: Float[np.ndarray, "frame keypoint 3"],
    names: tuple[str, ...],
    joints: Float[np.ndarray, "frame joint 3"] | None = None,
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
    content: dict[str, Any] = {"n_frames": len(keypoints), "body_length": None, "keypoints": [], "joints": []}
    pairs = pair_distances(keypoints, names) if len(keypoints) else []
    content |= {"pairs": pairs, "pair_mean_share": None, "pair_min_share": None}
    if joints is not None and len(keypoints):
        length = body_length(joints)
        content["body_length"] = length
        content["keypoints"] = nearest_consistency(keypoints, joints, names, joint_names)
        content["joints"] = nearest_consistency(joints, keypoints, joint_names, names)
        if pairs and length > 0:
            content["pair_mean_share"] = float(np.mean([pair["distance"] for pair in pairs])) / length
            content["pair_min_share"] = pairs[0]["distance"] / length
    return content
