"""Linear maps from keypoints to joints, fit on labelled frames."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold

from bkind3d.config import InputError

#: Fewer labelled frames than this teach nothing.
MIN_FRAMES = 10

#: Folds of the cross-validation, and the strengths it tries (for standardised features).
_FOLDS = 5
_STRENGTHS = np.logspace(-3, 5, 9)

#: Positions are stored in single precision: directions of the features smaller than this share of the largest are rounding.
_RELATIVE_RANK = 1e-6


@dataclass(frozen=True)
class LinearRegressor:
    """``joints = features @ weights + offset``.

    Attributes
    ----------
    weights, offset : world units per unit of the features, world units.
    strengths : of the ridge, one for each group of joints that are known in the same frames; empty for least squares.
    """

    weights: Float[np.ndarray, "feature joint 3"]
    offset: Float[np.ndarray, "joint 3"]
    strengths: tuple[float, ...] = ()

    def predict(self, features: Float[np.ndarray, "frame feature"]) -> Float[np.ndarray, "frame joint 3"]:
        """Predict the joints of every frame, world units relative to the keypoints' centroid."""
        return np.asarray(np.tensordot(features, self.weights, axes=1) + self.offset)


def make_features(points: Float[np.ndarray, "frame point 3"]) -> tuple[Float[np.ndarray, "frame feature"], Float[np.ndarray, "frame 1 3"]]:
    """Coordinates relative to the points' centroid, flattened, and that centroid (world units)."""
    centroid = points.mean(axis=1, keepdims=True)
    return (points - centroid).reshape(len(points), -1), centroid


def make_groups(sessions: Int[np.ndarray, " frame"], blocks: Int[np.ndarray, " frame"] | None = None) -> Int[np.ndarray, " frame"]:
    """Group the training frames so that neighbours in time stay in one fold of the cross-validation.

    Blocks of the split where there are any; else sessions where there are enough; else fifths of the training frames in order.
    """
    if blocks is not None:
        return blocks
    if len(np.unique(sessions)) >= _FOLDS:
        return sessions
    return np.arange(len(sessions)) * _FOLDS // max(len(sessions), 1)


def _fit_least_squares(
    features: Float[np.ndarray, "frame feature"], targets: Float[np.ndarray, "frame target"]
) -> tuple[np.ndarray, np.ndarray]:
    """Ordinary least squares with intercept; of all solutions the one with the smallest weights.

    There always are several: coordinates relative to a centroid sum to zero.
    """
    feature_mean, target_mean = features.mean(axis=0), targets.mean(axis=0)
    weights = np.linalg.lstsq(features - feature_mean, targets - target_mean, rcond=_RELATIVE_RANK)[0]
    return weights, target_mean - feature_mean @ weights


def _fit_ridge(
    features: Float[np.ndarray, "frame feature"], targets: Float[np.ndarray, "frame target"], groups: Int[np.ndarray, " frame"]
) -> tuple[np.ndarray, np.ndarray, float]:
    """Ridge regression on standardised features; strength by cross-validation over folds that keep groups together."""
    mean, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > _RELATIVE_RANK * max(spread.max(), 1e-300), spread, np.inf)
    standard = (features - mean) / spread
    folds = min(_FOLDS, len(np.unique(groups)))
    if folds < 2:
        groups, folds = np.arange(len(features)) * _FOLDS // len(features), _FOLDS
    splits = list(GroupKFold(folds).split(standard, groups=groups))
    ridge = RidgeCV(alphas=_STRENGTHS, cv=splits, scoring="neg_mean_squared_error").fit(standard, targets)
    weights = ridge.coef_.T / spread[:, None]
    return weights, ridge.intercept_ - mean @ weights, float(ridge.alpha_)


def _group_joints(known: Bool[np.ndarray, "frame joint"]) -> list[Int[np.ndarray, " member"]]:
    """Joints that are known in the same frames, which can be fit together."""
    _, codes = np.unique(known, axis=1, return_inverse=True)
    return [np.flatnonzero(codes.ravel() == code) for code in range(int(codes.max()) + 1)]


def fit_regressor(
    kind: Literal["linear", "ridge"],
    features: Float[np.ndarray, "frame feature"],
    joints: Float[np.ndarray, "frame joint 3"],
    groups: Int[np.ndarray, " frame"],
    names: tuple[str, ...],
) -> LinearRegressor:
    """Fit the map from `features` to `joints`; each joint is fit on the frames in which it is known.

    Parameters
    ----------
    kind : linear is ordinary least squares; ridge chooses its strength by cross-validation.
    features : finite, as of :func:`make_features`.
    joints : relative to the same centroid, world units; NaN where not known.
    groups : of :func:`make_groups`, for the cross-validation.
    names : of the joints, for messages.
    """
    known = np.isfinite(joints).all(axis=2)
    number = known.sum(axis=0)
    if (number < MIN_FRAMES).any():
        joint = int(np.argmin(number))
        raise InputError(f"joint {names[joint]!r} is known in only {number[joint]} training frames; at least {MIN_FRAMES} are needed")
    weights, offset = np.zeros((features.shape[1], *joints.shape[1:])), np.zeros(joints.shape[1:])
    strengths = []
    for members in _group_joints(known):
        rows = known[:, members[0]]
        targets = joints[rows][:, members].reshape(int(rows.sum()), -1)
        if kind == "ridge":
            slope, constant, strength = _fit_ridge(features[rows], targets, groups[rows])
            strengths.append(strength)
        else:
            slope, constant = _fit_least_squares(features[rows], targets)
        weights[:, members] = slope.reshape(len(slope), len(members), 3)
        offset[members] = constant.reshape(len(members), 3)
    return LinearRegressor(weights, offset, tuple(strengths))
