"""Simulated rigs: where the cameras stand, and how a calibration board is shown to them.

World frame: millimetres, origin in the centre of the arena, z up.
"""

from dataclasses import dataclass

import numpy as np

from bkind3d.config import ROOMS, BoardConfig, SimulatedRig
from bkind3d.geometry.cameras import Array, Camera


@dataclass(frozen=True)
class Pose:
    """``x_world = rotation @ x_object + translation`` (mm)."""

    rotation: Array
    translation: Array


def look_at(centre: Array, target: Array, roll: float = 0.0) -> Array:
    """(3, 3) rotation, world to camera, of a camera at `centre` that looks at `target`; `roll` in radians."""
    forward = (target - centre) / np.linalg.norm(target - centre)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    cos, sin = np.cos(roll), np.sin(roll)
    return np.stack([cos * right + sin * down, cos * down - sin * right, forward])


def fit_focal_length(rotation: Array, centre: Array, rig: SimulatedRig) -> float:
    """Longest focal length (pixels) at which the whole arena of `rig`, up to its height, is in the picture."""
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    radius = rig.arena / 2
    rim = np.stack([radius * np.cos(angles), radius * np.sin(angles), np.zeros_like(angles)], axis=1)
    points = (np.concatenate([rim, rim + [0, 0, rig.arena_height]]) - centre) @ rotation.T
    extent = np.abs(points[:, :2] / points[:, 2:]).max(axis=0)
    return float(min((rig.width / 2) / extent[0], (rig.height / 2) / extent[1]))


def make_cameras(rig: SimulatedRig) -> dict[str, Camera]:
    """Cameras ``cam1``.. of `rig`: around the arena, alternately low and high, as its room has it; world (mm).

    Positions, aims, focal lengths and lenses vary with the rig's seed; the principal point is the picture's centre, which is at
    (width - 1) / 2 because (0, 0) is the centre of the top-left pixel.
    """
    rng, room = np.random.default_rng([rig.seed, 1]), ROOMS[rig.room]
    start = rng.uniform(0, 2 * np.pi)
    cameras = {}
    for index in range(rig.cameras):
        azimuth = start + np.radians(room.span) * (index + rng.uniform(-0.2, 0.2)) / rig.cameras
        low, high = room.elevations[index % len(room.elevations)]
        if room.overhead is not None and index == rig.cameras - 1:
            low, high = room.overhead
        elevation = np.radians(rng.uniform(low, high))
        direction = np.array([np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)])
        centre = direction * rig.arena * rng.uniform(*room.distance)
        target = np.append(rng.uniform(-0.03, 0.03, 2) * rig.arena, 0.06 * rig.arena)
        rotation = look_at(centre, target, roll=np.radians(rng.uniform(-4, 4)))
        focal = rng.uniform(0.94, 1.0) * fit_focal_length(rotation, centre, rig)
        matrix = np.array([[focal, 0, (rig.width - 1) / 2], [0, focal, (rig.height - 1) / 2], [0, 0, 1]])
        name, k1 = f"cam{index + 1}", rng.uniform(*room.distortion) if any(room.distortion) else 0.0
        cameras[name] = Camera(name, (rig.width, rig.height), matrix, np.array([k1, 0.35 * k1**2, 0, 0, 0]), rotation, -rotation @ centre)
    return cameras


def pose_board(rig: SimulatedRig, board: BoardConfig, cameras: dict[str, Camera]) -> list[Pose]:
    """Where the board is in each frame of the board videos; board frame: OpenCV's, mm.

    OpenCV's board has its origin in a corner, x along the columns, y *down* the printed side and z into the plate. In
    frame 0 it lies on the floor with its origin in the world's origin and its x axis along the world's; then it is
    shown to each camera in turn, tilted, at places spread over the arena and over that camera's picture.
    """
    rng = np.random.default_rng([rig.seed, 2])
    extent = np.array([board.squares_x, board.squares_y]) * board.square_length
    half_diagonal = np.linalg.norm(extent) / 2
    poses = [Pose(np.diag([1.0, -1.0, -1.0]), np.zeros(3))]
    for index in range(1, rig.board_frames):
        camera = list(cameras.values())[(index - 1) % len(cameras)]
        angle, distance = rng.uniform(0, 2 * np.pi), 0.36 * rig.arena * np.sqrt(rng.uniform())
        centre = np.array([distance * np.cos(angle), distance * np.sin(angle), rng.uniform(0.05, 0.4) * rig.arena])
        towards = camera.centre - centre
        # Between facing up, where most cameras see it, and facing one camera: tilts are what tells focal lengths.
        normal = rng.uniform(0.15, 1.0) * towards / np.linalg.norm(towards) + [0, 0, rng.uniform(0.2, 0.7)] + rng.normal(0, 0.12, 3)
        rotation = face_along(normal, rng.uniform(0, 2 * np.pi))
        lowest = centre[2] - half_diagonal * np.sqrt(1 - rotation[2, 2] ** 2)
        centre[2] += max(0.0, 5.0 - lowest)
        poses.append(Pose(rotation, centre - rotation @ np.append(extent / 2, 0.0)))
    return poses


def face_along(normal: Array, spin: float) -> Array:
    """(3, 3) board-to-world rotation whose printed side (OpenCV's -z) faces along `normal`, turned by `spin` radians."""
    into = -np.asarray(normal) / np.linalg.norm(normal)
    first = np.cross(into, [1.0, 0.0, 0.0] if abs(into[0]) < 0.9 else [0.0, 1.0, 0.0])
    first /= np.linalg.norm(first)
    second = np.cross(into, first)
    column = np.cos(spin) * first + np.sin(spin) * second
    return np.stack([column, np.cross(into, column), into], axis=1)
