"""What a page is made of: sections of tables, charts, pictures and players, as plain data; the template lays each out by its class."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from bkind3d.report.palette import Mark


@dataclass(frozen=True)
class Cell:
    """A table's cell: `style` is a class of the style sheet, `share` (0 to 1) draws a bar behind the text, `mark` stands before it."""

    text: str
    style: str = ""
    share: float | None = None
    mark: Mark | None = None


@dataclass(frozen=True)
class Table:
    """A table. Columns of numbers are right-aligned; `heads` are the first cells of rows that stand out."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    numeric: frozenset[str] = frozenset()
    caption: str = ""


@dataclass(frozen=True)
class Matrix:
    """A square table of counts, rows and columns labelled alike, shaded by each row's share."""

    labels: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""


@dataclass(frozen=True)
class Chart:
    """An interactive plotly chart. `json` is safe inside a script element."""

    json: str
    height: int
    caption: str = ""


@dataclass(frozen=True)
class Player:
    """A session that is played, drawn by the page's own script: its skeleton in 3D, and its views where there are pictures.

    Attributes
    ----------
    identifier : of the element; links to a moment name it.
    json : what is played, as in :class:`Chart`.
    n_moments : of the session.
    legend : the keypoints' names and marks.
    pictures : WebP as base64, one after the other; empty: no views.
    has_band : whether labels over time are shown.
    """

    identifier: str
    json: str
    n_moments: int
    legend: Sequence[tuple[str, Mark]]
    pictures: str = ""
    has_band: bool = False
    caption: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture inside the page, as a data URI; `links` (text and address) follow the caption."""

    source: str
    alternative: str
    caption: str = ""
    links: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Note:
    """A paragraph; `style` warning, info or good makes it a box."""

    text: str
    style: str = ""
    link: str = ""


@dataclass(frozen=True)
class Heading:
    """A title inside a section; `aside` stands beside it in small letters."""

    text: str
    aside: str = ""
    link: str = ""


@dataclass(frozen=True)
class Gallery:
    """Elements side by side, as many as the width has room for."""

    elements: Sequence[Any]


@dataclass(frozen=True)
class Fold:
    """Elements behind a title that opens them."""

    title: str
    elements: Sequence[Any]


@dataclass(frozen=True)
class Section:
    """A titled part of a page; `identifier` is its anchor."""

    identifier: str
    title: str
    elements: Sequence[Any]
    lead: str = ""


@dataclass(frozen=True)
class Page:
    """A page; `facts` stand below its title, `back` is where its first link leads to."""

    title: str
    subtitle: str
    facts: Sequence[str]
    sections: Sequence[Section]
    back: str = ""


#: Layout of a chart's legend: one line above the chart.
LEGEND: dict[str, Any] = {"orientation": "h", "y": 1.02, "yanchor": "bottom"}


def script_json(value: Any) -> str:
    """JSON that may stand inside a script element: no ``<``, no NaN."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def make_row(*values: Any) -> list[Cell]:
    """A row of a table; what is no cell yet is its text."""
    return [value if isinstance(value, Cell) else Cell(str(value)) for value in values]


def make_chart(figure: go.Figure, height: int, caption: str = "", **layout: Any) -> Chart:
    """Turn a plotly figure, laid out further by `layout`, into an element; its colours of text, grid and paper follow the page's theme."""
    figure.layout.template = None
    figure.update_layout(height=height, **layout)
    text = figure.to_json()
    if text is None:
        raise ValueError("Expected a figure that plotly can write as JSON")
    return Chart(text.replace("<", "\\u003c"), height, caption)
