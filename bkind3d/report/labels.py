"""When labels are worth it, as a table and a figure of a study: every method's error against the number of labelled frames."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from bkind3d.data.results import MEAN_POSE, NO_REFERENCE
from bkind3d.data.writing import replaced_when_complete
from bkind3d.report.candidates import label_of
from bkind3d.report.figures import STYLE, save_figure
from bkind3d.report.palette import FLOOR
from bkind3d.report.tables import write_csv

#: What is printed of the table.
_PRINTED = ["experiment", "method", "supervision", "labels", "regressor", "pa_mpjpe", "pa_mpjpe_low", "pa_mpjpe_high", "interval"]


def write_labels(table: pd.DataFrame, sentences: Sequence[str], path: Path) -> None:
    """Write the table to `path` (CSV), and beside it what it says (.md) and its figure (.svg, .png)."""
    write_csv(table, path)
    printed = table[_PRINTED].rename(
        columns={"labels": "labelled frames", "pa_mpjpe": "PA-MPJPE", "pa_mpjpe_low": "low", "pa_mpjpe_high": "high"}
    )
    text = printed.to_markdown(index=False, floatfmt=".4g") if len(printed) else NO_REFERENCE
    said = "".join(f"- {sentence}.\n" for sentence in sentences) or "No method learned from labels beside one that discovered keypoints.\n"
    with replaced_when_complete(path.with_suffix(".md")) as temporary:
        temporary.write_text(f"# When labels are worth it\n\n{said}\n{text}\n", encoding="utf-8")
    with mpl.rc_context(STYLE):
        save_figure(plot_labels(table), path.parent, path.stem)


def plot_labels(table: pd.DataFrame) -> Figure:
    """PA-MPJPE against labelled frames: a line for each regression, points with their intervals for each method that was trained."""
    figure = Figure(figsize=(4.5, 3.0))
    axes = figure.subplots()
    if table.empty:
        axes.text(0.5, 0.5, NO_REFERENCE, ha="center", color="grey")
        axes.set_axis_off()
        return figure
    names = [(method, regressor) for method, regressor in table[["method", "regressor"]].drop_duplicates().itertuples(index=False)]
    for number, (method, regressor) in enumerate(names):
        rows = table[(table["method"] == method) & (table["regressor"] == regressor)].sort_values("labels")
        low, high = rows["pa_mpjpe"] - rows["pa_mpjpe_low"], rows["pa_mpjpe_high"] - rows["pa_mpjpe"]
        colour = FLOOR if method == MEAN_POSE else f"C{number}"
        style = ":" if method == MEAN_POSE else "o--" if regressor == "none" else ".-"
        reach = [low.fillna(0).clip(lower=0).tolist(), high.fillna(0).clip(lower=0).tolist()]
        shown: dict[str, Any] = {"label": label_of(str(method)), "linewidth": 1, "capsize": 2, "markersize": 4, "color": colour}
        axes.errorbar(rows["labels"], rows["pa_mpjpe"], yerr=reach, fmt=style, **shown)
    unit = next((str(value) for value in table["unit"].dropna()), "")
    axes.set_xscale("log")
    axes.set(xlabel="labelled frames", ylabel=f"PA-MPJPE ({unit})", ylim=(0, None))
    axes.legend(frameon=False, fontsize=7)
    return figure
