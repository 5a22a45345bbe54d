"""A printed board that is moved in front of three cameras."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from bkind3d.calibration.boards import Corners, make_board
from bkind3d.calibration.corners import find_corners
from bkind3d.config import BoardConfig, CalibrationConfig
from bkind3d.geometry.cameras import Camera
from bkind3d.geometry.lenses import project_through_lens

BOARD = BoardConfig(squares_x=7, squares_y=5, square_length=60, marker_length=45)
CONFIG = CalibrationConfig(floor_frame=0)
SIZE = (320, 240)
N_FRAMES = 24


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """As in the workflow: with several threads, OpenCV's search for checkerboards does not find the same in every run."""
    cv2.setNumThreads(1)


def make_camera(name: str, position: list[float], focal: float) -> Camera:
    """A pinhole camera that looks at the origin, z up."""
    ahead = -np.array(position) / np.linalg.norm(position)
    right = np.cross(ahead, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(ahead, right), ahead])
    matrix = np.array([[focal, 0, 159.5], [0, focal, 119.5], [0, 0, 1]])
    return Camera(name, SIZE, matrix, np.zeros(5), rotation, -rotation @ np.array(position))


def make_cameras() -> dict[str, Camera]:
    places = {"left": ([450.0, 400, 900], 340.0), "right": ([-550.0, 250, 850], 330.0), "back": ([50.0, -500, 950], 320.0)}
    return {name: make_camera(name, *place) for name, place in places.items()}


def make_poses() -> list[tuple[np.ndarray, np.ndarray]]:
    """Board to world. In frame 0 the board lies on the floor as the world: x its own x, printed side up."""
    generator = np.random.default_rng(3)
    poses = [(np.diag([1.0, -1, -1]), np.zeros(3))]
    for _ in range(N_FRAMES - 1):
        tilt = cv2.Rodrigues(generator.uniform(-0.45, 0.45, 3) * [1, 1, 4])[0]
        rotation = tilt @ np.diag([1.0, -1, -1])
        middle = generator.uniform([-90, -70, 0], [90, 70, 200])
        poses.append((rotation, middle - rotation @ [210, 150, 0]))
    return poses


def draw_board(camera: Camera, rotation: np.ndarray, translation: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """The board through a homography; drawn at twice the size and averaged."""
    scale = 4.0
    grid = np.array([[0, 0], [420, 0], [420, 300], [0, 300]], np.float64)
    fine = camera.resized((2 * SIZE[0], 2 * SIZE[1]))
    seen = project_through_lens(fine, np.concatenate([grid, np.zeros((4, 1))], axis=1) @ rotation.T + translation)
    # Edges of the printed picture are half a pixel outside of its first and last pixels' centres.
    homography = cv2.getPerspectiveTransform((grid * scale - 0.5).astype(np.float32), seen.astype(np.float32))
    drawn = cv2.warpPerspective(picture, homography, fine.size, flags=cv2.INTER_AREA, borderValue=110)
    return cv2.GaussianBlur(cv2.resize(drawn, SIZE, interpolation=cv2.INTER_AREA), (3, 3), 0.5)


@dataclass(frozen=True)
class BoardScene:
    cameras: dict[str, Camera]
    videos: dict[str, Path]


@pytest.fixture(scope="session")
def board_scene(tmp_path_factory: pytest.TempPathFactory, write_video: Callable[..., Path]) -> BoardScene:
    pytest.importorskip("aniposelib", reason="aniposelib is not installed")
    folder = tmp_path_factory.mktemp("boards")
    printed = make_board(BOARD, legacy=False).board.generateImage((1680, 1200))
    videos = {}
    for name, camera in make_cameras().items():
        pictures = [draw_board(camera, *pose, printed) for pose in make_poses()]
        videos[name] = write_video(folder / f"{name}.mp4", [np.repeat(picture[..., None], 3, axis=2) for picture in pictures])
    return BoardScene(make_cameras(), videos)


@pytest.fixture(scope="session")
def corners(board_scene: BoardScene) -> Corners:
    """The corners as they are found in the videos."""
    return find_corners(board_scene.videos, BOARD, CONFIG)


@pytest.fixture(scope="session")
def exact_corners(corners: Corners) -> Corners:
    """The corners where they are, of all boards."""
    points = np.stack(
        [
            [project_through_lens(camera, corners.model @ rotation.T + translation) for rotation, translation in make_poses()]
            for camera in make_cameras().values()
        ]
    )
    return replace(corners, points=points)


CAMERAS = [*make_cameras().values(), make_camera("front", [300.0, -350, 1000], 330.0)]


@pytest.fixture
def noisy(exact_corners: Corners) -> Corners:
    """Four cameras, corners with a little noise."""
    points = np.stack([see(exact_corners.model, index) for index in range(4)])
    return replace(exact_corners, cameras=[camera.name for camera in CAMERAS], sizes=[(320, 240)] * 4, points=points)


def see(model: np.ndarray, index: int, move: float = 0.0) -> np.ndarray:
    """The corners as a camera sees them that has been moved."""
    camera = replace(CAMERAS[index], translation=CAMERAS[index].translation + move)
    points = np.stack([project_through_lens(camera, model @ rotation.T + translation) for rotation, translation in make_poses()])
    return points + np.random.default_rng(index).normal(0, 0.1, points.shape)


def put(corners: Corners, index: int, points: np.ndarray) -> Corners:
    """The corners with those of one camera replaced."""
    changed = corners.points.copy()
    changed[index] = points
    return replace(corners, points=changed)
