"""Simulated rigs to calibrate: cameras of mixed sizes with strong lenses, and the board they film, rendered or projected."""

import tempfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bkind3d.calibration.boards import Corners, locate_model, make_board
from bkind3d.calibration.corners import MIN_CORNERS, find_corners
from bkind3d.config import BoardConfig, CalibrationConfig, SimulatedRig
from bkind3d.geometry.cameras import Camera
from bkind3d.geometry.lenses import project_through_lens, undistort_points

Array = NDArray[np.float64]

BOARD = BoardConfig(squares_x=7, squares_y=5, square_length=60, marker_length=45)
CONFIG = CalibrationConfig(floor_frame=0)
#: Sizes of the pictures, in turn.
SIZES = ((640, 480), (480, 384), (560, 420), (400, 320))
BOARD_FRAMES = 60
#: Distortion k1 of a strong barrel: straight lines at the picture's corners bend by a tenth of its height.
STRONGEST = -0.32
BLUR_PX, NOISE_LEVELS = 2.0, 2.5


def make_rig(n_cameras: int, seed: int) -> tuple[SimulatedRig, dict[str, Camera]]:
    """Cameras around an arena, of mixed sizes, with principal points off the middle and distortion up to a strong barrel."""
    from bkind3d.simulation.rigs import make_cameras

    rig = SimulatedRig(cameras=n_cameras, width=640, height=480, board_frames=BOARD_FRAMES, seed=100 + seed)
    generator, cameras = np.random.default_rng([seed, n_cameras, 7]), {}
    for index, (name, camera) in enumerate(make_cameras(rig).items()):
        size = SIZES[(index + seed) % len(SIZES)]
        matrix = camera.matrix.copy()
        matrix[[0, 1], [0, 1]] *= min(size[0] / 640, size[1] / 480)
        matrix[:2, 2] = (np.array(size) - 1) / 2 + generator.uniform(-0.015, 0.015, 2) * size[0]
        k1 = generator.uniform(STRONGEST, 0.0)
        cameras[name] = replace(camera, size=size, matrix=matrix, distortion=np.array([k1, 0.35 * k1**2, 0, 0, 0]))
    return rig, cameras


def pose_boards(rig: SimulatedRig, cameras: dict[str, Camera], seed: int = 0) -> list[tuple[Array, Array]]:
    """Board to world in every frame; flat on the floor in frame 0."""
    from bkind3d.simulation.rigs import pose_board

    return [(pose.rotation, pose.translation) for pose in pose_board(rig.model_copy(update={"seed": rig.seed + seed}), BOARD, cameras)]


def film(rig: SimulatedRig, cameras: dict[str, Camera], seed: int, folder: Path) -> dict[str, Path]:
    """Board videos of all cameras: rendered without distortion in a larger picture, then warped by each lens."""
    import mujoco

    from bkind3d.data.video_writer import VideoWriter
    from bkind3d.simulation.filming import build_model
    from bkind3d.simulation.rendering import Renderer

    generator, videos = np.random.default_rng([seed, 11]), {}
    model = build_model(rig, BOARD)
    data = mujoco.MjData(model)
    for name, camera in cameras.items():
        wide, maps = widen(camera)
        videos[name] = folder / f"{name}.mp4"
        with Renderer(model, wide.size) as renderer, VideoWriter(videos[name], camera.size, rig.rate) as writer:
            renderer.keep_background(data, wide)
            for rotation, translation in pose_boards(rig, cameras):
                data.mocap_pos[0] = translation / 1000
                mujoco.mju_mat2Quat(data.mocap_quat[0], rotation.ravel())
                renderer.update(data)
                writer.write(spoil(cv2.remap(renderer.render_moving(wide), *maps, cv2.INTER_CUBIC), generator))
    return videos


