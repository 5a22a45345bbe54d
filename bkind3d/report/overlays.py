"""Keypoints drawn onto the pictures of every camera: the one renderer of overlays.

Positions are pixels with (0, 0) at the centre of the top-left pixel, before and after a picture is enlarged.
"""

import base64
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bkind3d.data.datasets import PROJECTION_COLUMNS
from bkind3d.data.keypoints import SessionKeypoints
from bkind3d.data.parquet import read_table
from bkind3d.data.skeleton import Edge
from bkind3d.geometry.projection import project_points
from bkind3d.report.contents import find_skeleton, read_named_keypoints
from bkind3d.report.palette import Mark, mark_of
from bkind3d.study.study import Study

Picture = UInt8[NDArray, "..."]

#: Side of a view in a mosaic, pixels; and bits of the fractional positions that OpenCV draws at.
TILE, SHIFT = 256, 4
#: Room around the keypoints, and the least share of a view that is shown: most of its margin is only there for training.
ROOM, LEAST_SHARE = 1.3, 0.5

#: Layout of a mosaic, pixels: between tiles, above them, left of them, and a row of the legend.
GAP, HEAD, SIDE, LEGEND_ROW = 4, 22, 74, 24

#: Corners of the marks that are no circles, for a radius of 1; of the cross, the ends of its lines.
OUTLINES = {
    "square": np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]),
    "diamond": np.array([(0.0, -1.4), (1.4, 0.0), (0.0, 1.4), (-1.4, 0.0)]),
    "cross": np.array([[(-1.2, -1.2), (1.2, 1.2)], [(-1.2, 1.2), (1.2, -1.2)]]),
}


@dataclass(frozen=True)
class Paper:
    """Colours of a mosaic's ground and letters (red, green, blue)."""

    ground: tuple[int, int, int]
    ink: tuple[int, int, int]


#: Frames whose pictures are in memory at once.
BLOCK = 64

DARK = Paper((24, 26, 30), (222, 225, 230))
WHITE = Paper((255, 255, 255), (30, 30, 30))


@dataclass(frozen=True)
class View:
    """One picture of one camera: (height, width, 3) RGB, and the (3, 4) matrix from the world to its pixels."""

    picture: Picture
    projection: Float[NDArray, "..."]


@dataclass(frozen=True)
class Moment:
    """One moment of a session: its views by camera, and its (keypoint, 3) positions in the world (NaN: missing)."""

    frame: int
    time_s: float
    views: dict[str, View]
    points: Float[NDArray, "..."]


def cut_view(view: View, left: int, top: int, right: int, bottom: int) -> View:
    """The pixels of a view from `left` and `top` up to, not including, `right` and `bottom`, with its matrix moved along."""
    projection = view.projection.copy()
    projection[:2] -= np.outer([left, top], projection[2])
    return View(view.picture[top:bottom, left:right], projection)


def crop_view(view: View, share: float) -> View:
    """The middle of a view, `share` of its width and height."""
    height, width = view.picture.shape[:2]
    left, top = round(width * (1 - share) / 2), round(height * (1 - share) / 2)
    return cut_view(view, left, top, width - left, height - top)


def crop_to_keypoints(moments: Sequence[Moment]) -> list[Moment]:
    """Crop all views alike, as far as every keypoint stays inside with room around it."""
    share = measure_reach(moments)
    return [replace(moment, views={camera: crop_view(view, share) for camera, view in moment.views.items()}) for moment in moments]


def measure_reach(moments: Sequence[Moment]) -> float:
    """The share of the views' width and height, about their middle, in which every keypoint lies with room around it."""
    reach = 0.0
    for moment in moments:
        for view in moment.views.values():
            half = np.array(view.picture.shape[1::-1]) / 2
            offsets = np.abs(project_keypoints(moment.points, view.projection) + 0.5 - half) / half
            reach = max(reach, float(np.nanmax(offsets, initial=0.0)))
    return min(max(ROOM * reach, LEAST_SHARE), 1.0)


def project_keypoints(points: Float[NDArray, "..."], projection: Float[NDArray, "..."]) -> Float[NDArray, "keypoint 2"]:
    """(keypoint, 2) pixels of (keypoint, 3) world points; NaN where a point is missing or behind the camera."""
    pixels, depths = project_points(torch.from_numpy(points)[None], torch.from_numpy(projection)[None, None])
    pixels[~(depths > 0)] = torch.nan
    return np.asarray(pixels[0, 0].numpy())


