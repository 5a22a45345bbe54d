"""The point that most views agree on, when some of them see somebody else, a shadow or nothing."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from bkind3d.geometry.cameras import Array, Camera
from bkind3d.geometry.lenses import pixel_directions, project_points
from bkind3d.geometry.triangulation import triangulate_rays

#: Frames that are searched at once (bounds the memory).
_BLOCK = 500


@dataclass(frozen=True)
class Agreement:
    """What the views agree on.

    Attributes
    ----------
    points : world units; NaN where fewer than two views agree.
    chosen : the cluster of each view that shows the subject, -1 for none.
    residual : mean distance between the chosen clusters' centroids and the projected point, as a share of the longer side.
    """

    points: Float[NDArray, "frame 3"]
    chosen: Int[NDArray, "frame view"]
    residual: Float[NDArray, "frame"]


def agree_on_point(cameras: list[Camera], clusters: Float[NDArray, "frame view cluster 7"], max_residual: float) -> Agreement:
    """Triangulate the clusters' centroids, choosing in every frame the clusters that agree best.

    First the largest cluster of every view is believed. Where that leaves a view further than `max_residual` off, every
    pair of clusters of two views proposes a point, and the one that the most and largest clusters support wins.
    """
    n_frames, n_views, n_clusters, _ = clusters.shape
    directions = np.stack(
        [
            pixel_directions(camera, clusters[:, view, :, 1:3].reshape(-1, 2)).reshape(n_frames, n_clusters, 3)
            for view, camera in enumerate(cameras)
        ],
        axis=1,
    )
    chosen = np.where(np.isfinite(clusters[:, :, 0, 0]), 0, -1)
    agreement = _judge(cameras, clusters, directions, chosen, max_residual)
    doubtful = np.flatnonzero((agreement.chosen != chosen).any(axis=1))
    for block in np.array_split(doubtful, max(1, len(doubtful) // _BLOCK)):
        chosen[block] = _search(cameras, clusters[block], directions[block], max_residual)
    return _judge(cameras, clusters, directions, chosen, max_residual)


def _search(
    cameras: list[Camera],
    clusters: Float[NDArray, "frame view cluster 7"],
    directions: Float[NDArray, "frame view cluster 3"],
    max_residual: float,
) -> Int[NDArray, "frame view"]:
    """The clusters that support the best of all points proposed by two views."""
    n_frames, n_views, n_clusters, _ = clusters.shape
    origins = np.stack([camera.centre for camera in cameras])
    areas = clusters[..., 0] / np.nanmax(clusters[..., :1, 0], axis=2, keepdims=True, initial=1e-9)
    best_score, best = np.zeros(n_frames), np.full((n_frames, n_views), -1)
    for one, other in combinations(range(n_views), 2):
        for first in range(n_clusters):
            for second in range(n_clusters):
                pair = np.stack([directions[:, one, first], directions[:, other, second]], axis=1)
                points = triangulate_rays(origins[[one, other]], pair)
                distances = _measure_distances(cameras, clusters, points)
                worth = np.where(distances <= max_residual, areas * (1 - distances / (2 * max_residual)), 0.0)
                score = np.nan_to_num(worth).max(axis=2).sum(axis=1)
                better = score > best_score + 1e-9
                support = np.where(np.nan_to_num(worth).max(axis=2) > 0, np.nan_to_num(worth).argmax(axis=2), -1)
                best_score[better], best[better] = score[better], support[better]
    return best


def _judge(
    cameras: list[Camera],
    clusters: Float[NDArray, "frame view cluster 7"],
    directions: Float[NDArray, "frame view cluster 3"],
    chosen: Int[NDArray, "frame view"],
    max_residual: float,
) -> Agreement:
    """Triangulate the chosen clusters; leave out the worst view that is too far off, and repeat."""
    chosen = chosen.copy()
    origins = np.stack([camera.centre for camera in cameras])
    for _ in range(len(cameras) - 1):
        taken = np.take_along_axis(directions, np.maximum(chosen, 0)[..., None, None], axis=2)[:, :, 0]
        points = triangulate_rays(origins, np.where((chosen >= 0)[..., None], taken, np.nan))
        every = _measure_distances(cameras, clusters, points)
        distances = np.where(chosen >= 0, np.take_along_axis(every, np.maximum(chosen, 0)[..., None], axis=2)[..., 0], np.nan)
        worst = np.nan_to_num(distances, nan=-1.0).argmax(axis=1)
        off = np.flatnonzero(np.nan_to_num(distances, nan=-1.0).max(axis=1) > max_residual)
        if not len(off):
            break
        chosen[off, worst[off]] = -1
    lost = ~np.isfinite(points).all(axis=1) | (np.nan_to_num(distances, nan=-1.0).max(axis=1) > max_residual)
    chosen[lost] = -1
    points[lost] = np.nan
    known = np.isfinite(distances) & ~lost[:, None]
    residual = np.where(known.any(axis=1), np.where(known, distances, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1), np.nan)
    return Agreement(points, chosen, residual)


def _measure_distances(
    cameras: list[Camera], clusters: Float[NDArray, "frame view cluster 7"], points: Array
) -> Float[NDArray, "frame view cluster"]:
    """Distance of every cluster's centroid to the projected point, as a share of the picture's longer side."""
    projected = np.stack([project_points(camera, points) for camera in cameras], axis=1)
    sides = np.array([max(camera.size) for camera in cameras])
    return np.asarray(np.linalg.norm(clusters[..., 1:3] - projected[:, :, None], axis=-1) / sides[:, None])
