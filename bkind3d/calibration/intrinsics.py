"""Intrinsics of one camera from pictures of a board, with as many parameters as the pictures can tell.

aniposelib fixes the principal point in the picture's middle and knows one focal length; OpenCV can fit more, and fits nonsense where the
board was seen from few sides. So models of growing freedom are fit, and the one counts that predicts views it has not seen.
"""

import logging
from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from bkind3d.calibration.board_poses import pose_in_view
from bkind3d.data.spacing import spread_indices
from bkind3d.geometry.cameras import Camera
from bkind3d.geometry.lenses import project_through_lens

log = logging.getLogger(__name__)

_ONE_FOCAL = cv2.CALIB_FIX_ASPECT_RATIO | cv2.CALIB_ZERO_TANGENT_DIST | cv2.CALIB_USE_INTRINSIC_GUESS
#: Models by growing freedom.
_MODELS = {
    "focal length": _ONE_FOCAL | cv2.CALIB_FIX_PRINCIPAL_POINT | cv2.CALIB_FIX_K1 | cv2.CALIB_FIX_K2 | cv2.CALIB_FIX_K3,
    "focal length, k1": _ONE_FOCAL | cv2.CALIB_FIX_PRINCIPAL_POINT | cv2.CALIB_FIX_K2 | cv2.CALIB_FIX_K3,
    "focal length, centre, k1": _ONE_FOCAL | cv2.CALIB_FIX_K2 | cv2.CALIB_FIX_K3,
    "focal length, centre, k1, k2": _ONE_FOCAL | cv2.CALIB_FIX_K3,
    "focal length, centre, k1, k2, k3": _ONE_FOCAL,
}
#: OpenCV 5 keeps the flags of its fisheye functions with all others, OpenCV 4 has other numbers for them in their own module.
_FLAGS = cv2.fisheye if hasattr(cv2.fisheye, "CALIB_FIX_SKEW") else cv2
_FISHEYE = _FLAGS.CALIB_FIX_SKEW | _FLAGS.CALIB_RECOMPUTE_EXTRINSIC | _FLAGS.CALIB_USE_INTRINSIC_GUESS
_FISHEYE_K3_K4 = _FLAGS.CALIB_FIX_K3 | _FLAGS.CALIB_FIX_K4
#: The same for fisheye lenses, whose model has four coefficients.
_FISHEYE_MODELS = {
    "focal length": _FISHEYE | _FLAGS.CALIB_FIX_PRINCIPAL_POINT | _FLAGS.CALIB_FIX_K1 | _FLAGS.CALIB_FIX_K2 | _FISHEYE_K3_K4,
    "focal length, k1, k2": _FISHEYE | _FLAGS.CALIB_FIX_PRINCIPAL_POINT | _FISHEYE_K3_K4,
    "focal length, centre, k1, k2": _FISHEYE | _FISHEYE_K3_K4,
    "focal length, centre, k1 to k4": _FISHEYE,
}
#: A freer model has to predict unseen views better by this many standard errors of the difference between views.
_SURE = 1.5
#: Fewest views of which some can be held out, and most views that are fit.
_MIN_VIEWS, _MAX_VIEWS = 6, 40
_FOLDS = 4


