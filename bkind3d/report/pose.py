"""How far keypoints are from joints: tables and charts of what the evaluation wrote. Nothing is measured anew here."""

import html
from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from bkind3d.data.parquet import read_table
from bkind3d.data.results import FLOORS, MEAN_POSE, NO_REFERENCE, UNTRAINED, role_of
from bkind3d.report.candidates import colour_of, is_ours, label_of, rows_of
from bkind3d.report.contents import read_judgement, read_results
from bkind3d.report.elements import LEGEND, Cell, Chart, Table, make_chart, make_row
from bkind3d.report.formatting import choose_decimals, format_count, format_interval, format_number, format_share, format_text, is_missing
from bkind3d.report.rendering import write_caption
from bkind3d.study.study import Study


def build_pose_table(rows: pd.DataFrame, title: str) -> Table:
    """Pose errors of one experiment, whose method is called `title`, beside the floors and oracles, with intervals."""
    decimals = choose_decimals([float(value) for value in rows["pa_mpjpe"].dropna()])
    unit = next((str(value) for value in rows["unit"].dropna()), "")
    head = f"PA‑MPJPE ({unit})" if unit else "PA‑MPJPE"
    # What decides comes first: on a narrow screen the rest is scrolled to.
    columns = ["method", head, "95 % interval", "against mean pose", "against untrained", "MPJPE", "to root", "N‑MPJPE", "PCK", "AUC",
               "keypoints", "views", "missing", "supervision"]  # fmt: skip
    body = [_pose_row(row, title, decimals) for row in rows.to_dict("records")]
    numeric = frozenset(columns) - {"method", "supervision"}
    first = rows.iloc[0].to_dict()
    measured = not is_missing(first.get("pck_threshold")) and not is_missing(first.get("interval_unit"))
    within = f"{format_number(first['pck_threshold'], 1)} {format_text(first.get('unit'))}" if measured else ""
    unknown = 0 if is_missing(first.get("n_unknown")) else int(first["n_unknown"])
    frames = "" if is_missing(first.get("n_frames")) else format_count(first["n_frames"])
    about = {"interval_unit": first.get("interval_unit"), "within": within, "n_unknown": unknown, "n_frames": frames}
    regressor = next((str(name) for name in rows["regressor"].dropna() if name not in ("none", NO_REFERENCE)), "none")
    caption = write_caption("pose", **about, split=format_text(first.get("split")), regressor=regressor)
    return Table(columns, body, numeric, caption)


def _pose_row(row: Mapping[Any, Any], title: str, decimals: int) -> list[Cell]:
    style = "strong" if is_ours(row["method"]) else "muted"
    end = [Cell(format_count(row.get(key))) for key in ("n_keypoints", "n_views", "n_missing")]
    end.append(Cell(format_text(row.get("supervision"))))
    missing = is_missing(row.get("pa_mpjpe"))
    reached = Cell(NO_REFERENCE, "muted") if missing else Cell(format_number(row["pa_mpjpe"], decimals), style)
    interval = format_interval(row.get("pa_mpjpe_ci_low"), row.get("pa_mpjpe_ci_high"), decimals)
    cells = [Cell(label_of(row["method"], title), style), reached, Cell(interval)]
    for floor in FLOORS:
        low, high = row.get(f"vs_{floor}_ci_low"), row.get(f"vs_{floor}_ci_high")
        cells.append(Cell(format_interval(low, high, decimals), judge_interval(low, high)))
    cells += [Cell(format_number(row.get(key), decimals)) for key in ("mpjpe", "root_mpjpe", "n_mpjpe")]
    cells += [Cell(format_share(row.get(key))) for key in ("pck", "auc")]
    return cells + end


def judge_interval(low: float | None, high: float | None) -> str:
    """Style of an interval of a difference in error: good below zero, bad above, none where it holds zero."""
    if is_missing(low) or is_missing(high):
        return ""
    return "good" if high < 0 else "bad" if low > 0 else ""  # type: ignore[operator]


def build_pose_chart(rows: pd.DataFrame, title: str) -> Chart:
    """PA-MPJPE of each candidate with its interval, as a dot plot."""
    measured = rows[rows["pa_mpjpe"].notna()]
    figure = go.Figure()
    for row in measured.to_dict("records"):
        middle, low, high = row["pa_mpjpe"], row["pa_mpjpe_ci_low"], row["pa_mpjpe_ci_high"]
        error = {"type": "data", "symmetric": False, "array": [high - middle], "arrayminus": [middle - low], "thickness": 1.5, "width": 5}
        marker = {"size": 11, "color": colour_of(row["method"])}
        figure.add_scatter(x=[middle], y=[label_of(row["method"], title)], mode="markers", error_x=error, marker=marker, showlegend=False)
    unit = next((str(value) for value in rows["unit"].dropna()), "")
    return _lay_out_bars(figure, unit, 10, 90 + 34 * len(measured))


def _lay_out_bars(figure: go.Figure, unit: str, top: int, height: int) -> Chart:
    """Errors to the right, what has them below each other; `top` is the margin above (pixels)."""
    across, down = {"title": {"text": f"PA-MPJPE ({unit})"}, "rangemode": "tozero"}, {"autorange": "reversed", "automargin": True}
    return make_chart(figure, height, xaxis=across, yaxis=down, margin={"l": 10, "r": 20, "t": top, "b": 45}, legend=LEGEND)


