"""Static figures of an experiment, ready for a paper: SVG and PNG, the same bytes for the same numbers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from bkind3d.data.parquet import read_table
from bkind3d.data.results import MEAN_POSE, NO_REFERENCE, UNTRAINED
from bkind3d.data.writing import replaced_when_complete
from bkind3d.report.behaviours import count_confusion, read_confusion
from bkind3d.report.candidates import colour_of, has_reference, label_of, rows_of
from bkind3d.report.contents import read_results
from bkind3d.report.origin import split_terms
from bkind3d.report.overlay_videos import write_animation
from bkind3d.report.overlays import WHITE, draw_session
from bkind3d.report.palette import ACCENT
from bkind3d.report.pose import read_label_efficiency
from bkind3d.report.skeleton_figure import plot_skeleton
from bkind3d.study.study import Study

#: Text stays text; identifiers inside an SVG do not change from run to run.
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "bkind3d",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "figure.constrained_layout.use": True,
}

#: Metadata that would differ between runs or machines is left out.
METADATA: dict[str, dict[str, Any]] = {".svg": {"Date": None, "Creator": None}, ".png": {"Software": None}}


def write_figures(study: Study, experiment: str, folder: Path) -> None:
    """Write all figures of `experiment` as SVG and PNG (.pose, .labels, .learning, .confusion, .skeleton), PNG (.overlays), GIF (.animation).

    The last two show pictures of the recordings: without ``report.pictures`` they are left out.

    Where there is no reference, the figure says so: the workflow can count on every file.
    """
    session, pose = study.list_shown(1)[0], rows_of(read_results(study.results.pose_table()), experiment)
    title = study.config.experiments[experiment].description.title
    with mpl.rc_context(STYLE):
        figures = {
            "pose": plot_pose(pose, title),
            "labels": plot_labels(read_label_efficiency(study, experiment), pose, title),
            "learning": plot_learning(read_table(study.results.history(experiment), "history")),
            "confusion": plot_confusion(next(iter(read_confusion(study, experiment).values()), pd.DataFrame())),
            "skeleton": plot_skeleton(study, experiment, session) or _plot_nothing("not located"),
        }
        for name, figure in figures.items():
            save_figure(figure, folder, f"{experiment}.{name}")
    if not study.config.report.pictures:
        return
    write_animation(study, experiment, session, folder / f"{experiment}.animation.gif")
    mosaic = draw_session(study, experiment, session, study.config.report.overlay_frames, WHITE)
    picture = Image.new("RGB", (400, 100), "white") if mosaic is None else Image.fromarray(mosaic)
    with replaced_when_complete(folder / f"{experiment}.overlays.png") as temporary:
        picture.save(temporary)


def save_figure(figure: Figure, folder: Path, name: str) -> None:
    """Write NAME.svg and NAME.png."""
    for suffix, metadata in METADATA.items():
        with replaced_when_complete(folder / f"{name}{suffix}") as temporary:
            figure.savefig(temporary, dpi=200, metadata=metadata)


def plot_pose(rows: pd.DataFrame, title: str) -> Figure:
    """PA-MPJPE of each method as bars with 95 % intervals, floors and oracles beside ours."""
    if rows.empty or not has_reference(rows):
        return _plot_nothing()
    measured = rows[rows["pa_mpjpe"].notna()].iloc[::-1]
    figure = Figure(figsize=(3.5, 0.5 + 0.3 * len(measured)))
    axes = figure.subplots()
    reach = [(measured["pa_mpjpe"] - measured["pa_mpjpe_ci_low"]).tolist(), (measured["pa_mpjpe_ci_high"] - measured["pa_mpjpe"]).tolist()]
    colours = [colour_of(method) for method in measured["method"]]
    names = [label_of(method, title) for method in measured["method"]]
    axes.barh(names, measured["pa_mpjpe"], xerr=reach, color=colours, height=0.65, error_kw={"elinewidth": 0.8, "capsize": 2})
    unit, split = rows["unit"].dropna().iloc[0], rows["split"].dropna().iloc[0]
    axes.set_xlabel(f"PA-MPJPE ({unit}), split: {split}")
    axes.tick_params(axis="y", length=0)
    return figure


def plot_labels(curve: pd.DataFrame, rows: pd.DataFrame, title: str) -> Figure:
    """PA-MPJPE against the number of labelled frames, for ours and the floors; bands span the draws."""
    if curve.empty:
        return _plot_nothing()
    figure = Figure(figsize=(3.5, 2.4))
    axes = figure.subplots()
    for method, values in curve.groupby("method", sort=False):
        style, colour = {MEAN_POSE: ":", UNTRAINED: "--"}.get(str(method), "-"), colour_of(str(method))
        axes.plot(values["n_frames"], values["pa_mpjpe"], style, marker=".", color=colour, label=label_of(str(method), title))
        axes.fill_between(values["n_frames"], values["pa_mpjpe_low"], values["pa_mpjpe_high"], color=colour, alpha=0.15, linewidth=0)
    unit = rows["unit"].dropna().iloc[0] if "unit" in rows and rows["unit"].notna().any() else ""
    axes.set_xscale("log")
    axes.set(xlabel="labelled frames", ylabel=f"PA-MPJPE ({unit})", ylim=(0, None))
    axes.legend(frameon=False)
    return figure


def plot_learning(history: pd.DataFrame) -> Figure:
    """Each term of the training history over the steps."""
    terms = split_terms(history)
    if not terms:
        return _plot_nothing("no history")
    n_columns = min(len(terms), 3)
    n_rows = -(-len(terms) // n_columns)
    figure = Figure(figsize=(2.3 * n_columns, 1.6 * n_rows))
    grid: Sequence[Axes] = figure.subplots(n_rows, n_columns, squeeze=False).ravel().tolist()
    for axes, (term, rows) in zip(grid, terms, strict=False):
        axes.plot(rows["step"], rows["value"], color=ACCENT, linewidth=0.9)
        axes.set_title(term.replace("_", " "), fontsize=8, loc="left")
    for axes in grid[-n_columns:]:
        axes.set_xlabel("step")
    for axes in grid[len(terms) :]:
        axes.axis("off")
    return figure


def plot_confusion(table: pd.DataFrame) -> Figure:
    """Recognised behaviours against true ones, shaded by the share of each true one."""
    if table.empty:
        return _plot_nothing()
    counts = count_confusion(table)
    shares = counts.div(counts.sum(axis=1).clip(lower=1), axis=0).to_numpy()
    figure = Figure(figsize=(1.2 + 0.45 * len(counts), 1.0 + 0.42 * len(counts)))
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, values in enumerate(counts.to_numpy()):
        for column, value in enumerate(values):
            axes.text(column, row, str(int(value)), ha="center", va="center", color="white" if shares[row, column] > 0.55 else "black")
    axes.set_xticks(range(len(counts)), list(counts.columns), rotation=45, ha="right")
    axes.set_yticks(range(len(counts)), list(counts.index))
    axes.set(xlabel="recognised", ylabel="true")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _plot_nothing(text: str = NO_REFERENCE) -> Figure:
    figure = Figure(figsize=(3.5, 1.0))
    figure.text(0.5, 0.5, text, ha="center", va="center", color="grey")
    return figure
