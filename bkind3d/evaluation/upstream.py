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

from bkind3d.data.results import MIN_FRAMES
from bkind3d.evaluation.labelled_frames import LabelledFrames, all_known

Poses = Float[NDArray, "frame joint 3"]

#: The share of each sequence, from its beginning, that the regressor is fit on, and the strength of its penalty.
_FIT_SHARE, _STRENGTH = 0.1, 1.0


def measure_as_upstream(predicted: Poses, joints: Poses) -> dict[str, float]:
    """Mean distances (world units) in the world, and with both centroids at the origin: as they are, scaled, and aligned.

    The scale is that of the best fit with rotation, though for upstream_n_mpjpe nothing is rotated; the rotation of
    upstream_pa_mpjpe may be a mirror image.
    """
    moved, centred = (np.asarray(poses - poses.mean(axis=1, keepdims=True)) for poses in (predicted, joints))
    left, singular, right = np.linalg.svd(np.einsum("fji,fjk->fik", moved, centred))
    scaled = (singular.sum(axis=1) / np.square(moved).sum(axis=(1, 2)))[:, None, None] * moved
    pairs = {
        "upstream_mpjpe": (predicted, joints),
        "upstream_shifted_mpjpe": (moved, centred),
        "upstream_n_mpjpe": (scaled, centred),
        "upstream_pa_mpjpe": (scaled @ (left @ right), centred),
    }
    return {name: float(np.linalg.norm(one - other, axis=-1).mean()) for name, (one, other) in pairs.items()}


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
        content[name] = measure_as_upstream(predicted, joints) | {"n_train": int(early.sum()), "n_test": int(complete.sum())}
    return content


def _flatten(poses: Poses) -> Float[NDArray, "frame coordinate"]:
    return np.asarray(poses.reshape(len(poses), -1))