def widen(camera: Camera) -> tuple[Camera, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """An undistorted camera that sees all that `camera` sees, and where in its picture each pixel of `camera` is."""
    width, height = camera.size
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64))
    undistorted = undistort_points(camera, np.stack([columns.ravel(), rows.ravel()], axis=1))
    # The renderer's optical axis is the middle of its picture.
    reach = np.abs(undistorted - camera.matrix[:2, 2]).max(axis=0) + 2
    size = (int(2 * np.ceil(reach[0])), int(2 * np.ceil(reach[1])))
    matrix = camera.matrix.copy()
    matrix[:2, 2] = (np.array(size) - 1) / 2
    shifted = (undistorted - camera.matrix[:2, 2] + matrix[:2, 2]).astype(np.float32).reshape(height, width, 2)
    return replace(camera, size=size, matrix=matrix, distortion=np.zeros(5)), (shifted[..., 0].copy(), shifted[..., 1].copy())


def spoil(picture: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Motion blur along a random line of up to `BLUR_PX` pixels, and noise."""
    length, angle = generator.uniform(0, BLUR_PX), generator.uniform(0, np.pi)
    steps = [np.float32([[1, 0, t * np.cos(angle)], [0, 1, t * np.sin(angle)]]) for t in np.linspace(-length / 2, length / 2, 5)]
    blurred = np.mean([cv2.warpAffine(picture, step, picture.shape[1::-1], borderMode=cv2.BORDER_REPLICATE) for step in steps], axis=0)
    return np.clip(blurred + generator.normal(0, NOISE_LEVELS, picture.shape) + 0.5, 0, 255).astype(np.uint8)


def project_boards(cameras: dict[str, Camera], poses: list[tuple[Array, Array]], noise: Array | None, seed: int) -> Corners:
    """Corners where they are, of boards that face the camera; `noise` (error, 2) holds detection errors to draw from."""
    board = make_board(BOARD)
    model, generator = locate_model(board), np.random.default_rng([seed, 13])
    points = np.full((len(cameras), len(poses), len(model), 2), np.nan)
    for index, camera in enumerate(cameras.values()):
        for frame, (rotation, translation) in enumerate(poses):
            seen = project_through_lens(camera, model @ rotation.T + translation)
            ray = camera.centre - (rotation @ model.mean(axis=0) + translation)
            facing = float(-rotation[:, 2] @ ray / np.linalg.norm(ray))
            inside = ((seen > 4) & (seen < np.array(camera.size) - 5)).all(axis=1)
            if facing > 0.35 and inside.sum() >= MIN_CORNERS:
                points[index, frame, inside] = seen[inside]
    if noise is not None:
        points += noise[generator.integers(len(noise), size=points.shape[:-1])]
    return Corners(list(cameras), [camera.size for camera in cameras.values()], np.arange(len(poses)), points, model, board)


def find_rendered(n_cameras: int, seed: int, folder: Path) -> tuple[dict[str, Camera], Corners]:
    """True cameras, and the corners found in rendered videos; corners are kept in `folder`, so that they are found once."""
    rig, cameras = make_rig(n_cameras, seed)
    kept, board = folder / f"corners_{n_cameras}_{seed}.npz", make_board(BOARD)
    if not kept.exists():
        with tempfile.TemporaryDirectory() as videos:
            found = find_corners(film(rig, cameras, seed, Path(videos)), BOARD, CONFIG)
        np.savez(kept, frames=found.frames, points=found.points)
    with np.load(kept) as known:
        sizes = [camera.size for camera in cameras.values()]
        return cameras, Corners(list(cameras), sizes, known["frames"], known["points"], locate_model(board), board)


def measure_noise(n_cameras: int, seed: int, corners: Corners) -> Array:
    """(error, 2) of rendered corners, pixels."""
    rig, cameras = make_rig(n_cameras, seed)
    exact = project_boards(cameras, pose_boards(rig, cameras), None, seed).points
    return np.asarray((corners.points - exact)[np.isfinite(corners.points).all(axis=-1) & np.isfinite(exact).all(axis=-1)])
