"""Boards to print: a PDF at true scale with a ruler, and a PNG of the board alone."""

import logging
from pathlib import Path

import cv2
import numpy as np
import yaml
from jaxtyping import UInt8
from numpy.typing import NDArray

from bkind3d.calibration.boards import make_board
from bkind3d.calibration.faults import check_scale
from bkind3d.config import BoardConfig, InputError
from bkind3d.data.writing import replaced_when_complete
from bkind3d.geometry.units import METRES

log = logging.getLogger(__name__)

#: Paper sizes, millimetres, upright.
PAGES = {
    "a4": (210.0, 297.0),
    "a3": (297.0, 420.0),
    "a2": (420.0, 594.0),
    "a1": (594.0, 841.0),
    "a0": (841.0, 1189.0),
    "letter": (215.9, 279.4),
}
#: White around the board, which detection needs, and room below it for ruler and text; millimetres.
_MARGIN, _FOOT = 12.0, 22.0
_MM_PER_INCH = 25.4
#: Pixels of the PNG along the side of a marker's cell, about.
_CELL_PIXELS = 8
#: Longest ruler, mm.
_RULER = 100.0

Rectangle = tuple[float, float, float, float]


def print_board(board: BoardConfig, name: str, units: str, output: str | Path, page: str = "board") -> None:
    """Write `output` (PDF, true scale) and beside it a PNG of the same name, and the settings as YAML.

    Parameters
    ----------
    units : of its lengths (mm, cm, m).
    page : a key of :data:`PAGES`, or ``board`` for a page made to the board's measure.

    Raises
    ------
    InputError : where the layout is not decided, the board has a size that no board has, or does not fit the page.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle as Patch

    output = Path(output)
    if output.suffix.lower() != ".pdf":
        raise InputError(output, "a printable board is a PDF", "give a name that ends with .pdf")
    for finding in check_scale(board, units):
        raise InputError(f"board {name!r}", finding.text, "correct one of them")
    if units not in METRES:
        raise InputError("--units", f"{units!r} is no unit of a board", f"use {', '.join(METRES)}")
    black, square = list_black_rectangles(board), METRES[units] * 1000 * board.square_length
    size = board.squares_x * square, board.squares_y * square
    width, height = _choose_page(size, page, name)
    figure = Figure(figsize=(width / _MM_PER_INCH, height / _MM_PER_INCH))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    left, top = (width - size[0]) / 2, height - (height - _FOOT - size[1]) / 2
    for x, y, right, bottom in np.array(black) * square:
        axes.add_patch(Patch((left + x, top - bottom), right - x, bottom - y, facecolor="black", edgecolor="none", linewidth=0))
    _draw_foot(axes, board, name, units, width)
    settings = yaml.safe_dump({"boards": {name: board.model_dump(exclude_none=True)}}, sort_keys=False)
    with mpl.rc_context({"pdf.fonttype": 42}), replaced_when_complete(output) as temporary:
        figure.savefig(temporary, metadata={"Title": f"calibration board {name}", "Subject": settings, "CreationDate": None})
    with replaced_when_complete(output.with_suffix(".png")) as temporary:
        cv2.imwrite(str(temporary), draw_board(board))
    with replaced_when_complete(output.with_suffix(".yaml")) as temporary:
        temporary.write_text(settings, encoding="utf-8")
    log.info("%s: %g x %g mm on a page of %g x %g mm; print it at 100 %% and measure the ruler", output, *size, width, height)


def list_black_rectangles(board: BoardConfig) -> list[Rectangle]:
    """What is black on the board: (left, top, right, bottom) in squares, from its upper left corner."""
    if board.pattern == "checkerboard":
        return [(x, y, x + 1, y + 1) for x in range(board.squares_x) for y in range(board.squares_y) if (x + y) % 2 == 0]
    if board.legacy_pattern == "auto" and board.squares_y % 2 == 0:
        raise InputError(
            "", "a board with an even number of rows has two layouts", "write legacy_pattern: 'false' (OpenCV since 4.6) or 'true'"
        )
    charuco = make_board(board, board.legacy_pattern == "true").board
    corners = [np.asarray(corners)[:, :2] / board.square_length for corners in charuco.getObjPoints()]
    occupied = {(int(points[:, 0].min()), int(points[:, 1].min())) for points in corners}
    black: list[Rectangle] = [
        (x, y, x + 1, y + 1) for x in range(board.squares_x) for y in range(board.squares_y) if (x, y) not in occupied
    ]
    cells = board.marker_bits + 2
    for number, points in zip(np.asarray(charuco.getIds()).ravel(), corners, strict=True):
        dark = charuco.getDictionary().generateImageMarker(int(number), cells) < 128
        # One rectangle for every run of dark cells, so that no hairline shows between cells.
        edges = np.diff(np.pad(dark, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        (left, top), side = points.min(axis=0), float(np.ptp(points[:, 0])) / cells
        black += [
            (left + side * start, top + side * row, left + side * stop, top + side * (row + 1))
            for row in range(cells)
            for start, stop in np.flatnonzero(edges[row]).reshape(-1, 2).tolist()
        ]
    return [(float(a), float(b), float(c), float(d)) for a, b, c, d in black]


def draw_board(board: BoardConfig) -> UInt8[NDArray, "height width"]:
    """(height, width) grey picture of the board without a margin, in whole pixels per square."""
    cells = 1.0 if board.marker_length is None else (board.marker_bits + 2) * board.square_length / board.marker_length
    side = int(np.ceil(_CELL_PIXELS * max(cells, 8)))
    picture = np.full((board.squares_y * side, board.squares_x * side), 255, dtype=np.uint8)
    for left, top, right, bottom in np.rint(np.array(list_black_rectangles(board)) * side).astype(int):
        picture[top:bottom, left:right] = 0
    return np.pad(picture, side // 2, constant_values=255)


def _choose_page(size: tuple[float, float], page: str, name: str) -> tuple[float, float]:
    needed = (size[0] + 2 * _MARGIN, size[1] + 2 * _MARGIN + _FOOT)
    if page == "board":
        return max(needed[0], _RULER / 2 + 2 * _MARGIN), needed[1]
    for width, height in (PAGES[page], PAGES[page][::-1]):
        if needed[0] <= width and needed[1] <= height:
            return width, height
    fitting = [other for other, sides in PAGES.items() if min(needed) <= min(sides) and max(needed) <= max(sides)]
    raise InputError(
        "",
        f"board {name!r} is {size[0]:g} x {size[1]:g} mm and needs {needed[0]:g} x {needed[1]:g} mm with its margins, which is "
        f"more than {page}",
        f"use --page {fitting[0] if fitting else 'board'}",
    )


def _draw_foot(axes: object, board: BoardConfig, name: str, units: str, width: float) -> None:
    """A ruler to check the print by, and what the board is."""
    length = next(length for length in (_RULER, 50.0, 20.0) if length + 2 * _MARGIN <= width or length == 20.0)
    for millimetre in range(int(length) + 1):
        height = 4.0 if millimetre % 10 == 0 else 2.8 if millimetre % 5 == 0 else 1.8
        axes.plot([_MARGIN + millimetre] * 2, [14, 14 + height], color="black", linewidth=0.3, solid_capstyle="butt")  # type: ignore[attr-defined]
    markers = ""
    if board.marker_length is not None:
        markers = (
            f", markers {board.marker_length:g} {units} of {board.marker_bits} bits, dictionary_size {board.dictionary_size}, "
            f"legacy_pattern {'false' if board.legacy_pattern == 'auto' else board.legacy_pattern}"
        )
    lines = f"{length:g} mm: measure it after printing\n{name}: {board.pattern} {board.squares_x} x {board.squares_y}, squares {board.square_length:g} {units}{markers}"
    axes.text(_MARGIN, 12.5, lines, fontsize=min(7.0, width / 28), verticalalignment="top")  # type: ignore[attr-defined]
