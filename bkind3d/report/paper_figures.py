"""Figures of the paper: measured bars beside published ones, and keypoints projected into the pictures beside the true joints."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

import matplotlib as mpl
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bkind3d.config import PaperTableConfig
from bkind3d.data.results import NO_REFERENCE
from bkind3d.data.writing import replaced_when_complete
from bkind3d.report.candidates import colour_of
from bkind3d.report.contents import read_joints, read_named_keypoints
from bkind3d.report.figures import STYLE, save_figure
from bkind3d.report.overlays import HEAD, WHITE, draw_grid, draw_view, load_font
from bkind3d.report.paper_tables import find_title, list_datasets
from bkind3d.report.views import Picture, View, choose_frames, cut_view, project_keypoints, read_views
from bkind3d.study.study import Study

#: Moments of a session in the grid; room around the points, as a factor, and left of the grid, pixels.
MOMENTS, ROOM, LEFT = 2, 1.5, 150

#: Colour of bars that others published.
PUBLISHED = "#d9dce0"


def write_bars(settings: PaperTableConfig, table: pd.DataFrame, name: str, folder: Path) -> None:
    """Write NAME.bars.svg and NAME.bars.png."""
    with mpl.rc_context(STYLE):
        save_figure(plot_bars(settings, table), folder, f"{name}.bars")


def plot_bars(settings: PaperTableConfig, table: pd.DataFrame) -> Figure:
    """PA-MPJPE (or accuracy) of every row: solid with its interval where measured, hatched where published; words where there is no number.

    Under each name stands the file that a measured number comes from, or the source of a published one.
    """
    column, factor = ("pa_mpjpe", 1) if settings.measure == "pose" else ("accuracy", 100)
    rows = table[(table["origin"] == "measured") | table[column].notna()].iloc[::-1].reset_index(drop=True)
    figure = Figure(figsize=(7.2, 0.9 + 0.36 * len(rows)))
    axes = figure.subplots()
    for place, row in rows.iterrows():
        _draw_bar(axes, int(str(place)), row, column, factor)
    axes.set_yticks(range(len(rows)), [_wrap(row) for _, row in rows.iterrows()], fontsize=6)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlim(0, 1.12 * axes.get_xlim()[1])
    unit = next((str(value) for value in rows["unit"].dropna()), "") if settings.measure == "pose" else "%"
    axes.set_xlabel(f"{'PA-MPJPE' if settings.measure == 'pose' else 'accuracy'} ({unit})")
    hint = " (hatched: published, not measured here)" if settings.published else ""
    figure.suptitle(find_title(settings, list_datasets(table)) + hint, fontsize=8)
    axes.tick_params(axis="y", length=0)
    return figure


def _draw_bar(axes: Axes, place: int, row: pd.Series, column: str, factor: float) -> None:
    value, published = row[column], row["origin"] == "published"
    if pd.isna(value) or isinstance(value, str):
        axes.text(0, place, f" {value if isinstance(value, str) else '' if published else NO_REFERENCE}", va="center", color="grey")
        return
    if published:
        axes.barh(place, factor * value, height=0.6, color=PUBLISHED, edgecolor="black", linewidth=0.5, hatch="////")
    else:
        low, high = row[f"{column}_ci_low"], row[f"{column}_ci_high"]
        reach = None if pd.isna(low) else [[factor * (value - low)], [factor * (high - value)]]
        colour = colour_of(str(row["method" if "method" in row else "features"]))
        axes.barh(place, factor * value, xerr=reach, height=0.6, color=colour, error_kw={"elinewidth": 0.8, "capsize": 2})
    end = factor * (value if published or pd.isna(row[f"{column}_ci_high"]) else row[f"{column}_ci_high"])
    axes.annotate(f"{factor * value:.4g}", (end, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=6)


def _wrap(row: pd.Series) -> str:
    """A row's name, and under it where its numbers are from."""
    counts = {"view": row.get("n_views"), "keypoint": row.get("n_keypoints")} if row["origin"] == "published" else {}
    more = [f"{int(number)} {word}{'' if number == 1 else 's'}" for word, number in counts.items() if pd.notna(number)]
    return "\n".join([", ".join([str(row["name"]), *more]), *wrap(str(row["source"]), 60)])


