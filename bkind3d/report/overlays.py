"""Keypoints drawn onto the pictures of every camera: the one renderer of overlays."""

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bkind3d.data.points import SessionKeypoints
from bkind3d.data.skeleton import Edge
from bkind3d.report.contents import find_skeleton, read_found_joints, read_named_keypoints
from bkind3d.report.palette import Mark, mark_of
from bkind3d.report.views import Moment, Picture, View, choose_frames, crop_to_keypoints, fit_view, iterate_moments, project_keypoints
from bkind3d.study.study import Study

#: Side of a view in a mosaic, pixels; and bits of the fractional positions that OpenCV draws at.
TILE, SHIFT = 256, 4
#: Layout of pictures in a grid, pixels: between them, above them, left of a mosaic's rows, and a row of the legend.
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


DARK = Paper((24, 26, 30), (222, 225, 230))
WHITE = Paper((255, 255, 255), (30, 30, 30))


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


def draw_grid(
    rows: Sequence[tuple[Sequence[str], Sequence[Picture | str]]],
    titles: Sequence[str],
    paper: Paper = DARK,
    side: int = 0,
    head: int = HEAD,
    size: tuple[int, int] = (TILE, TILE),
    gap: int = GAP,
) -> Picture:
    """Pictures in rows and columns, as (height, width, 3) RGB.

    Parameters
    ----------
    rows : of each, the lines of text before it, and its cells: a picture no larger than `size` (width, height), or words in its place.
    titles : of the columns.
    side, head, gap : room for the lines and the titles, and between cells, pixels.
    """
    width, height = size[0] + gap, size[1] + gap
    image = Image.new("RGB", (side + len(titles) * width - gap, head + len(rows) * height - gap * bool(rows)), paper.ground)
    draw = ImageDraw.Draw(image)
    for column, title in enumerate(titles):
        draw.text((side + column * width + size[0] / 2, head - HEAD / 2), title, paper.ink, load_font(13), anchor="mm")
    for row, (lines, cells) in enumerate(rows):
        top = head + row * height
        for line, text in enumerate(lines, start=1):
            draw.text((8, top + size[1] / 2 + 20 * line - 10 * (len(lines) + 1)), text, paper.ink, load_font(13), anchor="lm")
        for column, cell in enumerate(cells):
            left = side + column * width
            if isinstance(cell, str):
                draw.text((left + size[0] / 2, top + size[1] / 2), cell, paper.ink, load_font(13), anchor="mm")
            else:
                image.paste(Image.fromarray(cell), (left, top))
    return np.array(image)


def draw_tiles(cells: Mapping[str, Picture | str], per_row: int, size: tuple[int, int] = (TILE, TILE), gap: int = 0) -> Picture:
    """Cells beside and below each other, each below its title; see :func:`draw_grid`."""
    titles, shown = ([*part, *[""] * (-len(cells) % per_row)] for part in (cells, cells.values()))
    rows = (slice(start, start + per_row) for start in range(0, len(titles), per_row))
    return np.concatenate([draw_grid([((), shown[row])], titles[row], size=size, gap=gap) for row in rows])


def draw_mosaic(
    moments: Sequence[Moment], cameras: Sequence[str], names: Sequence[str], skeleton: Sequence[Edge], paper: Paper = DARK
) -> Picture:
    """All cameras (columns) at several moments (rows), with the legend of the keypoints below: (height, width, 3) RGB."""
    rows = []
    for moment in moments:
        seen, lines = moment.views, (f"{moment.time_s:.2f} s", f"frame {moment.frame}")
        rows.append((lines, [draw_view(seen[name], moment.points, skeleton) if name in seen else "not located" for name in cameras]))
    grid = draw_grid(rows, cameras, paper, SIDE)
    return np.concatenate([grid, draw_legend(names, grid.shape[1], paper)])


def load_font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The letters of all pictures, `size` pixels high."""
    return ImageFont.load_default(size)


def draw_legend(names: Sequence[str], width: int, paper: Paper) -> Picture:
    """Marks and names of the keypoints in rows: (height, width, 3) RGB."""
    widest = max((int(load_font(13).getlength(name)) for name in names), default=0)
    per_row = max((width - SIDE) // (widest + 34), 1)
    step, height = (width - SIDE) // per_row, -(-len(names) // per_row) * LEGEND_ROW
    image = Image.new("RGB", (width, height), paper.ground)
    places = [(SIDE + 10 + index % per_row * step, LEGEND_ROW // 2 + index // per_row * LEGEND_ROW) for index in range(len(names))]
    for name, (x, y) in zip(names, places, strict=True):
        ImageDraw.Draw(image).text((x + 12, y), name, paper.ink, load_font(13), anchor="lm")
    canvas = np.array(image)
    for index, place in enumerate(places):
        _draw_mark(canvas, np.array(place, dtype=np.float64), mark_of(index), radius=5)
    return canvas


def draw_session(
    study: Study, experiment: str, session: str, limit: int, paper: Paper = DARK, kind: Literal["keypoints", "joints"] = "keypoints"
) -> Picture | None:
    """The mosaic of a session, of at most `limit` moments that are evenly spread over the located ones; None where nothing was located."""
    keypoints, skeleton = read_drawn(study, experiment, session, kind)
    if keypoints is None:
        return None
    chosen = choose_frames(np.flatnonzero(keypoints.located), limit)
    moments = crop_to_keypoints(list(iterate_moments(study, experiment, session, keypoints, chosen)))
    if not moments:
        return None
    return draw_mosaic(moments, study.list_cameras(experiment, session), keypoints.names, skeleton, paper)


def read_drawn(
    study: Study, experiment: str, session: str, kind: Literal["keypoints", "joints"]
) -> tuple[SessionKeypoints | None, list[Edge]]:
    """What is drawn onto pictures: keypoints with their skeleton, or the joints that were found from them."""
    if kind == "joints":
        return read_found_joints(study, experiment, session), []
    return read_named_keypoints(study, experiment, session), find_skeleton(study, experiment)


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
