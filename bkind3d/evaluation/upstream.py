"""The measures of the authors' public code, under their own names, for comparison with numbers that were made by it.

They differ from the usual definitions; ``docs/metrics.md`` says how and by how much. Nothing else here uses them.
Source: neuroethology/BKinD-3D, evaluation/evaluate.py at commit cd8a4e6.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from bkind3d.evaluation.labelled_frames import LabelledFrames, all_known
from bkind3d.evaluation.regression import MIN_FRAMES

Poses = Float[NDArray, "frame joint 3"]

#: The share of each sequence, from its beginning, that the regressor is fit on, and the strength of its penalty.
_FIT_SHARE, _STRENGTH = 0.1, 1.0


def _mean_distance(predicted: Poses, joints: Poses) -> float:
    return float(np.linalg.norm(predicted - joints, axis=-1).mean())


def _centre(poses: Poses) -> Poses:
    return np.asarray(poses - poses.mean(axis=1, keepdims=True))


def _fit_orthogonal(predicted: Poses, joints: Poses) -> tuple[Float[NDArray, "frame 3 3"], Float[NDArray, "frame"]]:
    """The orthogonal map and the scale that bring centred predictions closest to centred joints; the map may mirror."""
    left, singular, right = np.linalg.svd(np.einsum("fji,fjk->fik", predicted, joints))
    return left @ right, singular.sum(axis=1) / np.square(predicted).sum(axis=(1, 2))


def upstream_mpjpe(predicted: Poses, joints: Poses) -> float:
    """Mean distance in the world."""
    return _mean_distance(predicted, joints)


def upstream_shifted_mpjpe(predicted: Poses, joints: Poses) -> float:
    """Mean distance with both centroids at the origin."""
    return _mean_distance(_centre(predicted), _centre(joints))


def upstream_n_mpjpe(predicted: Poses, joints: Poses) -> float:
    """Mean distance with both centroids at the origin, after a scale: that of the best fit with rotation, though nothing is rotated."""
    predicted, joints = _centre(predicted), _centre(joints)
    _, scale = _fit_orthogonal(predicted, joints)
    return _mean_distance(scale[:, None, None] * predicted, joints)


def upstream_pa_mpjpe(predicted: Poses, joints: Poses) -> float:
    """Mean distance after the best similarity, mirror images included."""
    predicted, joints = _centre(predicted), _centre(joints)
    turn, scale = _fit_orthogonal(predicted, joints)
    return _mean_distance(scale[:, None, None] * predicted @ turn, joints)


def judge_as_upstream(train: LabelledFrames, test: LabelledFrames, regressed: Sequence[str]) -> dict[str, Any]:
    """Judge the candidates `regressed` as the public code does.

    A ridge regression of fixed strength maps raw world coordinates to raw world coordinates, fit on the first tenth of each
    training sequence. It knows no gaps: frames in which a joint is not known are left out, and counted.

    Returns
    -------
    By candidate: the four measures (world units), n_train, n_test; empty where too few frames are complete.
    """
    _, place, sizes = np.unique(train.session, return_inverse=True, return_counts=True)
    order = np.arange(len(train.session)) - np.concatenate([[0], np.cumsum(sizes)])[place]
    early = all_known(train.joints) & (order < np.ceil(_FIT_SHARE * sizes)[place])
    complete = all_known(test.joints)
    if early.sum() < MIN_FRAMES or not complete.any():
        return {}
    content = {}
    joints = test.joints[complete]
    for name in regressed:
        ridge = Ridge(alpha=_STRENGTH).fit(_flatten(train.points[name][early]), _flatten(train.joints[early]))
        predicted = ridge.predict(_flatten(test.points[name][complete])).reshape(joints.shape)
        measures = (upstream_mpjpe, upstream_shifted_mpjpe, upstream_n_mpjpe, upstream_pa_mpjpe)
        values = {measure.__name__: measure(predicted, joints) for measure in measures}
        content[name] = values | {"n_train": int(early.sum()), "n_test": int(complete.sum())}
    return content


def _flatten(poses: Poses) -> Float[NDArray, "frame coordinate"]:
    return np.asarray(poses.reshape(len(poses), -1))
