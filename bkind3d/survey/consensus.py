"""The points that views agree on, when some of them see somebody else, a shadow or nothing."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from bkind3d.geometry.cameras import Array, Camera
from bkind3d.geometry.lenses import pixel_directions, project_through_lens
from bkind3d.geometry.triangulation import triangulate_rays

#: The clusters of every view, seven numbers each, as in the survey; and the number of the one that is chosen of each, or -1.
Clusters = Float[NDArray, "frame view cluster 7"]
Chosen = Int[NDArray, "frame view"]
#: Frames that are searched at once (bounds the memory).
_BLOCK = 500
#: Most points that are looked for in a frame.
MAX_CANDIDATES = 3
#: What the smallest cluster of a view counts beside its largest.
_LEAST_WEIGHT = 0.5
#: A view's weight falls to a half where its cluster lies this share of the picture's longer side off what the views agree on.
_ROBUST_SHARE, _ROBUST_ROUNDS = 0.01, 4


@dataclass(frozen=True)
class Candidates:
    """Points in the world that clusters of several views agree on: in each frame the best one first.

    Attributes
    ----------
    points : world units; NaN where there are fewer candidates.
    chosen : the cluster of each view that shows the point, -1 for none.
    residual : mean distance between the chosen clusters' centroids and the projected point, as a share of the longer side.
    support : number of the views that agree, each weighted by how well, and how large their clusters are; 0 for none.
    sizes : world units; side of the square that the clusters would cover at the point's depth, median over views.
    """

    points: Float[NDArray, "frame candidate 3"]
    chosen: Int[NDArray, "frame candidate view"]
    residual: Float[NDArray, "frame candidate"]
    support: Float[NDArray, "frame candidate"]
    sizes: Float[NDArray, "frame candidate"]


@dataclass(frozen=True)
class _Views:
    """What every view shows: clusters, and the unit vectors from the cameras through their centroids."""

    cameras: list[Camera]
    clusters: Clusters
    directions: Float[NDArray, "frame view cluster 3"]
    max_residual: float

    @property
    def origins(self) -> Float[NDArray, "view 3"]:
        return np.stack([camera.centre for camera in self.cameras])

    def part(self, frames: Int[NDArray, "frame"]) -> "_Views":
        return _Views(self.cameras, self.clusters[frames], self.directions[frames], self.max_residual)

    def without(self, chosen: Chosen) -> "_Views":
        """The same without the clusters that are chosen already."""
        clusters, directions = self.clusters.copy(), self.directions.copy()
        frames, views = np.nonzero(chosen >= 0)
        clusters[frames, views, chosen[frames, views]] = np.nan
        directions[frames, views, chosen[frames, views]] = np.nan
        return _Views(self.cameras, clusters, directions, self.max_residual)


def find_candidates(cameras: list[Camera], clusters: Clusters, max_residual: float) -> Candidates:
    """Triangulate the clusters' centroids, choosing in every frame the clusters that agree best; then among the others, again.

    First the largest cluster of every view is believed. Where that leaves a view further than `max_residual` off, every
    pair of clusters of two views proposes a point, and the one that the most and largest clusters support wins.

    `cameras` are those of the survey's pictures, in which the `clusters` were found (NaN where there are fewer). At most `max_residual` may
    lie between a centroid and the projected point, as a share of the picture's longer side.
    """
    n_frames, n_views, n_clusters, _ = clusters.shape
    directions = [pixel_directions(camera, clusters[:, view, :, 1:3].reshape(-1, 2)) for view, camera in enumerate(cameras)]
    views = _Views(cameras, clusters, np.stack(directions, axis=1).reshape(n_frames, n_clusters, n_views, 3).swapaxes(1, 2), max_residual)
    found = []
    for _ in range(MAX_CANDIDATES):
        points, chosen, residual = _agree(views)
        found.append((points, chosen, residual, *_weigh(views, points, chosen)))
        views = views.without(chosen)
    points, chosen, residual, support, sizes = (np.stack(values, axis=1) for values in zip(*found, strict=True))
    return Candidates(points, chosen, residual, support, sizes)


def _agree(views: _Views) -> tuple[Array, Chosen, Array]:
    """The best point of every frame, the clusters that show it, and their mean distance from it."""
    largest = np.nan_to_num(views.clusters[..., 0], nan=-1.0).argmax(axis=2)
    seen = np.isfinite(views.clusters[..., 0]).any(axis=2)
    chosen = np.where(seen, largest, -1)
    points, kept, residual = _judge(views, chosen)
    doubtful = np.flatnonzero(((kept != chosen).any(axis=1)) & (seen.sum(axis=1) >= 2))
    for block in np.array_split(doubtful, max(1, len(doubtful) // _BLOCK)):
        part = views.part(block)
        points[block], kept[block], residual[block] = _judge(part, _search(part))
    return points, kept, residual


def _search(views: _Views) -> Chosen:
    """The clusters that support the best of all points proposed by two views."""
    n_frames, n_views, n_clusters, _ = views.clusters.shape
    best_score, best = np.zeros(n_frames), np.full((n_frames, n_views), -1)
    there = np.isfinite(views.clusters[..., 0])
    for one, other in combinations(range(n_views), 2):
        for first in range(n_clusters):
            for second in range(n_clusters):
                frames = np.flatnonzero(there[:, one, first] & there[:, other, second])
                if not len(frames):
                    continue
                part = views.part(frames)
                pair = np.stack([part.directions[:, one, first], part.directions[:, other, second]], axis=1)
                worth = _measure_worth(part, triangulate_rays(views.origins[[one, other]], pair))
                score = worth.max(axis=2).sum(axis=1)
                support = np.where(worth.max(axis=2) > 0, worth.argmax(axis=2), -1)
                better = score > best_score[frames] + 1e-9
                best_score[frames[better]], best[frames[better]] = score[better], support[better]
    return best


def _judge(views: _Views, chosen: Chosen) -> tuple[Array, Chosen, Array]:
    """Triangulate the chosen clusters; leave out the worst view that is too far off, and repeat."""
    chosen = chosen.copy()
    for _ in range(len(views.cameras) - 1):
        points, distances = _triangulate(views, chosen)
        worst = np.nan_to_num(distances, nan=-1.0).argmax(axis=1)
        off = np.flatnonzero(np.nan_to_num(distances, nan=-1.0).max(axis=1) > views.max_residual)
        if not len(off):
            break
        chosen[off, worst[off]] = -1
    lost = ~np.isfinite(points).all(axis=1) | (np.nan_to_num(distances, nan=-1.0).max(axis=1) > views.max_residual)
    chosen[lost], points[lost] = -1, np.nan
    known = np.isfinite(distances) & ~lost[:, None]
    residual = np.where(known.any(axis=1), np.where(known, distances, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1), np.nan)
    return points, chosen, residual


def _triangulate(views: _Views, chosen: Chosen) -> tuple[Array, Float[NDArray, "frame view"]]:
    """Points, and the distances of the chosen clusters from them: views that are far off what the others say weigh little."""
    rays = _take_chosen(views.directions, chosen)
    points = triangulate_rays(views.origins, rays)
    # Two views alone are as far off as each other: nothing to weigh.
    many = np.flatnonzero(np.isfinite(rays).all(axis=2).sum(axis=1) >= 3)
    for _ in range(_ROBUST_ROUNDS if len(many) else 0):
        distances = _take_chosen(_measure_distances(views.part(many), points[many]), chosen[many])
        weights = 1 / (1 + (np.nan_to_num(distances) / _ROBUST_SHARE) ** 2)
        points[many] = triangulate_rays(views.origins, rays[many], weights)
    return points, _take_chosen(_measure_distances(views, points), chosen)


def _weigh(views: _Views, points: Array, chosen: Chosen) -> tuple[Array, Array]:
    """How much supports each point, and how large what is seen there is, world units."""
    worth, areas = _take_chosen(_measure_worth(views, points), chosen), _take_chosen(views.clusters[..., 0], chosen)
    depths = np.stack([points @ camera.rotation[2] + camera.translation[2] for camera in views.cameras], axis=1)
    sizes = np.sqrt(areas) * depths / np.sqrt([camera.matrix[0, 0] * camera.matrix[1, 1] for camera in views.cameras])
    middle = np.full(len(points), np.nan)
    known = np.isfinite(sizes).any(axis=1)
    middle[known] = np.nanmedian(sizes[known], axis=1)
    return np.nansum(worth, axis=1), middle


def _measure_worth(views: _Views, points: Array) -> Float[NDArray, "frame view cluster"]:
    """What every cluster says for a point: nothing beyond the largest residual, else more the nearer and larger it is."""
    distances = _measure_distances(views, points)
    areas = views.clusters[..., 0]
    share = areas / np.maximum(np.max(np.nan_to_num(areas), axis=2, keepdims=True), 1e-9)
    weight = _LEAST_WEIGHT + (1 - _LEAST_WEIGHT) * np.nan_to_num(share)
    near = np.nan_to_num(distances, nan=np.inf) <= views.max_residual
    return np.where(near, weight * (1 - np.where(near, distances, 0) / (2 * views.max_residual)), 0.0)


def _take_chosen(values: Float[NDArray, "frame view cluster *rest"], chosen: Chosen) -> Float[NDArray, "frame view *rest"]:
    """What `values` say of the chosen cluster of each view; NaN where none is chosen."""
    frames, views = np.nonzero(chosen >= 0)
    taken = np.full((*chosen.shape, *values.shape[3:]), np.nan)
    taken[frames, views] = values[frames, views, chosen[frames, views]]
    return taken


def _measure_distances(views: _Views, points: Array) -> Float[NDArray, "frame view cluster"]:
    """Distance of every cluster's centroid to the projected point, as a share of the picture's longer side."""
    projected = np.stack([project_through_lens(camera, points) for camera in views.cameras], axis=1)
    sides = np.array([max(camera.size) for camera in views.cameras])
    return np.asarray(np.linalg.norm(views.clusters[..., 1:3] - projected[:, :, None], axis=-1) / sides[:, None])
