"""Maps from keypoints to joints, fit on labelled frames: least squares, ridge, ridge with a kernel, or a small network."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.linalg
from jaxtyping import Bool, Float, Int, Shaped
from numpy.typing import NDArray
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bkind3d.config import InputError
from bkind3d.data.results import MIN_FRAMES
from bkind3d.data.spacing import spread_indices

#: Folds of the cross-validation, and the strengths it tries (for standardised features).
_FOLDS = 5
#: So many sessions make folds of their own.
_SESSIONS = 3
_STRENGTHS = np.logspace(-3, 5, 9)

#: Positions are stored in single precision: directions of the features smaller than this share of the largest are rounding.
_RELATIVE_RANK = 1e-6

#: Strengths and widths that the kernel regression tries (for features of about unit variance), and the strength of shared weights before it.
_KERNEL_STRENGTHS, _KERNEL_WIDTHS, _SHARED_STRENGTH = (0.1, 0.3, 1.0), (0.3, 1.0), 30.0
#: Frames that the kernel regression learns from and is tuned on at most; and frames that it answers for at once.
_MOST_SEEN, _MOST_TUNED, _BLOCK = 2000, 600, 4096

#: Width of the network's hidden layer, its weight decay, and its epochs at most.
_HIDDEN, _DECAY, _EPOCHS = 256, 1e-2, 300


Kind = Literal["linear", "ridge", "kernel", "shared", "mlp"]
#: Maps features to the coordinates of some joints, (frame, 3 * joint).
Map = Callable[[Float[NDArray, "frame feature"]], Shaped[NDArray, "..."]]


#: Strength and width of a kernel regression.
Tuning = tuple[float, float]


@dataclass(frozen=True)
class AffineMap:
    """Weights and an offset."""

    weights: Float[NDArray, "feature target"]
    offset: Float[NDArray, "target"]

    def __call__(self, features: Float[NDArray, "frame feature"]) -> Shaped[NDArray, "..."]:
        return features @ self.weights + self.offset


@dataclass(frozen=True)
class KernelMap:
    """Kernel ridge regression, whose kernel is the sum of a linear one and a Gaussian one: lines where little is known, bends where much is.

    Attributes
    ----------
    weights : of the line from which targets differ by what the kernel gives, see :func:`share_weights`.
    seen : features that were learned from, of which `offset` is the mean difference; `duals` are their weights.
    mean, scale : by which features become what the kernel compares, of about unit variance.
    width : the inverse of twice the Gaussian's variance.
    """

    weights: Float[NDArray, "feature target"]
    seen: Float[NDArray, "seen feature"]
    duals: Float[NDArray, "seen target"]
    offset: Float[NDArray, "target"]
    mean: Float[NDArray, "feature"]
    scale: Float[NDArray, ""]
    width: Float[NDArray, ""]

    def __call__(self, features: Float[NDArray, "frame feature"]) -> Shaped[NDArray, "..."]:
        known = (self.seen - self.mean) / self.scale
        blocks = [
            compare_features((part - self.mean) / self.scale, known, float(self.width)) @ self.duals
            for part in np.array_split(features, max(len(features) // _BLOCK, 1))
        ]
        return np.concatenate(blocks) + features @ self.weights + self.offset


@dataclass(frozen=True)
class Regressor:
    """Predicts joints by one map for each group of joints that are known in the same frames.

    Attributes
    ----------
    members : joints of each group.
    strengths : of the ridge, one for each group; empty for other kinds.
    tuning : of the kernel regression, found on the first group.
    """

    members: Sequence[Int[NDArray, "member"]]
    maps: Sequence[Map]
    strengths: tuple[float, ...]
    tuning: Tuning | None = None

    def predict(self, features: Float[NDArray, "frame feature"]) -> Float[NDArray, "frame joint 3"]:
        """Predict the joints of every frame, world units relative to the keypoints' centroid."""
        joints = np.empty((len(features), sum(map(len, self.members)), 3))
        for members, predict in zip(self.members, self.maps, strict=True):
            joints[:, members] = predict(features).reshape(len(features), -1, 3)
        return joints


def make_groups(sessions: Int[NDArray, "frame"], blocks: Int[NDArray, "frame"] | None = None) -> Int[NDArray, "frame"]:
    """Group the training frames so that neighbours in time stay in one fold of the cross-validation.

    Blocks of the split where there are any; else sessions where there are three or more; else fifths of the training frames in order.
    """
    if blocks is not None:
        return blocks
    if len(np.unique(sessions)) >= _SESSIONS:
        return sessions
    return np.arange(len(sessions)) * _FOLDS // max(len(sessions), 1)


