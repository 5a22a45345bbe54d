"""The world of a calibrated rig: where its origin lies and what is up, and how far it is from a known one."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np

from bkind3d.calibration.board_poses import pose_board
from bkind3d.calibration.boards import Corners
from bkind3d.config import InputError
from bkind3d.geometry.cameras import Array, Camera
from bkind3d.geometry.triangulation import triangulate_rays

log = logging.getLogger(__name__)


def place_on_floor(cameras: list[Camera], corners: Corners, floor_frame: int) -> list[Camera]:
    """Move the world to the board as it lies in `floor_frame`: origin and x axis the board's, z up, towards the cameras."""
    pose = pose_board(cameras, corners, int(np.flatnonzero(corners.frames == floor_frame)[0]))
    if pose is None:
        raise InputError(
            f"no camera sees the board in frame {floor_frame} (calibration.floor_frame); name a frame in which it lies on the floor, or leave the key out"
        )
    to_board = pose.rotation.T
    above = np.mean([to_board @ (camera.centre - pose.translation) for camera in cameras], axis=0)
    turn = np.diag([1.0, 1.0, 1.0] if above[2] > 0 else [1.0, -1.0, -1.0]) @ to_board
    return [camera.moved(turn, -turn @ pose.translation) for camera in cameras]


def place_between_cameras(cameras: list[Camera]) -> list[Camera]:
    """Move the world to where the cameras look: z their mean up, x towards the first camera, origin nearest to their optical axes."""
    up = -np.mean([camera.rotation[1] for camera in cameras], axis=0)
    centres = np.stack([camera.centre for camera in cameras])
    origin = triangulate_rays(centres, np.stack([camera.rotation[2] for camera in cameras]))
    if not np.isfinite(origin).all():
        origin = centres.mean(axis=0)
    if np.linalg.norm(up) < 1e-3:
        log.warning("the cameras have no common up; the world's z axis is the first camera's")
        up = -cameras[0].rotation[1]
    z = up / np.linalg.norm(up)
    ahead = centres[0] - origin
    x = ahead - z * (z @ ahead)
    if np.linalg.norm(x) < 1e-6 * np.linalg.norm(ahead):
        x = cameras[0].rotation[0] - z * (z @ cameras[0].rotation[0])
    x /= np.linalg.norm(x)
    turn = np.stack([x, np.cross(z, x), z])
    return [camera.moved(turn, -turn @ origin) for camera in cameras]


def compare_to_truth(cameras: Mapping[str, Camera], truth: Mapping[str, Camera]) -> dict[str, Any]:
    """Distances of the cameras' centres to the true ones: in the worlds as they are, and after the best rigid motion.

    Returns
    -------
    per camera ``distance`` and ``aligned`` (world units), and ``percent`` and ``aligned_percent`` of the true centre's
    distance to the true origin; ``focal_percent`` the error of the focal length.
    """
    import torch

    from bkind3d.geometry.alignment import fit_similarity

    lacking = [name for name in cameras if name not in truth]
    if lacking:
        raise InputError(f"the true calibration has no camera {lacking[0]!r}, only {', '.join(truth)}")
    found = np.stack([camera.centre for camera in cameras.values()])
    true = np.stack([truth[name].centre for name in cameras])
    motion = fit_similarity(torch.from_numpy(found)[None], torch.from_numpy(true)[None], with_scale=False)
    aligned = motion.apply(torch.from_numpy(found)[None])[0].numpy()
    reach = np.linalg.norm(true, axis=1)
    rows: dict[str, Array] = {"distance": np.linalg.norm(found - true, axis=1), "aligned": np.linalg.norm(aligned - true, axis=1)}
    rows |= {"percent": 100 * rows["distance"] / reach, "aligned_percent": 100 * rows["aligned"] / reach}
    rows["focal_percent"] = np.array([100 * (camera.matrix[0, 0] / truth[name].matrix[0, 0] - 1) for name, camera in cameras.items()])
    return {name: {key: float(values[index]) for key, values in rows.items()} for index, name in enumerate(cameras)}
