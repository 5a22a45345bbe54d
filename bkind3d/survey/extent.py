"""How large the subject is: the cube, around its centre, that it fits into."""

from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from numpy.typing import NDArray

from bkind3d.data.spacing import spread_indices
from bkind3d.geometry.cameras import Array, Camera
from bkind3d.geometry.lenses import project_through_lens, undistort_points
from bkind3d.survey.consensus import Chosen, Clusters

#: Share of the frames that fit; the rest are melted silhouettes.
_QUANTILE = 0.97
#: Share of a hull's voxels that has to fit, the nearest ones: what is outside of it is a tail, or no body.
_BODY = 0.98
#: Frames, evenly spread, that are measured, and voxels along a side of the cubes that are carved one after the other.
_FRAMES, _VOXELS = 60, (24, 32)
#: A point inside of all boxes may be that much farther away than their sides.
_DIAGONAL = 1.1

#: Gives the silhouettes (0 or 255) of a view (its number) in frames (their positions in the session).
ReadMasks = Callable[[int, Int[NDArray, "..."]], list[UInt8[NDArray, "..."]]]


def measure_side(
    cameras: list[Camera], centres: Float[NDArray, "frame 3"], chosen: Chosen, clusters: Clusters, read_masks: ReadMasks
) -> float:
    """Side, in world units, of the cube around the centre that the subject fits into, however it is turned.

    In frames spread over the session, a cube of voxels is carved by the silhouettes of all views (visual hull); half a side is the distance
    within which nearly all that is left lies. What only some views take for the subject (shadows, reflections) is carved away.
    """
    usable = np.flatnonzero((chosen >= 0).any(axis=1) & np.isfinite(centres).all(axis=1))
    most = (chosen[usable] >= 0).sum(axis=1)
    usable = usable[most >= np.median(most)]
    measured = usable[spread_indices(len(usable), _FRAMES)]
    bounds = [_bound_radius(cameras, centres[frame], chosen[frame], clusters[frame]) for frame in measured]
    half = _DIAGONAL * float(np.quantile(bounds, _QUANTILE))
    seeing = [measured[chosen[measured, view] >= 0] for view in range(len(cameras))]
    masks = [dict(zip(frames.tolist(), read_masks(view, frames), strict=True)) for view, frames in enumerate(seeing)]
    for n_voxels, share in zip(_VOXELS, (1.0, _BODY), strict=True):
        # The second time, finer voxels in a cube that leaves out what the first carving took away.
        frames = (
            _carve_frame(cameras, centres[frame], [of_view.get(int(frame)) for of_view in masks], half, n_voxels) for frame in measured
        )
        radii = [float(np.quantile(distances, share)) for distances in frames if len(distances)]
        half = min(half, float(np.quantile(radii, _QUANTILE))) if radii else half
    return 2 * half


def _carve_frame(
    cameras: list[Camera], centre: Float[NDArray, "3"], masks: list[UInt8[NDArray, "..."] | None], half: float, n_voxels: int
) -> Float[NDArray, "voxel"]:
    """Distances from the centre of the voxels that lie in all silhouettes of a frame."""
    steps = (np.arange(n_voxels) + 0.5) * 2 * half / n_voxels - half
    offsets = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    offsets = offsets[np.linalg.norm(offsets, axis=1) <= half]
    for camera, mask in zip(cameras, masks, strict=True):
        if mask is not None:
            offsets = offsets[_carve(camera, centre + offsets, mask, 2 * half / n_voxels)]
    return np.asarray(np.linalg.norm(offsets, axis=1))


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


def _carve(camera: Camera, points: Float[NDArray, "voxel 3"], mask: UInt8[NDArray, "..."], voxel: float) -> Bool[NDArray, "voxel"]:
    """Which voxels (centres in the world) lie in the silhouette, or are cut by its border.

    Outside of the picture is nothing, unless the silhouette is cut off by the picture's edge.
    """
    if not len(points):
        return np.zeros(0, dtype=bool)
    depth = float(np.median(points @ camera.rotation[2] + camera.translation[2]))
    reach = max(1, round(voxel * camera.matrix[0, 0] / depth))
    grown = cv2.dilate(mask, np.ones((reach, reach), np.uint8))
    pixels = np.nan_to_num(project_through_lens(camera, points), nan=-1e6).round().clip(-1e6, 1e6).astype(np.int64)
    inside = ((pixels >= 0) & (pixels < np.array(camera.size))).all(axis=1)
    cut_off = bool(mask[[0, -1]].any() or mask[:, [0, -1]].any())
    occupied = np.full(len(points), cut_off)
    occupied[inside] = grown[pixels[inside, 1], pixels[inside, 0]] > 0
    return occupied