@dataclass(frozen=True)
class Column:
    """One moment of one camera: its picture for each row of the grid, and the points that are drawn into it."""

    title: str
    view: View
    points: list[Float[NDArray, "..."] | None]


def write_grid(settings: PaperTableConfig, study: Study, sessions: Sequence[str], path: Path) -> None:
    """Write the grid of projected points (PNG): the true joints in the first row, then the keypoints of every experiment of the grid."""
    study.require_pictures("the grid")
    columns = [column for session in sessions for column in read_columns(settings.grid, study, session)]
    labels = ["true joints", *(settings.rows.get(name, name) for name in settings.grid)]
    image = Image.fromarray(lay_out(columns, labels, find_title(settings, [study.config.dataset])))
    with replaced_when_complete(path) as temporary:
        image.save(temporary)


def read_columns(experiments: Sequence[str], study: Study, session: str) -> list[Column]:
    """Some moments of a session in which all experiments found the subject, each seen by another camera."""
    found = [read_named_keypoints(study, name, session) for name in experiments]
    located = [set(keypoints.frames[keypoints.located].tolist()) for keypoints in found]
    frames = choose_frames(np.array(sorted(set.intersection(*located)), dtype=np.int64), MOMENTS)
    points = [read_joints(study, session, frames)]
    points += [keypoints.positions[np.searchsorted(keypoints.frames, frames)].astype(np.float64) for keypoints in found]
    cameras = study.list_cameras(experiments[0], session)
    columns = []
    for index, (frame, views) in enumerate(read_views(study, experiments[0], session, frames).items()):
        seen = [camera for camera in cameras if camera in views]
        if seen:
            camera = seen[index % len(seen)]
            chosen = [None if group is None else group[index] for group in points]
            columns.append(Column(f"{session}, {camera}, frame {frame}", crop_around(views[camera], chosen), chosen))
    return columns


def crop_around(view: View, groups: Sequence[Float[NDArray, "..."] | None]) -> View:
    """A square around the projections of all points, with room; the whole view where no point is in it."""
    pixels = np.concatenate([project_keypoints(group, view.projection) for group in groups if group is not None])
    height, width = view.picture.shape[:2]
    inside = pixels[(np.abs(pixels - [width / 2, height / 2]) <= [width / 2, height / 2]).all(axis=1)]
    if not len(inside):
        return view
    middle = (inside.min(axis=0) + inside.max(axis=0)) / 2
    half = max(ROOM * float(np.ptp(inside, axis=0).max()) / 2, 0.05 * max(width, height))
    left, top = (max(int(value), 0) for value in np.floor(middle - half))
    right, bottom = (int(value) for value in np.ceil(np.minimum(middle + half, [width - 1, height - 1])))
    return cut_view(view, left, top, right + 1, bottom + 1)


def lay_out(columns: Sequence[Column], labels: Sequence[str], title: str) -> Picture:
    """Lay out the grid: a row for every label, a column for every moment; (height, width, 3) RGB on white."""
    rows = []
    for row, label in enumerate(labels):
        cells = [(column.view, column.points[row]) for column in columns]
        rows.append((label.split(", "), [NO_REFERENCE if points is None else draw_view(view, points, []) for view, points in cells]))
    image = Image.fromarray(draw_grid(rows, [column.title for column in columns] or [""], WHITE, LEFT, 2 * HEAD))
    ImageDraw.Draw(image).text((8, HEAD / 2), title, WHITE.ink, load_font(15), anchor="lm")
    return np.array(image)
