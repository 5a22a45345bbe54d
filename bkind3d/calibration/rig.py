"""The cameras of a rig from the corners they share: intrinsics by OpenCV, the rest by aniposelib's bundle adjustment."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray

from bkind3d.calibration.board_poses import measure_distances, measure_rigid_error
from bkind3d.calibration.boards import Corners, rows_of
from bkind3d.calibration.camera_pairs import SHARED_FRAMES, Boards, chain_poses, compare_pairs, find_boards, group_cameras
from bkind3d.calibration.intrinsics import is_better
from bkind3d.calibration.world import superpose
from bkind3d.config import InputError
from bkind3d.geometry.cameras import Array, Camera

log = logging.getLogger(__name__)

#: How far restarts are from each other, for each camera.
Spread = Sequence[Mapping[str, float]]
#: A corner is an outlier at so many medians of its camera's distances: 0.2 % of normal errors are, 5 to 10 % in rendered videos.
_OUTLIER = 3.0
#: From fewer frames than this nothing is sure.
_FEWEST_UNSEEN = 5
#: Share of the views that each further restart uses, the first of which tries what to adjust.
_RESTART_SHARE, _TRIAL_SEED = 0.8, 1
#: How much a corner's distance from the rigid board counts beside its reprojection error, both in pixels.
_RIGIDITY = 5.0


def calibrate_rig(corners: Corners, lenses: list[Camera], restarts: int = 1, keep_intrinsics: bool = False) -> tuple[list[Camera], Spread]:
    """Calibrate all cameras together.

    aniposelib adjusts the cameras' poses, and then (unless `keep_intrinsics`) poses with focal lengths, principal points and
    radial distortion: all cameras together tell far more of a lens than its own pictures do. Both are tried on a share of
    the views, and lenses are left alone if that surely explains the other views better by one rigid board per frame. Without
    corners that lie far off that board all views are solved, and some of them again from other poses.

    Parameters
    ----------
    lenses : intrinsics of every camera; their poses are not used.
    keep_intrinsics : whether `lenses` are given ones, which stay as they are, with all of their distortion.

    Returns
    -------
    cameras : the best restart's, in the frame of the first one; board's units.
    spread : per camera ``spread_percent`` (largest distance of its centre between restarts, percent of its median distance to the board)
        and ``focal_spread_percent``; NaN where there was one start.
    """
    check_connected(corners)
    boards = find_boards(lenses, corners)
    only_poses, trial = _choose_freedom(corners, lenses, boards, keep_intrinsics)
    distances = measure_distances(trial, corners)
    far = distances > _OUTLIER * np.nanmedian(distances, axis=(1, 2), keepdims=True)
    kept = replace(corners, points=np.where(far[..., None], np.nan, corners.points))
    solutions = [_adjust(kept, trial, boards, only_poses, seed=0), trial][:restarts]
    for seed in range(_TRIAL_SEED + 1, restarts):
        chosen = _thin(corners, seed)
        starts = _nudge(_chain(lenses, boards.select(chosen)), boards, seed)
        solutions.append(_adjust(kept.select(chosen), starts, boards.select(chosen), only_poses, seed))
    errors = [measure_rigid_error(solution, corners) for solution in solutions]
    log.info("bundle adjustments: %s px from one rigid board per frame", ", ".join(f"{error:.3f}" for error in errors))
    best = solutions[int(np.argmin(errors))]
    return best, _measure_spread(best, solutions, boards)


def check_connected(corners: Corners) -> None:
    """Refuse cameras that never see the board together with the others; name them."""
    links = [(int(one), int(other)) for one, other in np.argwhere(np.triu(corners.shared >= SHARED_FRAMES, k=1))]
    groups = group_cameras(len(corners.cameras), links)
    if len(groups) > 1:
        listed = " | ".join(", ".join(corners.cameras[camera] for camera in sorted(group)) for group in groups)
        raise InputError(
            "",
            f"groups of cameras see the board together in fewer than {SHARED_FRAMES} frames: {listed}",
            "show the board where cameras of both groups see it, or raise calibration.max_board_frames",
        )


def _choose_freedom(corners: Corners, lenses: list[Camera], boards: Boards, only_poses: bool) -> tuple[bool, list[Camera]]:
    """Whether to adjust poses alone, told by views that were not adjusted; and the cameras from the others."""
    chosen = _thin(corners, _TRIAL_SEED)
    tried = corners.select(chosen)
    cameras = _adjust(tried, _chain(lenses, boards.select(chosen)), boards.select(chosen), True, _TRIAL_SEED)
    if only_poses:
        return True, cameras
    freed = _adjust(tried, cameras, boards.select(chosen), False, _TRIAL_SEED)
    unseen = np.stack([_measure_frames(solution, corners.select(~chosen)) for solution in (cameras, freed)])
    by_poses, by_all = unseen[:, np.isfinite(unseen).all(axis=0)]
    if len(by_poses) < _FEWEST_UNSEEN:
        return False, freed
    log.info("views that were not adjusted: %.3f px by poses, %.3f px by poses and lenses", by_poses.mean(), by_all.mean())
    return (True, cameras) if is_better(by_poses, than=by_all) else (False, freed)


def _measure_frames(cameras: list[Camera], corners: Corners) -> Array:
    """Mean distance from a rigid board, pixels, in each frame; NaN where fewer than two cameras see it."""
    distances = measure_distances(cameras, corners)
    return np.array([np.nanmean(frame) if np.isfinite(frame).any() else np.nan for frame in np.moveaxis(distances, 1, 0)])


def _thin(corners: Corners, seed: int) -> Bool[NDArray, "frame"]:
    """(frame,) a random share of the frames, if the cameras stay connected by it."""
    generator = np.random.default_rng(seed)
    for _ in range(20):
        chosen = generator.random(len(corners.frames)) < _RESTART_SHARE
        with contextlib.suppress(InputError):
            check_connected(corners.select(chosen))
            return chosen
    return np.ones(len(corners.frames), dtype=bool)


def _chain(lenses: list[Camera], boards: Boards) -> list[Camera]:
    """The lenses at poses chained over the pairs of cameras that agree best."""
    poses = chain_poses(len(lenses), compare_pairs(boards))
    poses = np.where(np.isfinite(poses), poses, np.eye(4))
    return [replace(lens, rotation=pose[:3, :3], translation=pose[:3, 3]) for lens, pose in zip(lenses, poses, strict=True)]


def _nudge(cameras: list[Camera], boards: Boards, seed: int) -> list[Camera]:
    """Other starting poses: turned by about a degree, and moved by about a hundredth of the distance to the board."""
    generator, distance = np.random.default_rng(seed), float(np.nanmedian(boards.poses[..., 2, 3]))
    nudged = []
    for camera in cameras:
        turn, move = cv2.Rodrigues(generator.normal(0, np.radians(1), 3))[0], generator.normal(0, 0.01 * distance, 3)
        nudged.append(replace(camera, rotation=np.asarray(turn) @ camera.rotation, translation=camera.translation + move))
    return nudged


def _adjust(corners: Corners, cameras: list[Camera], boards: Boards, only_poses: bool, seed: int) -> list[Camera]:
    """aniposelib's iterative bundle adjustment, from the cameras as they are."""
    from aniposelib.boards import extract_points, merge_rows
    from aniposelib.cameras import CameraGroup

    from bkind3d.calibration.adjusted_camera import AdjustedCamera, AdjustedFisheyeCamera

    # All cameras need the same parameters.
    common = {"extra_dist": any(bool(camera.distortion[1]) for camera in cameras)}
    adjusted = []
    for camera in cameras:
        values = {"matrix": camera.matrix.copy(), "dist": camera.distortion.copy(), "size": camera.size, "name": camera.name}
        pose = {"rvec": cv2.Rodrigues(camera.rotation)[0].ravel(), "tvec": camera.translation.copy()}
        adjusted.append((AdjustedFisheyeCamera if camera.fisheye else AdjustedCamera)(**values, **pose, **common))
    pixels_per_unit = np.median([camera.matrix[0, 0] for camera in cameras]) / np.nanmedian(boards.poses[..., 2, 3])
    rows = [rows_of(corners, index, boards.poses[index]) for index in range(len(cameras))]
    with _quiet_and_repeatable(seed):
        points, extra = extract_points(merge_rows(rows), corners.board, min_cameras=2)
        # aniposelib divides a corner's distance from the board by the least positive coordinate on it (a square), which lets
        # boards bend. A board that lies a little off its own plane z = 0 is no other board, but sets that divisor.
        extra["objp"][:, 2] = 2 / (_RIGIDITY * pixels_per_unit)
        CameraGroup(adjusted).bundle_adjust_iter(points, extra, only_extrinsics=only_poses)
    return [
        replace(
            camera,
            matrix=np.array(found.get_camera_matrix()),
            distortion=np.array(found.get_distortions()),
            rotation=np.asarray(cv2.Rodrigues(found.get_rotation())[0]),
            translation=np.array(found.get_translation()),
        )
        for found, camera in zip(adjusted, cameras, strict=True)
    ]


