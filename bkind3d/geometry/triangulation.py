"""Triangulation: the world point that several cameras see."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from bkind3d.geometry.cameras import Camera
from bkind3d.geometry.lenses import pixel_directions

#: Rounds in which a ray's distance is divided by the point's distance from the camera: what a picture measures is an angle.
_ROUNDS = 3
#: Rays closer to parallel than this (smallest eigenvalue of the normal matrix per ray) meet nowhere.
_PARALLEL = 1e-6


def triangulate_pixels(cameras: Sequence[Camera], pixels: Float[NDArray, "view *batch 2"]) -> Float[NDArray, "*batch 3"]:
    """Find the points that cameras see at pixels of their distorted pictures (NaN where they do not); see :func:`triangulate_rays`."""
    directions = [pixel_directions(camera, seen.reshape(-1, 2)) for camera, seen in zip(cameras, pixels, strict=True)]
    points = triangulate_rays(np.stack([camera.centre for camera in cameras]), np.stack(directions, axis=1))
    return points.reshape(*pixels.shape[1:-1], 3)


def triangulate_rays(
    origins: Float[NDArray, "view 3"], directions: Float[NDArray, "*batch view 3"], weights: Float[NDArray, "*batch view"] | None = None
) -> Float[NDArray, "*batch 3"]:
    """Find the points nearest, in angle, to rays from several cameras; world frame and units.

    Parameters
    ----------
    origins : positions of the cameras.
    directions : unit vectors; NaN where a view does not see the point.
    weights : of each view; equal without them. 0 leaves a view out.

    Returns
    -------
    points : NaN where fewer than two views see the point, or their rays are parallel.
    """
    seen = np.asarray(np.isfinite(directions).all(axis=-1))
    given = seen.astype(np.float64) if weights is None else np.where(seen, weights, 0.0)
    known = np.where(seen[..., None], directions, 0.0)
    across = np.eye(3) - known[..., :, None] * known[..., None, :]
    share = given
    points = np.full((*directions.shape[:-2], 3), np.nan)
    for _ in range(_ROUNDS):
        normal = np.einsum("...v,...vij->...ij", share, across)
        right = np.einsum("...v,...vij,vj->...i", share, across, origins)
        total = np.maximum(share.sum(axis=-1), 1e-300)
        solvable = ((given > 0).sum(axis=-1) >= 2) & (np.linalg.eigvalsh(normal)[..., 0] > _PARALLEL * total)
        safe = np.where(solvable[..., None, None], normal, np.eye(3))
        points = np.where(solvable[..., None], np.linalg.solve(safe, right[..., None])[..., 0], np.nan)
        distances = np.linalg.norm(np.nan_to_num(points)[..., None, :] - origins, axis=-1)
        share = given / np.maximum(distances, 1e-12) ** 2
    return points
