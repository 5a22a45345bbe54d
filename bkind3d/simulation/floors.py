"""How floors are painted: each a function of a random generator, a size, the arena's radius and its room, by its name in the rooms."""

from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from bkind3d.config import Room

Image = UInt8[NDArray, "..."]
#: How much more the grain shows in red than in green and in blue.
_TINT = np.array([1.0, 0.95, 0.85])


def make_noise(rng: np.random.Generator, size: int, grain: float) -> Float[NDArray, "size size"]:
    """(size, size) smooth noise, zero mean and unit variance; `grain` in pixels."""
    # Coarse noise is drawn on a coarse grid: a wide blur would take longer than the rest of the scene.
    coarse = max(4, round(size / max(1.0, grain / 1.5)))
    noise = cv2.GaussianBlur(rng.standard_normal((coarse, coarse)).astype(np.float32), (0, 0), min(grain, 1.5))
    noise = cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC)
    return noise / noise.std()


def paint_mat(rng: np.random.Generator, size: int, radius: float, room: Room) -> Image:
    """(size, size, 3) speckled mat inside a circle of `radius` (share of `size`) with a painted rim."""
    distance = _measure_distances(size)
    grain = room.grain * (9 * make_noise(rng, size, 1.5) + 7 * make_noise(rng, size, 6) + 8 * make_noise(rng, size, 40))
    inside = np.array(room.inside, np.float32) + grain[..., None] * _TINT
    outside = np.array(room.outside, np.float32) + 0.6 * grain[..., None]
    rim = np.array([60, 62, 66], np.float32) + 0.3 * grain[..., None]
    picture = np.where(distance[..., None] < radius, inside, outside)
    picture = np.where(np.abs(distance[..., None] - radius - 0.012) < 0.012, rim, picture)
    return np.clip(picture, 0, 255).astype(np.uint8)


def paint_plain(rng: np.random.Generator, size: int, radius: float, room: Room) -> Image:
    """(size, size, 3) one colour with faint stains, which passes into that around the arena."""
    distance = _measure_distances(size)
    grain = room.grain * (6 * make_noise(rng, size, 2) + 8 * make_noise(rng, size, 60))
    within = np.clip((radius - distance) / 0.01 + 0.5, 0, 1)[..., None]
    picture = np.array(room.outside) + within * (np.array(room.inside) - np.array(room.outside)) + grain[..., None] * _TINT
    return np.clip(picture, 0, 255).astype(np.uint8)


def paint_bedding(rng: np.random.Generator, size: int, radius: float, room: Room) -> Image:
    """(size, size, 3) wood shavings: thousands of short strokes, light and dark, over a coarse ground."""
    picture = np.array(room.inside) + room.grain * 6 * make_noise(rng, size, 12)[..., None] * _TINT
    for _ in range(size * size // 60):
        start, angle, length = rng.uniform(0, size, 2), rng.uniform(0, np.pi), rng.uniform(0.004, 0.012) * size
        end = start + length * np.array([np.cos(angle), np.sin(angle)])
        colour = np.clip(np.array(room.inside) * rng.uniform(0.72, 1.2), 0, 255)
        cv2.line(picture, start.astype(int).tolist(), end.astype(int).tolist(), colour.tolist(), 1 + int(rng.integers(2)))
    outside = np.array(room.outside) + 6 * make_noise(rng, size, 4)[..., None]
    # The cage is a square around the arena.
    rows, columns = np.abs(np.mgrid[:size, :size] - size / 2) / size
    return np.clip(np.where((np.maximum(rows, columns) < 1.1 * radius)[..., None], picture, outside), 0, 255).astype(np.uint8)


def paint_tiles(rng: np.random.Generator, size: int, radius: float, room: Room) -> Image:
    """(size, size, 3) tiles of two shades with joints between them, eight across the arena."""
    edge = max(4, round(2 * radius * size / 8))
    rows, columns = np.mgrid[:size, :size]
    shades = rng.uniform(-10, 10, (size // edge + 1, size // edge + 1))
    shade = 16 * ((rows // edge + columns // edge) % 2) - 8 + shades[rows // edge, columns // edge]
    joints = (np.minimum(rows % edge, columns % edge) < max(1, size // 340))[..., None]
    picture = np.array(room.inside) + (shade + room.grain * 3 * make_noise(rng, size, 3))[..., None]
    return np.clip(np.where(joints, 0.6 * np.array(room.inside), picture), 0, 255).astype(np.uint8)


def _measure_distances(size: int) -> Float[NDArray, "size size"]:
    """(size, size) distance from the middle, as a share of `size`."""
    rows, columns = np.mgrid[:size, :size]
    return np.asarray(np.hypot(rows - size / 2, columns - size / 2) / size)


FLOORS: dict[str, Callable[[np.random.Generator, int, float, Room], Image]] = {
    "mat": paint_mat,
    "plain": paint_plain,
    "bedding": paint_bedding,
    "tiles": paint_tiles,
}