def _measure_spread(best: list[Camera], solutions: list[list[Camera]], boards: Boards) -> Spread:
    distances = np.nanmedian(np.linalg.norm(boards.poses[..., :3, 3], axis=-1), axis=1)
    # A camera is its centre and three points along its axes, so that two cameras are enough to superpose solutions.
    reference = np.concatenate([_mark(camera, distance) for camera, distance in zip(best, distances, strict=True)])
    rows = []
    for index, camera in enumerate(best):
        moved, focal = [], []
        for solution in solutions:
            marks = np.concatenate([_mark(other, distance) for other, distance in zip(solution, distances, strict=True)])
            turn, shift, _ = superpose(marks, reference)
            moved.append(100 * float(np.linalg.norm(turn @ solution[index].centre + shift - camera.centre)) / distances[index])
            focal.append(100 * abs(solution[index].matrix[0, 0] / camera.matrix[0, 0] - 1))
        known = len(solutions) > 1
        rows.append({"spread_percent": max(moved) if known else np.nan, "focal_spread_percent": max(focal) if known else np.nan})
    return rows


def _mark(camera: Camera, distance: float) -> Array:
    return np.concatenate([camera.centre[None], camera.centre + distance * camera.rotation])


@contextlib.contextmanager
def _quiet_and_repeatable(seed: int) -> Iterator[None]:
    """aniposelib and what it stands on print, warn and log, and it draws its samples from NumPy's global generator."""
    for chatty in ("jax", "numba"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
