"""Keypoints that trade places: against the true body, and from one frame to the next."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from bkind3d.data.spacing import spread_indices

Keypoints = Float[NDArray, "frame keypoint 3"]

#: Two keypoints have traded places where the trade shortens the way to where they belong by this share of the body's length.
MARGIN = 0.1

#: Frames whose distances are held at once.
_CHUNK = 10_000

#: Frames that places are learned from at most, and rounds of it.
_MOST_FRAMES, _ROUNDS = 2000, 20

#: Directions of the joints' coordinates smaller than this share of the largest are rounding.
_RELATIVE_RANK = 1e-6

#: Of the distances of a pair of points, over frames: rare outliers are no part of the body.
_PERCENTILE = 95.0


def body_length(points: Float[NDArray, "frame point 3"]) -> float:
    """Length of the body, world units: the largest, over pairs of points, of the 95th percentile over frames of their distance."""
    longest = 0.0
    for point in range(points.shape[1] - 1):
        distances = np.linalg.norm(points[:, point + 1 :] - points[:, point : point + 1], axis=2)
        known = ~np.isnan(distances).all(axis=0)
        if known.any():
            longest = max(longest, float(np.nanpercentile(distances[:, known], _PERCENTILE, axis=0).max()))
    return longest


def fit_mixtures(keypoints: Keypoints, joints: Float[NDArray, "frame joint 3"]) -> Float[NDArray, "keypoint joint"]:
    """Fit each keypoint as a mixture of the true joints, both relative to the joints' centroid, by least squares.

    One weight for each joint, the same for x, y and z: a mixture turns with the body, so a keypoint that stays at, say, the
    eastern end of whatever is there fits none.

    Parameters
    ----------
    keypoints, joints : all known, world units, same frames.
    """
    centroid = joints.mean(axis=1, keepdims=True)
    places = (joints - centroid).transpose(0, 2, 1).reshape(-1, joints.shape[1])
    targets = (keypoints - centroid).transpose(0, 2, 1).reshape(-1, keypoints.shape[1])
    return np.asarray(np.linalg.lstsq(places, targets, rcond=_RELATIVE_RANK)[0].T)


def learn_places(keypoints: Keypoints, joints: Float[NDArray, "frame joint 3"]) -> Float[NDArray, "keypoint joint"]:
    """Learn where on the body each keypoint belongs, also where keypoints trade places in many of the frames.

    A plain fit of two keypoints that trade places in every other frame puts both in the middle, where no trade is seen. So
    in turns, mixtures are fit, and keypoints are sorted to the places nearest to them, until nothing changes; in the end
    a place is given to the keypoint that was most often there.

    Parameters
    ----------
    keypoints, joints : of the training frames, all known, world units; a few thousand frames, evenly spread, are used.
    """
    chosen = spread_indices(len(keypoints), _MOST_FRAMES)
    keypoints, joints = keypoints[chosen], joints[chosen]
    rows, order = np.arange(len(chosen))[:, None], np.tile(np.arange(keypoints.shape[1]), (len(chosen), 1))
    for _ in range(_ROUNDS):
        weights = fit_mixtures(keypoints[rows, order], joints)
        costs = np.linalg.norm(place_keypoints(weights, joints)[:, :, None] - keypoints[:, None], axis=3)
        sorted_anew = np.stack([linear_sum_assignment(cost)[1] for cost in costs])
        if (sorted_anew == order).all():
            break
        order = sorted_anew
    visits = np.stack([np.bincount(places, minlength=len(weights)) for places in order.T])
    _, owner = linear_sum_assignment(visits, maximize=True)
    return np.asarray(fit_mixtures(keypoints[rows, order], joints)[np.argsort(owner)])


def place_keypoints(weights: Float[NDArray, "keypoint joint"], joints: Float[NDArray, "frame joint 3"]) -> Keypoints:
    """Where the keypoints belong in each frame, given the true joints (world units)."""
    centroid = joints.mean(axis=1, keepdims=True)
    return np.asarray(np.einsum("kj,fjc->fkc", weights, joints - centroid) + centroid)


def find_swaps(keypoints: Keypoints, places: Keypoints, margin: float) -> Bool[NDArray, "frame keypoint"]:
    """Tell which keypoints have traded places, frame by frame.

    The assignment of keypoints to places with the shortest total distance (Kuhn 1955) is taken apart into its cycles; the
    members of a cycle are swapped where it saves more than `margin`.

    Parameters
    ----------
    keypoints, places : where each keypoint is, and where it belongs; all known, world units.
    margin : world units.
    """
    swapped = np.zeros(keypoints.shape[:2], dtype=bool)
    for start in range(0, len(keypoints), _CHUNK):
        part = slice(start, start + _CHUNK)
        costs = np.linalg.norm(keypoints[part, :, None] - places[part, None], axis=3)
        # Where each place is nearest to its own keypoint, or each keypoint to its own place, no other assignment is shorter.
        own = np.arange(costs.shape[1])
        doubtful = (costs.argmin(axis=2) != own).any(axis=1) & (costs.argmin(axis=1) != own).any(axis=1)
        for row in np.flatnonzero(doubtful):
            swapped[start + row] = _find_costly_cycles(costs[row], margin)
    return swapped


def _find_costly_cycles(costs: Float[NDArray, "keypoint place"], margin: float) -> Bool[NDArray, "keypoint"]:
    """Members of those cycles of the best assignment that save more than `margin`."""
    _, assigned = linear_sum_assignment(costs)
    savings = np.diag(costs) - costs[np.arange(len(costs)), assigned]
    cycle = np.arange(len(costs))
    for _ in range(len(costs)):
        cycle = np.minimum(cycle, cycle[assigned])
    return np.asarray(np.bincount(cycle, weights=savings, minlength=len(costs))[cycle] > margin)


def measure_body_swaps(
    train: tuple[Keypoints, Float[NDArray, "train joint 3"]], test: tuple[Keypoints, Float[NDArray, "test joint 3"]], length: float
) -> dict[str, Any]:
    """Measure on test frames whether keypoints stay on the part of the body that they had in the training frames.

    Parameters
    ----------
    train, test : keypoints and joints of both parts, all known, world units.
    length : of the body, world units. The margin is a share of it, or of the keypoints' own extent where that is less.

    Returns
    -------
    swaps : share of the frames in which any keypoint is swapped. scatter : mean distance from where keypoints belong, in
    lengths of the body. keypoint_swaps, keypoint_scatter : the same for each keypoint.
    """
    places = place_keypoints(learn_places(*train), test[1])
    swapped = find_swaps(test[0], places, MARGIN * min(length, body_length(test[0])))
    scatter = np.linalg.norm(test[0] - places, axis=2).mean(axis=0) / length
    return {
        "swaps": swapped.any(axis=1).mean(),
        "scatter": scatter.mean(),
        "keypoint_swaps": swapped.mean(axis=0),
        "keypoint_scatter": scatter,
    }
