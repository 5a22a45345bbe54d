"""Known cameras around an arena, as each format's own numbers, and where they see points: written without the package's code."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class KnownCamera:
    """World to camera, mm, OpenCV's axes; `k` are k1 to k3, `p` are p1 and p2; pixel (0, 0) is the first pixel's centre."""

    name: str
    size: tuple[int, int]
    matrix: np.ndarray
    k: tuple[float, float, float]
    p: tuple[float, float]
    rotation: np.ndarray
    translation: np.ndarray


def turn(x: float, y: float, z: float) -> np.ndarray:
    """A rotation about x, then y, then z (angles in radians)."""
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def make_rig(names: list[str], skew: float = 0.0) -> list[KnownCamera]:
    """Cameras of different lenses and sizes, a metre from the origin."""
    generator = np.random.default_rng(7)
    rig = []
    for index, name in enumerate(names):
        size = (1152 + 8 * index, 1024 + 2 * index)
        matrix = np.array([[1400 + 11 * index, skew * (index + 1), 570.3 + index], [0, 1410 - 7 * index, 515.8 - index], [0, 0, 1.0]])
        rotation = turn(*generator.uniform(-3, 3, 3))
        k, p = (-0.12 + 0.01 * index, 0.05, -0.02 + 0.004 * index), (0.004 - 0.001 * index, -0.003)
        translation = np.array([10.0 * index, -20.0, 1000 + 30 * index])
        rig.append(KnownCamera(name, size, matrix, k, p, rotation, translation))
    return rig


def make_points() -> np.ndarray:
    return np.random.default_rng(1).uniform(-200, 200, (40, 3))


def distort(rays: np.ndarray, k: tuple[float, float, float], p: tuple[float, float]) -> np.ndarray:
    """Brown's model, radial and tangential, of points at depth 1."""
    x, y = rays.T
    r2 = x**2 + y**2
    radial = 1 + k[0] * r2 + k[1] * r2**2 + k[2] * r2**3
    return np.stack(
        [x * radial + 2 * p[0] * x * y + p[1] * (r2 + 2 * x**2), y * radial + p[0] * (r2 + 2 * y**2) + 2 * p[1] * x * y], axis=1
    )


def see(camera: KnownCamera, points: np.ndarray) -> np.ndarray:
    """Pixels of world points."""
    inside = points @ camera.rotation.T + camera.translation
    return distort(inside[:, :2] / inside[:, 2:], camera.k, camera.p) @ camera.matrix[:2, :2].T + camera.matrix[:2, 2]
