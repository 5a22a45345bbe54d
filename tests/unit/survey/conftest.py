"""A ball that moves over a textured floor, filmed by three distorted cameras."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from bkind3d.config import SurveyConfig
from bkind3d.data.calibration_files import write_calibration
from bkind3d.geometry.cameras import Camera
from bkind3d.geometry.lenses import project_through_lens
from bkind3d.survey.videos import survey_video

RADIUS = 60.0
N_FRAMES = 30


def make_camera(name: str, position: list[float], size: tuple[int, int] = (192, 144), focal: float = 200) -> Camera:
    """A camera that looks at the origin, z up."""
    ahead = -np.array(position) / np.linalg.norm(position)
    right = np.cross(ahead, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(ahead, right), ahead])
    matrix = np.array([[focal, 0, size[0] / 2 - 3], [0, focal, size[1] / 2 + 2], [0, 0, 1]])
    return Camera(name, size, matrix, np.array([-0.2, 0.05, 0, 0, 0]), rotation, -rotation @ np.array(position))


def make_cameras() -> dict[str, Camera]:
    positions = {"cam1": [900.0, 0, 500], "cam2": [-500.0, 800, 600], "cam3": [-300.0, -900, 550]}
    return {name: make_camera(name, position) for name, position in positions.items()}


def make_track(n_frames: int = N_FRAMES) -> np.ndarray:
    angle = np.linspace(0, 1.5 * np.pi, n_frames)
    return np.stack([150 * np.cos(angle), 150 * np.sin(angle), np.full(n_frames, RADIUS)], axis=1)


def draw_floor(camera: Camera, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 60, (camera.size[1] // 8, camera.size[0] // 8, 3), dtype=np.uint8)
    return 90 + cv2.resize(noise, camera.size, interpolation=cv2.INTER_CUBIC) // 2


def draw_ball(picture: np.ndarray, camera: Camera, centre: np.ndarray, colour: tuple[int, int, int] = (200, 60, 40)) -> None:
    pixel = project_through_lens(camera, centre[None])[0]
    depth = camera.rotation[2] @ centre + camera.translation[2]
    fine = 16
    shift = tuple(int(round(fine * value)) for value in pixel)
    cv2.circle(picture, shift, round(fine * RADIUS * camera.matrix[0, 0] / depth), colour, -1, cv2.LINE_AA, 4)


@dataclass(frozen=True)
class Scene:
    folder: Path
    cameras: dict[str, Camera]
    track: np.ndarray
    calibration: Path
    videos: dict[str, Path]
    surveys: dict[str, Path]


@pytest.fixture(scope="session")
def filmed(tmp_path_factory: pytest.TempPathFactory, write_video: Callable[..., Path]) -> Path:
    """The videos, their surveys and the calibration, made once."""
    folder, cameras, track = tmp_path_factory.mktemp("scene"), make_cameras(), make_track()
    generator = np.random.default_rng(5)
    for index, (name, camera) in enumerate(cameras.items()):
        floor, pictures = draw_floor(camera, index), []
        for centre in track:
            picture = floor.copy()
            draw_ball(picture, camera, centre)
            noisy = picture + generator.normal(0, 2, picture.shape)
            pictures.append(np.clip(noisy, 0, 255).astype(np.uint8))
        video = write_video(folder / "videos" / f"{name}.mp4", pictures)
        survey_video(video, SurveyConfig(), folder / "survey" / f"{name}.parquet")
    write_calibration(cameras, folder / "rig.toml", "mm")
    return folder


@pytest.fixture
def scene(filmed: Path, tmp_path: Path) -> Scene:
    """A copy of the scene that a test may spoil."""
    shutil.copytree(filmed, tmp_path, dirs_exist_ok=True)
    cameras = make_cameras()
    videos = {name: tmp_path / "videos" / f"{name}.mp4" for name in cameras}
    surveys = {name: tmp_path / "survey" / f"{name}.parquet" for name in cameras}
    return Scene(tmp_path, cameras, make_track(), tmp_path / "rig.toml", videos, surveys)
