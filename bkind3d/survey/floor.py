"""The floor: the plane on which what all views take for shadow coincides."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from scipy.optimize import minimize

from bkind3d.data.spacing import spread_indices
from bkind3d.geometry.cameras import Array, Camera
from bkind3d.geometry.lenses import pixel_directions, project_through_lens
from bkind3d.geometry.triangulation import triangulate_rays
from bkind3d.survey.silhouettes import Mask

log = logging.getLogger(__name__)

#: Pixels of a shadow that are looked at.
_PIXELS = 100
#: A shadow of fewer pixels says nothing about the floor; nor do fewer frames than this with one in two views.
_FEWEST_PIXELS, _FEWEST_FRAMES = 20, 8
#: Rounds in which the plane is fitted to the shadows' centres, and the part of them that is nearest to it, and kept.
_ROUNDS, _KEPT = 6, 0.7
#: Heights that are tried, up to this share of the cameras' height from the shadows' middles.
_SCANNED, _HEIGHTS = 0.15, 31
#: The search's first steps: tilt, radians, and shift as a share of the cameras' height; and how often it may ask.
_TILT, _SHIFT, _EVALUATIONS = 0.03, 0.01, 150
#: The floor is where so large a share of one view's shadows is shadow in the others. A plane shifted by so much of the cameras' height has at most this
#: part of it, towards the cameras and away from them: shadows are flat, and bodies that are taken for them are not. Reflections reach below the floor.
_AGREEMENT, _BESIDE, _ABOVE, _BELOW = 0.12, 0.05, 0.6, 0.9


@dataclass(frozen=True)
class Plane:
    """Points X of the world with ``normal . X = offset``; world units."""

    normal: Array
    offset: float

    def shifted(self, distance: float) -> "Plane":
        """The parallel plane, so far in direction of the normal."""
        return Plane(self.normal, self.offset + distance)

    def project(self, seen_by: Camera, to: Camera, pixels: Float[NDArray, "point 2"]) -> Float[NDArray, "point 2"]:
        """Pixels of one camera, mapped over the plane to those of another; NaN where they do not see the plane."""
        return project_through_lens(to, self.meet(seen_by.centre, pixel_directions(seen_by, pixels)))

    def meet(self, origin: Array, directions: Float[NDArray, "point 3"]) -> Float[NDArray, "point 3"]:
        """Where rays from the origin meet the plane; NaN where they do not."""
        with np.errstate(divide="ignore", invalid="ignore"):
            distances = (self.offset - origin @ self.normal) / (directions @ self.normal)
        return np.where(distances[:, None] > 0, origin + distances[:, None] * directions, np.nan)


#: A view's shadows, 0 or 255, in some frames; None where it says nothing.
Shadows = Sequence[Mask | None]


class _Rays(NamedTuple):
    """A view's shadows in all frames, whether it says anything in each, and unit vectors (world) through pixels of shadows, with their frames."""

    camera: Camera
    directions: Float[NDArray, "ray 3"]
    frames: Int[NDArray, "ray"]
    shadows: Bool[NDArray, "frame height width"]
    speaks: Bool[NDArray, "frame"]


def find_floor(cameras: Sequence[Camera], views: Sequence[Shadows]) -> Plane | None:
    """The plane on which the views' shadows coincide, in the cameras' world; None where there is none beyond doubt.

    First the middles of the shadows are triangulated, and a plane is fitted to them; then it is moved to where most of the pixels that are
    shadow in one view are shadow in the others.
    """
    rays = [_trace_shadows(camera, shadows) for camera, shadows in zip(cameras, views, strict=True)]
    middles = _triangulate_middles(rays)
    if len(middles) < _FEWEST_FRAMES:
        return None

    def measure(plane: Plane) -> float:
        return _measure_agreement(plane, rays)

    start = max(_list_starts(cameras, middles), key=measure)
    middle = np.median(middles, axis=0)
    middle += (start.offset - start.normal @ middle) * start.normal
    reach = float(np.median([abs(start.normal @ camera.centre - start.offset) for camera in cameras]))
    across = np.linalg.svd(start.normal[None])[2][1:]

    def move(change: Array) -> Plane:
        normal = start.normal + change[:2] @ across
        normal /= np.linalg.norm(normal)
        return Plane(normal, float(normal @ middle + change[2] * reach))

    steps = np.array([np.zeros(3), *np.diag([_TILT, _TILT, _SHIFT])])
    options = {"initial_simplex": steps, "maxfev": _EVALUATIONS, "xatol": 1e-4, "fatol": 1e-4}
    best = minimize(lambda change: -measure(move(change)), np.zeros(3), method="Nelder-Mead", options=options)
    plane, agreement = move(best.x), -float(best.fun)
    towards = _BESIDE * float(np.median([plane.normal @ camera.centre - plane.offset for camera in cameras]))
    above, below = measure(plane.shifted(towards)), measure(plane.shifted(-towards))
    what = "%.2f of what is shadow in one view is in the others, on the plane of the floor; %.2f above and %.2f below it"
    log.info(what, agreement, above, below)
    return plane if agreement >= _AGREEMENT and above <= _ABOVE * agreement and below <= _BELOW * agreement else None