def fit_view(view: View, tile: int) -> View:
    """The view as a square of `tile` pixels, its longer side filling it, on black; its matrix moves along."""
    height, width = view.picture.shape[:2]
    scale = tile / max(height, width)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    canvas = np.zeros((tile, tile, 3), dtype=np.uint8)
    left, top = (tile - size[0]) // 2, (tile - size[1]) // 2
    scaled = cv2.resize(view.picture, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    canvas[top : top + size[1], left : left + size[0]] = scaled
    # Pixel edges scale, not centres: half a pixel is added before and taken off after.
    projection = view.projection.copy()
    for row, (factor, shift) in enumerate(((size[0] / width, left), (size[1] / height, top))):
        projection[row] = factor * projection[row] + (0.5 * factor - 0.5 + shift) * projection[2]
    return View(canvas, projection)


def draw_view(view: View, points: Float[NDArray, "..."], skeleton: Sequence[Edge], tile: int = TILE) -> Picture:
    """Enlarge a view so that its longer side is `tile` pixels, and draw keypoints and skeleton onto it.

    Returns
    -------
    (tile, tile, 3) RGB; a picture that is not square is centred on black.
    """
    fitted = fit_view(view, tile)
    canvas, pixels = fitted.picture, project_keypoints(points, fitted.projection)
    inside = np.asarray((np.abs(pixels) < 16 * tile).all(axis=1), dtype=np.bool_)
    canvas = _draw_edges(canvas, pixels, inside, skeleton)
    for index in np.flatnonzero(inside):
        _draw_mark(canvas, pixels[index], mark_of(int(index)), radius=tile / 64)
    return canvas


def _fixed_point(pixels: Float[NDArray, "..."]) -> Int[NDArray, "..."]:
    """Pixels, to a sixteenth, as OpenCV wants them."""
    return np.rint(pixels * 2**SHIFT).astype(np.int32)


def _draw_edges(canvas: Picture, pixels: Float[NDArray, "..."], inside: Bool[NDArray, "..."], skeleton: Sequence[Edge]) -> Picture:
    drawn = canvas.copy()
    ends = [(first, second) for first, second, _ in skeleton if inside[first] and inside[second]]
    lines = list(_fixed_point(pixels[np.array(ends, dtype=np.int64).reshape(-1, 2)]))
    for colour, thickness in (((15, 15, 15), 4), ((245, 245, 245), 2)):
        cv2.polylines(drawn, lines, isClosed=False, color=colour, thickness=thickness, lineType=cv2.LINE_AA, shift=SHIFT)
    return np.asarray(cv2.addWeighted(drawn, 0.65, canvas, 0.35, 0), dtype=np.uint8)


def _draw_mark(canvas: Picture, pixel: Float[NDArray, "..."], mark: Mark, radius: float) -> None:
    """Draw a mark with its halo, centred on `pixel` to a sixteenth of a pixel."""
    for colour, grown, thickness in ((mark.halo, radius + 1.3, 5), (mark.rgb, radius, 2)):
        if mark.shape == "circle":
            centre, reach = _fixed_point(pixel).tolist(), round(grown * 2**SHIFT)
            cv2.circle(canvas, centre, reach, colour, cv2.FILLED, cv2.LINE_AA, SHIFT)
        elif mark.shape == "cross":
            lines = list(_fixed_point(pixel + radius * OUTLINES["cross"]))
            cv2.polylines(canvas, lines, isClosed=False, color=colour, thickness=thickness, lineType=cv2.LINE_AA, shift=SHIFT)
        else:
            cv2.fillConvexPoly(canvas, _fixed_point(pixel + grown * OUTLINES[mark.shape]), colour, cv2.LINE_AA, SHIFT)


def draw_mosaic(
    moments: Sequence[Moment], cameras: Sequence[str], names: Sequence[str], skeleton: Sequence[Edge], paper: Paper = DARK
) -> Picture:
    """All cameras (columns) at several moments (rows), with the legend of the keypoints below.

    Returns
    -------
    (height, width, 3) RGB.
    """
    width, bottom = SIDE + len(cameras) * (TILE + GAP), HEAD + len(moments) * (TILE + GAP)
    legend = Legend(names, width)
    image = Image.new("RGB", (width, bottom + legend.height + 8), paper.ground)
    draw = ImageDraw.Draw(image)
    for column, camera in enumerate(cameras):
        draw.text((SIDE + column * (TILE + GAP) + TILE / 2, HEAD / 2), camera, paper.ink, load_font(14), anchor="mm")
    for row, moment in enumerate(moments):
        top = HEAD + row * (TILE + GAP)
        draw.text((8, top + TILE / 2 - 10), f"{moment.time_s:.2f} s", paper.ink, load_font(15), anchor="lm")
        draw.text((8, top + TILE / 2 + 10), f"frame {moment.frame}", paper.ink, load_font(11), anchor="lm")
        for column, camera in enumerate(cameras):
            place = (SIDE + column * (TILE + GAP), top)
            if camera in moment.views:
                image.paste(Image.fromarray(draw_view(moment.views[camera], moment.points, skeleton)), place)
            else:
                draw.text((place[0] + TILE / 2, top + TILE / 2), "not located", paper.ink, load_font(13), anchor="mm")
    canvas = np.array(image)
    legend.draw(canvas, bottom + 6, paper)
    return canvas


def load_font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The letters of all pictures, `size` pixels high."""
    return ImageFont.load_default(size)


class Legend:
    """Marks and names of the keypoints in rows, for a picture that is `width` pixels wide; `height` is theirs."""

    def __init__(self, names: Sequence[str], width: int) -> None:
        widest = max((int(load_font(13).getlength(name)) for name in names), default=0)
        self.names, self.per_row = names, max((width - SIDE) // (widest + 34), 1)
        self.step, self.height = (width - SIDE) // self.per_row, -(-len(names) // self.per_row) * LEGEND_ROW

    def draw(self, canvas: Picture, top: int, paper: Paper) -> None:
        """Write the legend into `canvas`, from the row `top` on."""
        image = Image.fromarray(canvas)
        draw = ImageDraw.Draw(image)
        rows = [divmod(index, self.per_row) for index in range(len(self.names))]
        places = [(SIDE + 10 + column * self.step, top + LEGEND_ROW // 2 + row * LEGEND_ROW) for row, column in rows]
        for name, (x, y) in zip(self.names, places, strict=True):
            draw.text((x + 12, y), name, paper.ink, load_font(13), anchor="lm")
        canvas[:] = np.asarray(image)
        for index, place in enumerate(places):
            _draw_mark(canvas, np.array(place, dtype=np.float64), mark_of(index), radius=5)


def choose_frames(frames: Int[NDArray, "..."], limit: int) -> list[int]:
    """At most `limit` of the frames, the middles of equal parts of the recording."""
    n_frames = len(frames)
    places = (np.arange(min(limit, n_frames)) + 0.5) * n_frames / max(min(limit, n_frames), 1)
    return [int(frames[int(place)]) for place in places]


def read_views(study: Study, experiment: str, session: str, frames: Sequence[int]) -> dict[int, dict[str, View]]:
    """The pictures of some frames of a session, by frame and camera; views that do not see the subject are left out."""
    views: dict[int, dict[str, View]] = {frame: {} for frame in frames}
    columns = ["frame", "image", "valid", *PROJECTION_COLUMNS]
    for camera, path in study.find_frames(experiment, session).items():
        table = read_table(path, "frames", columns=columns, frames=frames)
        table = table[table["valid"]]
        projections = table[PROJECTION_COLUMNS].to_numpy(dtype=np.float64).reshape(-1, 3, 4)
        for frame, image, projection in zip(table["frame"], table["image"], projections.copy(), strict=True):
            picture = cv2.imdecode(np.frombuffer(image, dtype=np.uint8), cv2.IMREAD_COLOR_RGB)
            views[int(frame)][camera] = View(np.asarray(picture, dtype=np.uint8), projection)
    return views


def iterate_moments(
    study: Study, experiment: str, session: str, keypoints: SessionKeypoints, chosen: Sequence[int] | Int[NDArray, "..."]
) -> Iterator[Moment]:
    """The chosen moments (indices), read block by block."""
    for start in range(0, len(chosen), BLOCK):
        block = chosen[start : start + BLOCK]
        views = read_views(study, experiment, session, [int(frame) for frame in keypoints.frames[block]])
        for index in block:
            frame = int(keypoints.frames[index])
            yield Moment(frame, float(keypoints.times[index]), views[frame], keypoints.positions[index].astype(np.float64))


def draw_session(study: Study, experiment: str, session: str, limit: int, paper: Paper = DARK) -> Picture | None:
    """The mosaic of a session, of at most `limit` moments that are evenly spread over the located ones; None where nothing was located."""
    keypoints = read_named_keypoints(study, experiment, session)
    chosen = choose_frames(np.flatnonzero(keypoints.located), limit)
    moments = crop_to_keypoints(list(iterate_moments(study, experiment, session, keypoints, chosen)))
    if not moments:
        return None
    return draw_mosaic(moments, study.list_cameras(experiment, session), keypoints.names, find_skeleton(study, experiment), paper)


def encode_jpeg(picture: Picture, quality: int = 86) -> str:
    """A picture as a data URI, without thinning out colour (small coloured dots would fade)."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    done, content = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise ValueError(f"Expected a picture that can be written as JPEG, got shape {picture.shape}")
    return "data:image/jpeg;base64," + base64.b64encode(content.tobytes()).decode()


def encode_webp(pictures: Iterable[Picture], **options: Any) -> str:
    """A picture, or several that follow each other, as WebP in base64."""
    first, *others = (Image.fromarray(picture) for picture in pictures)
    content = io.BytesIO()
    first.save(content, "WEBP", append_images=others, **options)
    return base64.b64encode(content.getvalue()).decode()