def estimate_intrinsics(
    model: Float[NDArray, "corner 3"], points: Float[NDArray, "frame corner 2"], size: tuple[int, int], camera: str, fisheye: bool = False
) -> Camera:
    """Estimate a camera's matrix and distortion from the board's corners (pixels, NaN where unseen); its pose is the origin."""
    views = np.flatnonzero(np.isfinite(points[..., 0]).any(axis=1))
    # Views with most corners, of those evenly spread ones: a slow board gives the same view many times.
    counts = np.isfinite(points[views, :, 0]).sum(axis=1)
    views = views[counts >= np.median(counts) / 2]
    views = views[spread_indices(len(views), _MAX_VIEWS)]
    models = _FISHEYE_MODELS if fisheye else _MODELS
    names = list(models) if len(views) >= _MIN_VIEWS else list(models)[:1]
    # Estimates start from a usual lens.
    matrix = np.array([[max(size), 0, (size[0] - 1) / 2], [0, max(size), (size[1] - 1) / 2], [0, 0, 1]], dtype=np.float64)
    plain = Camera(camera, size, matrix, np.zeros(4 if fisheye else 5), np.eye(3), np.zeros(3), fisheye)
    squares = [_predict_unseen(model, points[views], plain, models[name]) for name in names] if len(names) > 1 else [np.zeros(1)]
    best = 0
    for index, unseen in enumerate(squares):
        best = index if is_better(unseen, squares[best]) else best
    log.info(
        "camera %s: intrinsics from %d views: %s (errors of unseen views: %s px)",
        camera, len(views), names[best], ", ".join(f"{np.sqrt(np.mean(square)):.3f}" for square in squares),
    )  # fmt: skip
    return _fit(model, points[views], plain, models[names[best]])


def _fit(model: Float[NDArray, "corner 3"], points: Float[NDArray, "frame corner 2"], lens: Camera, flags: int) -> Camera:
    found = [np.isfinite(view[:, 0]) for view in points]
    on_board = [model[known].astype(np.float32) for known in found]
    in_picture = [view[known].astype(np.float32) for view, known in zip(points, found, strict=True)]
    start = lens.matrix.copy()
    if lens.fisheye:
        # An equidistant lens sees a half circle across its picture, or less.
        start[0, 0] = start[1, 1] = max(lens.size) / 2.5
        on_board, in_picture = ([view[None].astype(np.float64) for view in views] for views in (on_board, in_picture))
        _, matrix, distortion, _, _ = cv2.fisheye.calibrate(on_board, in_picture, lens.size, start, np.zeros(4), flags=flags)
    else:
        guess = cv2.initCameraMatrix2D(on_board, in_picture, lens.size, 1.0)
        if np.isfinite(guess).all() and 0.2 < guess[0, 0] / max(lens.size) < 20:
            start[0, 0] = start[1, 1] = guess[0, 0]
        _, matrix, distortion, _, _ = cv2.calibrateCamera(on_board, in_picture, lens.size, start, np.zeros(5), flags=flags)
    matrix, distortion = np.asarray(matrix, dtype=np.float64), np.asarray(distortion, dtype=np.float64).ravel()
    return replace(lens, matrix=matrix, distortion=distortion[: len(lens.distortion)])


def is_better(squares: Float[NDArray, "view"], than: Float[NDArray, "view"]) -> bool:
    """Whether views are predicted better, by more than chance: compared view by view, because views differ more than models."""
    if not np.isfinite(than).all():
        return bool(np.isfinite(squares).all())
    gains = than - squares
    return bool(np.mean(gains) > _SURE * np.std(gains) / np.sqrt(len(gains)))


def _predict_unseen(
    model: Float[NDArray, "corner 3"], points: Float[NDArray, "frame corner 2"], lens: Camera, flags: int
) -> Float[NDArray, "frame"]:
    """Mean square error, square pixels, of each view when it is left out of the fit; infinite where nothing can be fit."""
    squares = np.full(len(points), np.inf)
    for fold in range(_FOLDS):
        held_out = np.flatnonzero(np.arange(len(points)) % _FOLDS == fold)
        try:
            fitted = _fit(model, points[np.setdiff1d(np.arange(len(points)), held_out)], lens, flags)
        except cv2.error:
            return np.full(len(points), np.inf)
        for index in held_out:
            pose = pose_in_view(fitted, model, points[index])
            if pose is not None:
                again = project_through_lens(fitted, model @ pose[:3, :3].T + pose[:3, 3])
                distances = (again - points[index])[np.isfinite(points[index, :, 0])]
                squares[index] = np.mean(np.nan_to_num((distances**2).sum(axis=1), nan=1e4))
    return np.where(np.isfinite(squares), squares, 1e4)