def _list_starts(cameras: Sequence[Camera], middles: Float[NDArray, "point 3"]) -> list[Plane]:
    """Planes to begin with: through most of the shadows' middles; and across what is up in the cameras' pictures, at several heights."""
    kept = middles
    for _ in range(_ROUNDS):
        middle = kept.mean(axis=0)
        normal = np.linalg.svd(kept - middle)[2][2]
        away = np.abs((middles - middle) @ normal)
        kept = middles[away <= np.quantile(away, _KEPT)]
    up = -np.mean([camera.rotation[1] for camera in cameras], axis=0)
    up /= max(float(np.linalg.norm(up)), 1e-9)
    height = float(np.median(middles @ up))
    reach = float(np.median([abs(up @ camera.centre - height) for camera in cameras]))
    return [
        Plane(normal, float(normal @ middle)),
        *(Plane(up, height + shift * reach) for shift in np.linspace(-_SCANNED, _SCANNED, _HEIGHTS)),
    ]


def _trace_shadows(camera: Camera, shadows: Shadows) -> _Rays:
    """What a view says: all its shadows, and rays through some of their pixels."""
    stack = np.zeros((len(shadows), *camera.size[::-1]), dtype=bool)
    pixels, frames = [np.zeros((0, 2))], [np.zeros(0, np.int64)]
    for frame, shadow in enumerate(shadows):
        if shadow is not None:
            stack[frame] = shadow > 0
            found = np.argwhere(shadow)[:, ::-1].astype(np.float64)
            if len(found) >= _FEWEST_PIXELS:
                pixels.append(found[spread_indices(len(found), _PIXELS)])
                frames.append(np.full(len(pixels[-1]), frame))
    directions = pixel_directions(camera, np.concatenate(pixels))
    return _Rays(camera, directions, np.concatenate(frames), stack, np.array([shadow is not None for shadow in shadows], dtype=bool))


def _triangulate_middles(rays: Sequence[_Rays]) -> Float[NDArray, "point 3"]:
    """The points that the middles of the views' shadows show, world; one for each frame in which two views have one."""
    directions = np.full((len(rays[0].speaks), len(rays), 3), np.nan)
    for view, of_view in enumerate(rays):
        for frame in np.unique(of_view.frames):
            middle = of_view.directions[of_view.frames == frame].mean(axis=0)
            directions[frame, view] = middle / np.linalg.norm(middle)
    points = triangulate_rays(np.stack([of_view.camera.centre for of_view in rays]), directions)
    return points[np.isfinite(points).all(axis=1)]


def _measure_agreement(plane: Plane, rays: Sequence[_Rays]) -> float:
    """Share of the shadows' pixels that, seen on the plane, are shadow in another view."""
    agreeing = total = 0
    for first, second in permutations(rays, 2):
        points = plane.meet(first.camera.centre, first.directions)
        pixels = np.nan_to_num(project_through_lens(second.camera, points), nan=-1.0).round().clip(-1, 1e6).astype(np.int64)
        inside = ((pixels >= 0) & (pixels < second.camera.size)).all(axis=1) & second.speaks[first.frames]
        agreeing += int(second.shadows[first.frames[inside], pixels[inside, 1], pixels[inside, 0]].sum())
        total += int(inside.sum())
    return agreeing / total if total else 0.0