def read_label_efficiency(study: Study, experiment: str) -> pd.DataFrame:
    """Errors of each candidate by the number of labelled frames; empty where there is no reference."""
    return pd.DataFrame(read_judgement(study.results.pose(experiment)).get("label_efficiency", []))


def build_label_chart(curve: pd.DataFrame, unit: str, title: str) -> Chart:
    """PA-MPJPE of ours and the floors against the number of labelled frames, with the range over the draws."""
    figure = go.Figure()
    for method, rows in curve.groupby("method", sort=False):
        reach = {"type": "data", "symmetric": False, "array": (rows["pa_mpjpe_high"] - rows["pa_mpjpe"]).tolist()}
        reach |= {"arrayminus": (rows["pa_mpjpe"] - rows["pa_mpjpe_low"]).tolist(), "thickness": 1, "width": 3}
        line = {"color": colour_of(str(method)), "dash": {MEAN_POSE: "dot", UNTRAINED: "dash"}.get(str(method), "solid")}
        points = {"x": rows["n_frames"].tolist(), "y": rows["pa_mpjpe"].tolist(), "error_y": reach}
        figure.add_scatter(**points, name=label_of(str(method), title), line=line, mode="lines+markers")
    across = {"title": {"text": "labelled frames"}, "type": "log"}
    up = {"title": {"text": f"PA-MPJPE ({unit})"}, "rangemode": "tozero"}
    regressor = next((name for name in curve["regressor"] if name != "none"), "none")
    caption = write_caption("label_efficiency", regressor=regressor)
    return make_chart(figure, 320, caption, xaxis=across, yaxis=up, margin={"l": 50, "r": 20, "t": 30, "b": 45}, legend=LEGEND)


def read_joint_errors(study: Study, experiment: str) -> tuple[pd.DataFrame, str]:
    """Errors of each joint and method (table joint_errors), and their unit; empty where there is no reference."""
    path = study.results.joint_errors(experiment)
    rows = rows_of(read_results(study.results.pose_table()), experiment)
    unit = next((str(value) for value in rows["unit"].dropna()), "") if len(rows) else ""
    return (read_table(path, "joint_errors"), unit) if path.exists() else (pd.DataFrame(), unit)


def build_joint_chart(errors: pd.DataFrame, unit: str, title: str) -> Chart:
    """PA-MPJPE of each joint, for ours and the floors; `errors` is a table joint_errors, `unit` its unit."""
    errors = errors[errors["method"].map(role_of) != "oracle"]
    joints = list(errors["joint"].drop_duplicates())
    figure, shown = go.Figure(), [html.escape(joint, quote=False) for joint in joints]  # plotly takes tags for links and styles
    for method, rows in errors.groupby("method", sort=False):
        values = rows.set_index("joint")["pa_mpjpe"].reindex(joints)
        symbol = {MEAN_POSE: "line-ns-open", UNTRAINED: "x-thin-open"}.get(str(method), "circle")
        mark = {"size": 9, "color": colour_of(str(method)), "symbol": symbol, "line": {"width": 2, "color": colour_of(str(method))}}
        figure.add_scatter(x=values.tolist(), y=shown, mode="markers", name=label_of(str(method), title), marker=mark)
    return _lay_out_bars(figure, unit, 30, 120 + 22 * len(joints))


def build_group_table(study: Study, experiment: str, unit: str) -> Table | None:
    """Errors of the keypoints by subject, session and behaviour, beside the floors' PA-MPJPE; None where there is no reference."""
    groups = read_judgement(study.results.pose(experiment)).get("groups", [])
    floors = {(g["kind"], g["name"], g["method"]): g["pa_mpjpe"] for g in groups}
    judged = [group for group in groups if is_ours(group["method"])]
    if not judged:
        return None
    decimals = choose_decimals([group["pa_mpjpe"] or 0.0 for group in judged])
    rows = []
    for group in judged:
        where = group["kind"], group["name"]
        lengths = (format_number(group[key], decimals) for key in ("mpjpe", "root_mpjpe", "n_mpjpe"))
        ours = Cell(format_number(group["pa_mpjpe"], decimals), "strong")
        theirs = (Cell(format_number(floors.get((*where, floor)), decimals), "muted") for floor in FLOORS)
        rows.append(make_row(*where, group["n_frames"], *lengths, *(format_share(group[key]) for key in ("pck", "auc")), ours, *theirs))
    columns = ["by", "name", "frames", "MPJPE", "to root", "N‑MPJPE", "PCK", "AUC", f"PA‑MPJPE ({unit})", "mean pose", "untrained"]
    return Table(columns, rows, frozenset(columns[2:]))


def build_upstream_table(study: Study, experiment: str, unit: str, title: str) -> Table | None:
    """The measures of the authors' public code, which are defined otherwise; None where there are none."""
    methods = read_judgement(study.results.pose(experiment)).get("upstream", {})
    names = ("upstream_mpjpe", "upstream_shifted_mpjpe", "upstream_n_mpjpe", "upstream_pa_mpjpe")
    if not methods:
        return None
    decimals = choose_decimals([values[name] for values in methods.values() for name in names])
    rows = [make_row(label_of(key, title), *(format_number(values[name], decimals) for name in names)) for key, values in methods.items()]
    columns = ["method", *(f"{name} ({unit})" for name in names)]
    return Table(columns, rows, frozenset(columns[1:]), write_caption("upstream"))