def _fit_least_squares(features: Float[NDArray, "frame feature"], targets: Float[NDArray, "frame target"]) -> Map:
    """Ordinary least squares with intercept; of all solutions the one with the smallest weights.

    There always are several: coordinates relative to a centroid sum to zero.
    """
    feature_mean, target_mean = features.mean(axis=0), targets.mean(axis=0)
    weights = np.linalg.lstsq(features - feature_mean, targets - target_mean, rcond=_RELATIVE_RANK)[0]
    offset = target_mean - feature_mean @ weights
    return AffineMap(weights, offset)


def _fit_ridge(
    features: Float[NDArray, "frame feature"], targets: Float[NDArray, "frame target"], groups: Int[NDArray, "frame"]
) -> tuple[Map, float]:
    """Ridge regression on standardised features; its strength by cross-validation over folds that keep groups together."""
    mean, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > _RELATIVE_RANK * max(spread.max(), 1e-300), spread, np.inf)
    standard = (features - mean) / spread
    ridge = RidgeCV(alphas=_STRENGTHS, cv=split_folds(groups), scoring="neg_mean_squared_error").fit(standard, targets)
    weights = np.ascontiguousarray(ridge.coef_.T / spread[:, None])
    offset = ridge.intercept_ - mean @ weights
    return AffineMap(weights, offset), float(ridge.alpha_)


def split_folds(groups: Int[NDArray, "frame"], most: int = _FOLDS) -> list[tuple[Int[NDArray, "fit"], Int[NDArray, "held"]]]:
    """Folds, at most so many, that keep groups together; those of frames in order where there is one group alone."""
    folds = min(most, len(np.unique(groups)))
    if folds < 2:
        groups, folds = np.arange(len(groups)) * _FOLDS // len(groups), _FOLDS
    return list(GroupKFold(folds).split(groups, groups=groups))


def compare_features(
    one: Float[NDArray, "frame feature"], other: Float[NDArray, "seen feature"], width: float
) -> Float[NDArray, "frame seen"]:
    """The kernel of features of about unit variance."""
    shared = one @ other.T / one.shape[1]
    if not width:
        return shared
    squares = np.square(one).mean(axis=1)[:, None] + np.square(other).mean(axis=1) - 2 * shared
    return np.asarray(shared + np.exp(-width * np.maximum(squares, 0)))


def _fit_kernel(
    features: Float[NDArray, "frame feature"],
    targets: Float[NDArray, "frame target"],
    groups: Int[NDArray, "frame"],
    tuning: Tuning | None = None,
    shares: bool = False,
) -> tuple[Map, Tuning]:
    """Kernel ridge regression, of what shared weights leave over where it `shares`.

    Strength and width are found by cross-validation over folds that keep groups together, where they are not given.
    """
    kept = spread_indices(len(features), _MOST_SEEN)
    features, targets, groups = features[kept], targets[kept], groups[kept]
    mean, scale = features.mean(axis=0), np.asarray(max(float(features.std(axis=0).mean()), 1e-12))
    if tuning is None:
        few = spread_indices(len(features), _MOST_TUNED)
        tuning = _tune_kernel((features[few] - mean) / scale, targets[few], groups[few], shares)
    strength, width = tuning
    weights = share_weights(features, targets) if shares else np.zeros((features.shape[1], targets.shape[1]))
    standard, rest = (features - mean) / scale, targets - features @ weights
    kernel, offset = compare_features(standard, standard, width) + strength * np.eye(len(standard)), rest.mean(axis=0)
    duals = scipy.linalg.solve(kernel, rest - offset, assume_a="pos")
    return KernelMap(weights, features, duals, offset, mean, scale, np.asarray(width)), tuning


def share_weights(features: Float[NDArray, "frame feature"], targets: Float[NDArray, "frame target"]) -> Float[NDArray, "feature target"]:
    """Ridge regression with one weight for each keypoint and joint, whatever the axis.

    A joint lies somewhere between a few keypoints, and turns with them: a ninth of the weights of a free regression, for which few labels
    are enough. Features and targets are the coordinates of points, x, y and z of one after the other's.
    """
    points, joints = ((values - values.mean(axis=0)).reshape(len(values), -1, 3) for values in (features, targets))
    scale = max(float(np.square(points).mean()), 1e-24)
    gram = np.einsum("fka,fla->kl", points, points) / scale + _SHARED_STRENGTH * np.eye(points.shape[1])
    return np.kron(np.linalg.solve(gram, np.einsum("fka,fja->kj", points, joints) / scale), np.eye(3))


