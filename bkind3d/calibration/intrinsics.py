"""Intrinsics of one camera from pictures of a board, with as many parameters as the pictures can tell.

aniposelib fixes the principal point in the picture's middle and knows one focal length; OpenCV can fit more, and fits
nonsense where the board was seen from few sides. So models of growing freedom are fit, and the one counts that predicts
views it has not seen.
"""

import logging

import cv2
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from bkind3d.geometry.cameras import Array

log = logging.getLogger(__name__)

_ONE_FOCAL = cv2.CALIB_FIX_ASPECT_RATIO | cv2.CALIB_ZERO_TANGENT_DIST
#: Models by growing freedom.
_MODELS = {
    "focal length": _ONE_FOCAL | cv2.CALIB_FIX_PRINCIPAL_POINT | cv2.CALIB_FIX_K1 | cv2.CALIB_FIX_K2 | cv2.CALIB_FIX_K3,
    "focal length, k1": _ONE_FOCAL | cv2.CALIB_FIX_PRINCIPAL_POINT | cv2.CALIB_FIX_K2 | cv2.CALIB_FIX_K3,
    "focal length, centre, k1": _ONE_FOCAL | cv2.CALIB_FIX_K2 | cv2.CALIB_FIX_K3,
    "focal length, centre, k1, k2": _ONE_FOCAL | cv2.CALIB_FIX_K3,
}
#: A freer model has to predict unseen views better by this share.
_GAIN = 0.03
#: Fewest views of which some can be held out, and most views that are fit.
_MIN_VIEWS, _MAX_VIEWS = 8, 40
_FOLDS = 4


def estimate_intrinsics(
    model: Float[NDArray, "corner 3"], points: Float[NDArray, "frame corner 2"], size: tuple[int, int], camera: str
) -> tuple[Array, Array]:
    """Estimate a camera's (3, 3) matrix and (5,) distortion from the board's corners (pixels, NaN where unseen)."""
    views = np.flatnonzero(np.isfinite(points[..., 0]).any(axis=1))
    # Views with most corners, of those evenly spread ones: a slow board gives the same view many times.
    counts = np.isfinite(points[views, :, 0]).sum(axis=1)
    views = views[counts >= np.median(counts) / 2]
    views = views[np.linspace(0, len(views) - 1, min(_MAX_VIEWS, len(views))).round().astype(int)]
    names = list(_MODELS) if len(views) >= _MIN_VIEWS else list(_MODELS)[:1]
    errors = [_predict_unseen(model, points[views], size, _MODELS[name]) for name in names] if len(names) > 1 else [0.0]
    best = 0
    for index in range(1, len(names)):
        if errors[index] < (1 - _GAIN) * errors[best]:
            best = index
    log.info(
        "camera %s: intrinsics from %d views: %s (errors of unseen views: %s px)",
        camera,
        len(views),
        names[best],
        ", ".join(f"{error:.3f}" for error in errors),
    )
    return _fit(model, points[views], size, _MODELS[names[best]])


def _fit(
    model: Float[NDArray, "corner 3"], points: Float[NDArray, "frame corner 2"], size: tuple[int, int], flags: int
) -> tuple[Array, Array]:
    found = [np.isfinite(view[:, 0]) for view in points]
    on_board = [model[known].astype(np.float32) for known in found]
    in_picture = [view[known].astype(np.float32) for view, known in zip(points, found, strict=True)]
    start = np.array([[max(size), 0, (size[0] - 1) / 2], [0, max(size), (size[1] - 1) / 2], [0, 0, 1]], dtype=np.float64)
    guess = cv2.initCameraMatrix2D(on_board, in_picture, size, 1.0)
    if np.isfinite(guess).all() and 0.2 < guess[0, 0] / max(size) < 20:
        start[0, 0] = start[1, 1] = guess[0, 0]
    _, matrix, distortion, _, _ = cv2.calibrateCamera(
        on_board, in_picture, size, start, np.zeros(5), flags=flags | cv2.CALIB_USE_INTRINSIC_GUESS
    )
    return np.asarray(matrix, dtype=np.float64), np.asarray(distortion, dtype=np.float64).ravel()[:5]


def _predict_unseen(
    model: Float[NDArray, "corner 3"], points: Float[NDArray, "frame corner 2"], size: tuple[int, int], flags: int
) -> float:
    """Root mean square error, pixels, of the views left out when fitting the others."""
    squares = []
    for fold in range(_FOLDS):
        held_out = np.arange(len(points)) % _FOLDS == fold
        try:
            matrix, distortion = _fit(model, points[~held_out], size, flags)
        except cv2.error:
            return float("inf")
        for view in points[held_out]:
            known = np.isfinite(view[:, 0])
            posed, rotation, translation = cv2.solvePnP(model[known], view[known], matrix, distortion)
            if posed:
                again = cv2.projectPoints(model[known], rotation, translation, matrix, distortion)[0][:, 0]
                squares.append(((again - view[known]) ** 2).sum(axis=1))
    return float(np.sqrt(np.concatenate(squares).mean())) if squares else float("inf")
