"""The visual hull, what lies in the silhouettes of all views: where its mass is, how large it is, and how far the views agree on it."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from numpy.typing import NDArray

from bkind3d.data.spacing import spread_indices
from bkind3d.geometry.cameras import Array, Camera
from bkind3d.geometry.lenses import project_through_lens, undistort_points
from bkind3d.survey.consensus import Chosen, Clusters

#: Share of the moments that fit; the rest are melted silhouettes.
_QUANTILE = 0.9
#: Share of a hull that has to fit, the nearest part: what is outside of it is a tail, or no body.
_BODY = 0.98
#: Moments, evenly spread, by which the body's size is estimated and views are compared; those that are read at once.
_MOMENTS, _BLOCK = 60, 256
#: Voxels along a side of the cubes that are carved: to estimate the size, to measure every moment, to compare views.
_ESTIMATE, _MEASURE, _COMPARE = 32, 24, 48
#: A point inside of all boxes may be that much farther away than their sides; the cube that is carved is so much larger than the body.
_DIAGONAL, _ROOM = 1.1, 1.5
#: A hull whose volume differs from the usual one by more than this factor is no body.
_UNUSUAL = 2.0
#: Height, in voxels, of the layer on the floor that may be a shadow.
_FLOOR = 2

#: Gives the silhouettes (0 or 255) of a view (its number) in moments (their positions in the session).
ReadMasks = Callable[[int, Int[NDArray, "..."]], list[UInt8[NDArray, "..."]]]
Masks = list[UInt8[NDArray, "height width"] | None]


class Body(NamedTuple):
    """What the hulls of a session tell of the subject.

    Attributes
    ----------
    moments : positions in the session of the moments that were measured, ascending.
    centres : centre of mass of the hull in each of them, world units.
    extent : world units; diameter of the ball around it that holds the body, but for a tail.
    agreement : by view, intersection over union of its silhouettes with the hull's picture, median; NaN where there is nothing to compare.
    """

    moments: Int[NDArray, "moment"]
    centres: Float[NDArray, "moment 3"]
    extent: float
    agreement: Float[NDArray, "view"]


class _Views(NamedTuple):
    """What is known before anything is carved: cameras of the survey's pictures, triangulated points, clusters, and silhouettes."""

    cameras: list[Camera]
    points: Float[NDArray, "moment 3"]
    chosen: Chosen
    clusters: Clusters
    read_masks: ReadMasks

    def read(self, moments: Int[NDArray, "..."]) -> Iterator[tuple[int, Masks]]:
        """The silhouettes of the views that see the subject, moment by moment."""
        for block in np.array_split(moments, max(1, -(-len(moments) // _BLOCK))):
            seeing = [block[self.chosen[block, view] >= 0] for view in range(len(self.cameras))]
            read = [dict(zip(at.tolist(), self.read_masks(view, at), strict=True)) for view, at in enumerate(seeing)]
            for moment in block.tolist():
                yield moment, [of_view.get(moment) for of_view in read]


def measure_body(
    cameras: list[Camera], points: Float[NDArray, "moment 3"], chosen: Chosen, clusters: Clusters, read_masks: ReadMasks, step: int = 1
) -> Body:
    """Carve the hull around the triangulated `points` of every `step`-th moment that as many views see as usual.

    The centre of mass hardly feels a tail, which has little volume, nor what only some views take for the subject (shadows, reflections).
    """
    views = _Views(cameras, points, chosen, clusters, read_masks)
    usable = np.flatnonzero((chosen >= 0).any(axis=1) & np.isfinite(points).all(axis=1))
    seen = (chosen[usable] >= 0).sum(axis=1)
    usable = usable[seen >= np.median(seen)]
    some = usable[spread_indices(len(usable), _MOMENTS)]
    bounds = [_bound_radius(cameras, points[moment], chosen[moment], clusters[moment]) for moment in some]
    half = _DIAGONAL * float(np.quantile(bounds, 0.97))
    _, _, radii, _ = _measure(views, some, half, _ESTIMATE)
    half = min(half, _ROOM * float(np.quantile(radii, _QUANTILE))) if len(radii) else half
    regular = usable[np.unique(usable // step, return_index=True)[1]]
    moments, centres, radii, volumes = _measure(views, regular, half, _MEASURE)
    agreement = _compare_views(views, some, half)
    if not len(moments):
        return Body(moments, centres, 2 * half, agreement)
    usual = np.abs(np.log(volumes / np.median(volumes))) <= np.log(_UNUSUAL)
    return Body(moments[usual], centres[usual], 2 * float(np.quantile(radii[usual], _QUANTILE)), agreement)


def move_to_bodies(points: Float[NDArray, "moment 3"], body: Body) -> Float[NDArray, "moment 3"]:
    """Move triangulated points to the hulls' centres of mass; between measured moments by what is interpolated."""
    if not len(body.moments):
        return points
    offsets, moments = body.centres - points[body.moments], np.arange(len(points))
    return points + np.stack([np.interp(moments, body.moments, offsets[:, axis]) for axis in range(3)], axis=1)


def _measure(views: _Views, moments: Int[NDArray, "..."], half: float, n_voxels: int) -> tuple[Array, Array, Array, Array]:
    """Of the moments with a hull: position, centre of mass, radius of what has to fit, and number of voxels."""
    grid = _make_grid(half, n_voxels)
    rows = []
    for moment, masks in views.read(moments):
        hull = carve_hull(views.cameras, masks, views.points[moment] + grid)
        if len(hull):
            centre = hull.mean(axis=0)
            rows.append((moment, centre, np.quantile(np.linalg.norm(hull - centre, axis=1), _BODY), len(hull)))
    positions, centres, radii, volumes = zip(*rows, strict=True) if rows else ((), (), (), ())
    return np.array(positions, np.int64), np.array(centres).reshape(-1, 3), np.array(radii), np.array(volumes)


def _make_grid(half: float, n_voxels: int) -> Float[NDArray, "voxel 3"]:
    """Centres of the voxels of a cube with half a side of `half` that lie in its ball."""
    steps = (np.arange(n_voxels) + 0.5) * 2 * half / n_voxels - half
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    return grid[np.linalg.norm(grid, axis=1) <= half]


def carve_hull(cameras: list[Camera], masks: Masks, points: Float[NDArray, "voxel 3"]) -> Float[NDArray, "inside 3"]:
    """The points, world units, that lie in all silhouettes; views without one carve nothing away."""
    for camera, mask in zip(cameras, masks, strict=True):
        if mask is not None:
            points = points[_lie_within(camera, points, mask)]
    return points


def _lie_within(camera: Camera, points: Float[NDArray, "voxel 3"], mask: UInt8[NDArray, "height width"]) -> Bool[NDArray, "voxel"]:
    """Which points lie in the silhouette. Outside of the picture is nothing, unless the silhouette is cut off by the picture's edge."""
    if not len(points):
        return np.zeros(0, dtype=bool)
    pixels, inside = _find_pixels(camera, points)
    cut_off = bool(mask[[0, -1]].any() or mask[:, [0, -1]].any())
    occupied = np.full(len(points), cut_off)
    occupied[inside] = mask[pixels[inside, 1], pixels[inside, 0]] > 0
    return occupied


def _find_pixels(camera: Camera, points: Float[NDArray, "point 3"]) -> tuple[Int[NDArray, "point 2"], Bool[NDArray, "point"]]:
    """The pixels that show points, and which of the points are in the picture."""
    pixels = np.nan_to_num(project_through_lens(camera, points), nan=-1e6).round().clip(-1e6, 1e6).astype(np.int64)
    return pixels, ((pixels >= 0) & (pixels < np.array(camera.size))).all(axis=1)


def _compare_views(views: _Views, moments: Int[NDArray, "..."], half: float) -> Float[NDArray, "view"]:
    """See :class:`Body`. What lies on the floor is left out of the hull, as it may be a shadow that all views see."""
    grid, voxel = _make_grid(half, _COMPARE), 2 * half / _COMPARE
    carved = [(moment, masks, carve_hull(views.cameras, masks, views.points[moment] + grid)) for moment, masks in views.read(moments)]
    lowest = [hull[:, 2].min() for _, _, hull in carved if len(hull)]
    floor = float(np.quantile(lowest, 1 - _QUANTILE)) + _FLOOR * voxel if lowest else 0.0
    overlaps: list[list[float]] = [[] for _ in views.cameras]
    for moment, masks, hull in carved:
        for camera, mask, found in zip(views.cameras, masks, overlaps, strict=True):
            if mask is not None:
                found.append(_overlap(camera, mask, hull[hull[:, 2] > floor], views.points[moment], half, voxel))
    return np.array([float(np.nanmedian(found)) if np.isfinite(found).any() else np.nan for found in overlaps])


def _overlap(
    camera: Camera, mask: UInt8[NDArray, "height width"], hull: Float[NDArray, "voxel 3"], centre: Array, half: float, voxel: float
) -> float:
    """Intersection over union of a silhouette and the picture of a hull, in the picture of the ball that was carved."""
    scale = camera.matrix[0, 0] / float(camera.rotation[2] @ centre + camera.translation[2])
    ball, shown = np.zeros_like(mask), np.zeros_like(mask)
    middle = np.nan_to_num(project_through_lens(camera, centre[None])[0], nan=-1e6).round().clip(-1e6, 1e6).astype(int)
    cv2.circle(ball, (int(middle[0]), int(middle[1])), max(1, round(half * scale)), 1, -1)
    pixels, inside = _find_pixels(camera, hull)
    shown[pixels[inside, 1], pixels[inside, 0]] = 1
    side = max(1, int(np.ceil(voxel * scale)))
    seen, expected = (mask > 0) & (ball > 0), (cv2.dilate(shown, np.ones((side, side), np.uint8)) > 0) & (ball > 0)
    return np.count_nonzero(seen & expected) / np.count_nonzero(seen | expected) if seen.any() else np.nan


def _bound_radius(cameras: list[Camera], centre: Array, chosen: Int[NDArray, "view"], clusters: Float[NDArray, "view cluster 7"]) -> float:
    """Largest distance, at the centre's depth, between a side of a view's box and the projected centre."""
    radii = []
    for view in np.flatnonzero(chosen >= 0):
        camera, box = cameras[view], clusters[view, chosen[view], 3:7]
        depth = float(camera.rotation[2] @ centre + camera.translation[2])
        middle = undistort_points(camera, project_through_lens(camera, centre[None]))
        corners = undistort_points(camera, np.array([[box[x], box[y]] for x in (0, 2) for y in (1, 3)]))
        radii.append(float((np.abs(corners - middle) / camera.matrix[[0, 1], [0, 1]]).max() * depth))
    return max(radii)