def _tune_kernel(
    standard: Float[NDArray, "frame feature"], targets: Float[NDArray, "frame target"], groups: Int[NDArray, "frame"], shares: bool
) -> Tuning:
    """Strength and width with the least squared error in the cross-validation."""
    errors = np.zeros((len(_KERNEL_WIDTHS), len(_KERNEL_STRENGTHS)))
    for column, width in enumerate(_KERNEL_WIDTHS):
        kernel = compare_features(standard, standard, width)
        for fit, held in split_folds(groups):
            rest = targets - standard @ share_weights(standard[fit], targets[fit]) if shares else targets
            offset = rest[fit].mean(axis=0)
            values, vectors = np.linalg.eigh(kernel[np.ix_(fit, fit)])
            along, across = vectors.T @ (rest[fit] - offset), kernel[np.ix_(held, fit)] @ vectors
            for row, strength in enumerate(_KERNEL_STRENGTHS):
                found = across @ (along / (np.maximum(values, 0) + strength)[:, None]) + offset
                errors[column, row] += np.square(found - rest[held]).sum()
    best = np.unravel_index(errors.argmin(), errors.shape)
    return _KERNEL_STRENGTHS[best[1]], _KERNEL_WIDTHS[best[0]]


def _fit_network(features: Float[NDArray, "frame feature"], targets: Float[NDArray, "frame target"]) -> Map:
    """Train a two-layer perceptron on standardised features and targets; the same frames give the same network."""
    perceptron = MLPRegressor(hidden_layer_sizes=(_HIDDEN,), alpha=_DECAY, max_iter=_EPOCHS, random_state=0)
    network: Any = TransformedTargetRegressor(make_pipeline(StandardScaler(), perceptron), transformer=StandardScaler())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=ConvergenceWarning)
        predict: Map = network.fit(features, targets).predict
    return predict


def _group_joints(known: Bool[NDArray, "frame joint"]) -> list[Int[NDArray, "member"]]:
    """Joints that are known in the same frames, which can be fit together."""
    _, codes = np.unique(known, axis=1, return_inverse=True)
    return [np.flatnonzero(codes.ravel() == code) for code in range(int(codes.max()) + 1)]


def _check_frames(kind: str, known: Bool[NDArray, "frame joint"], n_features: int, names: tuple[str, ...], least: int) -> None:
    """Refuse joints that are known in too few frames for the regressor."""
    number = known.sum(axis=0)
    joint = int(np.argmin(number))
    if number[joint] < least:
        raise InputError("", f"joint {names[joint]!r} is known in only {number[joint]} training frames", f"at least {least} are needed")
    # Of the coordinates relative to a centroid, three follow from the others; one parameter is the offset.
    n_parameters = n_features - 2
    if kind == "linear" and number[joint] < n_parameters:
        raise InputError(
            "",
            f"joint {names[joint]!r} is known in only {number[joint]} training frames, but the linear regression has {n_parameters} "
            "parameters for each of its coordinates",
            "label more frames, or set evaluation.regressor to ridge",
        )


def fit_regressor(
    kind: Kind,
    features: Float[NDArray, "frame feature"],
    joints: Float[NDArray, "frame joint 3"],
    groups: Int[NDArray, "frame"],
    names: tuple[str, ...],
    tuning: Tuning | None = None,
    least: int = MIN_FRAMES,
) -> Regressor:
    """Fit the map from `features` to `joints`; each joint is fit on the frames in which it is known.

    Parameters
    ----------
    kind : linear is ordinary least squares; ridge and kernel choose their strength by cross-validation; shared is the kernel of what weights
        that all axes share leave over; mlp is a two-layer perceptron.
    features : finite, as of :func:`bkind3d.joints.model.describe_poses`.
    joints : in the same frame, world units; NaN where not known.
    groups : of :func:`make_groups`, for the cross-validation.
    names : of the joints, for messages.
    tuning : of the kernel regression, where it is known.
    least : frames in which a joint has to be known.

    Raises
    ------
    InputError
        Where a joint is known in fewer than `least` frames, or, for least squares, in fewer than there are parameters.
    """
    known = np.isfinite(joints).all(axis=2)
    _check_frames(kind, known, features.shape[1], names, least)
    groups_of_joints, maps, strengths = _group_joints(known), [], []
    for members in groups_of_joints:
        rows = known[:, members[0]]
        seen, targets = features[rows], joints[rows][:, members].reshape(int(rows.sum()), -1)
        if kind == "ridge":
            found, strength = _fit_ridge(seen, targets, groups[rows])
            strengths.append(strength)
        elif kind in ("kernel", "shared"):
            found, tuning = _fit_kernel(seen, targets, groups[rows], tuning, kind == "shared")
        else:
            found = (_fit_network if kind == "mlp" else _fit_least_squares)(seen, targets)
        maps.append(found)
    return Regressor(groups_of_joints, maps, tuple(strengths), tuning)
