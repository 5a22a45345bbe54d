"""A small scene whose truth is known: a body of blobs seen by pinhole cameras, written as frames tables."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bkind3d.data.datasets import SessionFrames, Views
from bkind3d.data.parquet import write_table

SIDE, SIZE, MARGIN = 100.0, 32, 1.5
COLOURS = np.array([[230, 60, 60], [60, 200, 60], [60, 60, 230], [220, 200, 40]])


def make_body(n_frames: int, seed: int = 0) -> NDArray[np.float64]:
    """Four points (frame, 4, 3) of a body that turns and bends on the floor, world units."""
    rng = np.random.default_rng(seed)
    heading = np.cumsum(rng.normal(0, 0.15, n_frames)) + rng.uniform(0, 6)
    bend = 0.5 * np.sin(np.arange(n_frames) * 0.2 + rng.uniform(0, 6))
    along = np.array([-30.0, -10, 10, 30])
    angles = heading[:, None] + bend[:, None] * along / 30
    height = 10 + 4 * np.sin(np.arange(n_frames)[:, None] * 0.3 + along / 20)
    return np.stack([along * np.cos(angles), along * np.sin(angles), height], axis=-1)


def make_projection(azimuth: float, stored: int, distance: float = 400.0, size: int = SIZE) -> NDArray[np.float64]:
    """A camera (3, 4) that looks at the origin from `distance` units away, so that SIDE spans `size` pixels."""
    centre = distance * np.array([np.cos(azimuth) * 0.8, np.sin(azimuth) * 0.8, 0.6])
    forward = -centre / np.linalg.norm(centre)
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    focal = size / SIDE * distance
    matrix = np.array([[focal, 0, (stored - 1) / 2], [0, focal, (stored - 1) / 2], [0, 0, 1]])
    return np.asarray(matrix @ np.c_[rotation, -rotation @ centre])


def project(points: NDArray[np.float64], projection: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pixels (..., 2) of world points (..., 3)."""
    homogeneous = points @ projection[:, :3].T + projection[:, 3]
    return np.asarray(homogeneous[..., :2] / homogeneous[..., 2:])


def write_session(
    folder: Path,
    session: str,
    n_frames: int = 12,
    n_views: int = 3,
    seed: int = 0,
    radii: Sequence[int] = (4, 4, 4, 4),
    distances: Sequence[float] = (400.0,),
    missing: float = 0.0,
) -> list[Path]:
    """Write one frames table per view, with blobs of `radii` pixels; give their paths.

    Cameras take turns in `distances`, and lenses with them; a view misses a frame with the chance `missing`, two never do.
    """
    body, stored = make_body(n_frames, seed), int(SIZE * MARGIN)
    lost = np.random.default_rng(seed).random((n_frames, n_views)) < missing
    lost[np.arange(n_frames), np.arange(n_frames) % n_views] = lost[np.arange(n_frames), (np.arange(n_frames) + 1) % n_views] = False
    paths = []
    for view in range(n_views):
        projection = make_projection(view * 2 * np.pi / n_views + 0.3, stored, distances[view % len(distances)])
        rows = []
        for frame, points in enumerate(body):
            image, mask = np.full((stored, stored, 3), 40, np.uint8), np.zeros((stored, stored), np.uint8)
            for pixel, colour, radius in zip(project(points, projection), COLOURS, radii, strict=True):
                place = (round(float(pixel[0])), round(float(pixel[1])))
                cv2.circle(image, place, radius, colour.tolist(), -1)
                cv2.circle(mask, place, radius, 255, -1)
            encoded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
            matrix = {f"p{i}{j}": projection[i, j] for i in range(3) for j in range(4)}
            rows.append({"frame": frame, "time_s": frame / 30, "x": 0.0, "y": 0.0, "z": 10.0, "image": encoded,
                         "mask": cv2.imencode(".png", mask)[1].tobytes(), "width": stored, "height": stored, **matrix, "valid": not lost[frame, view]})  # fmt: skip
        metadata = {"size": SIZE, "margin": MARGIN, "side": SIDE, "camera": f"cam{view}", "session": session, "units": "mm", "rate": 30.0}
        path = folder / session / f"cam{view}.parquet"
        write_table(pd.DataFrame(rows), "frames", path, metadata)
        paths.append(path)
    return paths


def read_views(folder: Path, n_frames: int = 3, n_views: int = 3) -> Views:
    """Write a session and read all its moments."""
    session = SessionFrames(write_session(folder, "one", n_frames, n_views))
    return session.decode(np.arange(n_frames))
