"""What a calibration says, drawn into the pictures: world axes, floor, the subject's cube and epipolar lines, all with distortion.

Points are world units; pixels have (0, 0) at the centre of the top-left pixel of the picture that is drawn into.
"""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from bkind3d.data.shrinking import Picture
from bkind3d.geometry.cameras import Array, Camera
from bkind3d.geometry.lenses import pixel_directions, project_through_lens
from bkind3d.report.overlays import GAP, draw_tiles
from bkind3d.survey.silhouettes import Silhouettes

Colour = tuple[int, int, int]

#: Colours of the x, y and z axis, the floor, the cube, silhouettes and epipolar lines.
AXES: tuple[Colour, ...] = ((226, 60, 60), (70, 190, 80), (70, 130, 255))
FLOOR, CUBE, OUTLINE, LINE = (190, 190, 190), (255, 200, 60), (255, 90, 175), (0, 255, 204)
#: Points along a line, so that distortion bends it.
_POINTS = 60
#: Squares of the floor grid on either side of the origin, and their share of the cameras' distance.
_SQUARES, _SQUARE_SHARE = 4, 0.1
_EDGES = [(a, b) for a in range(8) for b in range(a + 1, 8) if bin(a ^ b).count("1") == 1]


def choose_spacing(distance: float) -> float:
    """Side of the floor's squares: 1, 2 or 5 times a power of ten, about a tenth of the cameras' `distance`."""
    wanted = _SQUARE_SHARE * distance
    power = 10.0 ** np.floor(np.log10(wanted))
    return float(max((step * power for step in (1, 2, 5) if step * power <= wanted), default=power))


def list_floor_lines(spacing: float) -> list[Array]:
    """Lines of the grid on the floor (z = 0) around the origin."""
    reach, places = _SQUARES * spacing, [step * spacing for step in range(-_SQUARES, _SQUARES + 1)]
    pairs = ((np.array([[at, -reach, 0], [at, reach, 0]]), np.array([[-reach, at, 0], [reach, at, 0]])) for at in places)
    return [line for pair in pairs for line in pair]


def list_cube_lines(centre: Array, side: float) -> list[Array]:
    """The twelve edges of a cube."""
    corners = centre + side * (np.array([[index >> bit & 1 for bit in range(3)] for index in range(8)]) - 0.5)
    return [corners[[first, second]] for first, second in _EDGES]


def list_world_lines(spacing: float, cube: tuple[Array, float] | None) -> list[tuple[str, list[Array], Colour, int]]:
    """Name, lines, colour and thickness of the floor's grid, the world's axes (two squares long), and the subject's cube."""
    axes = zip("xyz", 2 * spacing * np.eye(3), AXES, strict=True)
    drawn = [("floor", list_floor_lines(spacing), FLOOR, 1), *((name, [np.stack([0 * end, end])], colour, 3) for name, end, colour in axes)]
    return [*drawn, ("cube", list_cube_lines(*cube), CUBE, 2)] if cube else drawn


def draw_lines(picture: Picture, camera: Camera, lines: Sequence[Array], colour: Colour, thickness: int = 1) -> None:
    """Draw straight lines of the world, each (2, 3), as the lens bends them."""
    share = np.linspace(0, 1, _POINTS)[:, None]
    for line in lines:
        _draw_track(picture, project_through_lens(camera, (1 - share) * line[0] + share * line[1]), colour, thickness)


def draw_world(picture: Picture, camera: Camera, spacing: float, cube: tuple[Array, float] | None) -> Picture:
    """The picture with the floor's grid, the world's axes (x red, y green, z blue; two squares long) and the subject's cube."""
    drawn = picture.copy()
    for _, lines, colour, thickness in list_world_lines(spacing, cube):
        draw_lines(drawn, camera, lines, colour, thickness)
    return drawn


