"""An archive in Rat7M's layout: small videos of a disc, and MATLAB files of markers spread over it, by SciPy."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.io

from tests.unit.calibration.formats.rigs import KnownCamera, see
from tests.unit.calibration.formats.test_matlab import give_params

MARKERS = [
    "HeadF", "HeadB", "HeadL", "SpineF", "SpineM", "SpineL", "Offset1", "Offset2", "HipL", "HipR", "ElbowL", "ArmL", "ShoulderL", "ShoulderR",
    "ElbowR", "ArmR", "KneeR", "KneeL", "ShinL", "ShinR",
]  # fmt: skip
#: Frames per file, the files' frames together, and the size of the pictures.
CHUNK, N_FRAMES, SIZE = 8, 21, (96, 72)
RADIUS = 40.0


def make_rig() -> list[KnownCamera]:
    """Three cameras half a metre around the origin and above it, which look at it."""
    rig = []
    for index in range(3):
        angle = 2 * np.pi * index / 3 + 0.2
        centre = np.array([500 * np.cos(angle), 500 * np.sin(angle), 400.0 + 20 * index])
        ahead = -centre / np.linalg.norm(centre)
        right = np.cross(ahead, [0, 0, 1.0])
        right /= np.linalg.norm(right)
        rotation = np.stack([right, np.cross(ahead, right), ahead])
        matrix = np.array([[90.0, 0, 47 + index], [0, 91.0, 36 - index], [0, 0, 1]])
        name = f"Camera{index + 1}"
        rig.append(KnownCamera(name, SIZE, matrix, (-0.1, 0.02, 0), (0.001, -0.002), rotation, -rotation @ centre))
    return rig


def make_markers(seed: int, n_samples: int = N_FRAMES) -> np.ndarray:
    """(sample, 20, 3) markers on a disc that walks in a circle; HeadL is never seen, ArmR half of the time (world, mm)."""
    generator, angle = np.random.default_rng(seed), np.linspace(0, 4, n_samples) + seed
    centres = np.stack([120 * np.cos(angle), 120 * np.sin(angle), np.full(n_samples, 30.0)], axis=1)
    markers = centres[:, None] + generator.uniform(-0.8 * RADIUS, 0.8 * RADIUS, (20, 3))
    markers[:, MARKERS.index("HeadL")] = np.nan
    markers[::2, MARKERS.index("ArmR"), 0] = np.nan
    return markers


def write_mat(path: Path, markers: np.ndarray, frames: dict[str, np.ndarray], order: tuple[int, ...] = (0, 2, 1)) -> Path:
    """The cameras in an `order` that is not that of their numbers."""
    cameras = {}
    for index in order:
        camera = make_rig()[index]
        params = give_params(camera)
        cameras[camera.name] = {
            "frame": frames[camera.name][None].astype(float),
            "IntrinsicMatrix": params["K"],
            "rotationMatrix": params["r"],
            "translationVector": params["t"],
            "RadialDistortion": params["RDistort"][:, :2],
            "TangentialDistortion": params["TDistort"],
        }
    scipy.io.savemat(path, {"cameras": cameras, "mocap": {name: markers[:, index] for index, name in enumerate(MARKERS)}})
    return path


def draw(camera: KnownCamera, markers: np.ndarray) -> np.ndarray:
    """A bright disc around the markers."""
    centre = np.nanmean(markers, axis=0)
    x, y = see(camera, centre[None])[0]
    depth = camera.rotation[2] @ centre + camera.translation[2]
    columns, rows = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    picture = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    picture[(columns - x) ** 2 + (rows - y) ** 2 < (RADIUS * 90 / depth) ** 2] = (240, 220, 60)
    return picture


def write_session(folder: Path, name: str, write_video: Callable[..., Path], seed: int) -> None:
    """A session of 21 frames per camera in files of 8, with one sample per frame."""
    markers = make_markers(seed)
    for number, camera in enumerate(make_rig(), start=1):
        pictures = [draw(camera, points) for points in markers]
        for start in range(0, N_FRAMES, CHUNK):
            write_video(folder / f"{name}-camera{number}-{start}.mp4", pictures[start : start + CHUNK])
    write_mat(folder / f"mocap-{name}.mat", markers, {camera.name: np.arange(N_FRAMES) for camera in make_rig()})
