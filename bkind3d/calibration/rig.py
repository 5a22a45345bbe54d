"""The cameras of a rig from the corners they share: intrinsics by OpenCV, the rest by aniposelib's bundle adjustment."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

import cv2
import numpy as np

from bkind3d.calibration.board_poses import measure_rigid_error
from bkind3d.calibration.boards import Corners, rows_of
from bkind3d.calibration.intrinsics import estimate_intrinsics
from bkind3d.config import InputError
from bkind3d.geometry.cameras import Array, Camera

if TYPE_CHECKING:
    from aniposelib.cameras import CameraGroup

log = logging.getLogger(__name__)

#: Fewest frames in which two cameras have to see the board together.
_SHARED_FRAMES = 3


def calibrate_rig(corners: Corners) -> list[Camera]:
    """Calibrate all cameras together, in the frame of the first one and the board's units.

    aniposelib adjusts the cameras twice: their poses only, and poses with focal lengths and radial distortion. Kept is
    what explains all pictures better by one rigid board per frame.
    """
    check_connected(corners)
    intrinsics = [
        estimate_intrinsics(corners.model, points, size, name)
        for points, size, name in zip(corners.points, corners.sizes, corners.cameras, strict=True)
    ]
    candidates = {}
    for label, only_poses in (("poses", True), ("poses, focal lengths and distortion", False)):
        cameras = _adjust(corners, intrinsics, only_poses)
        candidates[label] = (measure_rigid_error(cameras, corners), cameras)
        log.info("bundle adjustment of %s: %.3f px from one rigid board per frame", label, candidates[label][0])
    return min(candidates.values(), key=lambda candidate: candidate[0])[1]


def check_connected(corners: Corners) -> None:
    """Refuse cameras that never see the board together with the others; name them."""
    groups = [{camera} for camera in range(len(corners.cameras))]
    for one, other in combinations(range(len(corners.cameras)), 2):
        if (corners.seen[one] & corners.seen[other]).sum() >= _SHARED_FRAMES:
            joined = [group for group in groups if one in group or other in group]
            groups = [group for group in groups if group not in joined] + [set().union(*joined)]
    if len(groups) > 1:
        names = " | ".join(", ".join(corners.cameras[camera] for camera in sorted(group)) for group in sorted(groups, key=min))
        raise InputError(
            f"these groups of cameras see the board together in fewer than {_SHARED_FRAMES} frames: {names}; film the board where cameras of "
            "both groups see it, or raise calibration.max_board_frames"
        )


def _adjust(corners: Corners, intrinsics: list[tuple[Array, Array]], only_poses: bool) -> list[Camera]:
    """aniposelib's iterative bundle adjustment, from poses that it finds itself."""
    from aniposelib.cameras import Camera as AniposeCamera
    from aniposelib.cameras import CameraGroup

    group = CameraGroup(
        [
            # `extra_dist` lets aniposelib adjust k2, which it would set to zero otherwise.
            AniposeCamera(matrix=matrix.copy(), dist=distortion.copy(), size=size, name=name, extra_dist=bool(distortion[1]))
            for name, size, (matrix, distortion) in zip(corners.cameras, corners.sizes, intrinsics, strict=True)
        ]
    )
    if len({camera.extra_dist for camera in group.cameras}) > 1:
        for camera in group.cameras:
            camera.extra_dist = True
    rows = [rows_of(corners, index) for index in range(len(corners.cameras))]
    with _quiet_and_repeatable():
        group.calibrate_rows(rows, corners.board, init_intrinsics=False, init_extrinsics=True, verbose=False, only_extrinsics=only_poses)
    return _read_group(group)


def _read_group(group: "CameraGroup") -> list[Camera]:
    return [
        Camera(
            name=camera.get_name(),
            size=(int(camera.get_size()[0]), int(camera.get_size()[1])),
            matrix=np.array(camera.get_camera_matrix()),
            distortion=np.array(camera.get_distortions()),
            rotation=np.asarray(cv2.Rodrigues(camera.get_rotation())[0]),
            translation=np.array(camera.get_translation()),
        )
        for camera in group.cameras
    ]


@contextlib.contextmanager
def _quiet_and_repeatable() -> Iterator[None]:
    """aniposelib and what it stands on print, warn and log, and it draws its samples from NumPy's global generator."""
    for chatty in ("jax", "numba"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