def choose_moment(silhouettes: Mapping[str, Mapping[int, Silhouettes]]) -> int | None:
    """The frame that was decoded in every view and in which most views, and then most pixels, show a silhouette."""
    frames = set.intersection(*(set(found) for found in silhouettes.values())) if silhouettes else set()
    seen = {frame: [found[frame].clusters[0, 0] for found in silhouettes.values() if len(found[frame].clusters)] for frame in frames}
    best = max(sorted(seen), key=lambda frame: (len(seen[frame]), min(seen[frame], default=0)), default=None)
    return best if best is not None and len(seen[best]) >= 2 else None


def outline(picture: Picture, silhouettes: Silhouettes) -> Picture:
    """The picture with the outlines of its silhouettes."""
    drawn = picture.copy()
    outlines, _ = cv2.findContours(silhouettes.mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(drawn, outlines, -1, OUTLINE, 1, cv2.LINE_AA)
    return drawn


def draw_epipolar_lines(
    pictures: Mapping[str, Picture], cameras: Mapping[str, Camera], silhouettes: Mapping[str, Silhouettes], source: str, reach: float
) -> tuple[dict[str, Picture], dict[str, float]]:
    """Outline the silhouettes of one moment, and draw what the silhouette's centroid in view `source` looks along into the others.

    Parameters
    ----------
    pictures, cameras, silhouettes : by view; cameras of pictures of this size.
    source : the view.
    reach : how far its ray is followed, world units.

    Returns
    -------
    pictures : with drawings.
    distances : from each other view's centroid to the line, pixels.
    """
    centroid = silhouettes[source].clusters[0, 1:3]
    direction = pixel_directions(cameras[source], centroid[None])[0]
    ray = cameras[source].centre + np.geomspace(reach / 50, reach, 400)[:, None] * direction
    drawn, distances = {}, {}
    for name, picture in pictures.items():
        canvas = outline(picture, silhouettes[name])
        if name != source:
            track = project_through_lens(cameras[name], ray)
            _draw_track(canvas, track, LINE, 2)
            if len(silhouettes[name].clusters):
                distances[name] = float(np.nanmin(np.linalg.norm(track - silhouettes[name].clusters[0, 1:3], axis=1), initial=np.inf))
        if len(silhouettes[name].clusters):
            x, y = silhouettes[name].clusters[0, 1:3].round().astype(int).tolist()
            cv2.drawMarker(canvas, (x, y), LINE if name == source else OUTLINE, cv2.MARKER_CROSS, 16, 2)
        drawn[name] = canvas
    return drawn, distances


def tile_views(pictures: Mapping[str, Picture], width: int = 1160) -> Picture:
    """Views of any sizes, each with its title, in rows of at most four, `width` pixels wide."""
    per_row = min(4, len(pictures)) if len(pictures) != 6 else 3
    across = (width + GAP) // per_row - GAP
    fitted = {}
    for title, picture in pictures.items():
        how = cv2.INTER_AREA if across < picture.shape[1] else cv2.INTER_CUBIC
        height = max(1, round(picture.shape[0] * across / picture.shape[1]))
        fitted[title] = np.asarray(cv2.resize(picture, (across, height), interpolation=how), dtype=np.uint8)
    return draw_tiles(fitted, per_row, (across, max(map(len, fitted.values()))), GAP)


def _draw_track(picture: Picture, pixels: Float[NDArray, "..."], colour: Colour, thickness: int) -> None:
    """Connect pixels; leave out what lies behind the camera or far outside of the picture."""
    height, width = picture.shape[:2]
    near = np.isfinite(pixels).all(axis=1) & (np.abs(np.nan_to_num(pixels)) < 4 * max(height, width)).all(axis=1)
    for part in np.split(np.arange(len(pixels)), np.flatnonzero(~near)):
        kept = part[near[part]]
        if len(kept) > 1:
            cv2.polylines(picture, [(16 * pixels[kept]).round().astype(np.int32)], False, colour, thickness, cv2.LINE_AA, 4)
