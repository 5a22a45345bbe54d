"""How the training went: its terms over the steps."""

import math
from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from bkind3d.data.spacing import step_indices
from bkind3d.report.elements import Chart, make_chart
from bkind3d.report.palette import LINES


def split_terms(history: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The terms of the training history that say anything, each with its rows."""
    terms = [(str(term), rows.sort_values("step")) for term, rows in history.groupby("term", sort=False)]
    return [(term, rows) for term, rows in terms if rows["value"].notna().any() and (rows["value"] != 0).any()]


def build_learning_charts(terms: Sequence[tuple[str, pd.DataFrame]]) -> list[Chart]:
    """One small chart for each term of the training history."""
    charts = []
    for index, (term, rows) in enumerate(terms):
        thinned = rows.iloc[step_indices(len(rows), 600)]
        values = [value if math.isfinite(value) else None for value in thinned["value"]]
        line = {"width": 1.5, "color": LINES[index % len(LINES)]}
        figure = go.Figure(go.Scatter(x=thinned["step"].tolist(), y=values, mode="lines", line=line))
        title = {"text": term.replace("_", " "), "x": 0.02, "font": {"size": 13}}
        charts.append(make_chart(figure, 190, title=title, margin={"l": 50, "r": 10, "t": 34, "b": 34}))
    return charts
