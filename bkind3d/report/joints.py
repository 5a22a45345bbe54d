"""What the report says of named joints: how good they are from the frames that are labelled, and what more labels would bring."""

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from bkind3d.data.parquet import read_metadata
from bkind3d.report.contents import read_judgement
from bkind3d.report.elements import Cell, Chart, Fold, Heading, Note, Table, make_chart, make_row
from bkind3d.report.formatting import choose_decimals, format_count, format_number, format_share
from bkind3d.report.rendering import write_caption
from bkind3d.study.study import Study

#: What the frames of intervals are grouped by, in words.
UNITS = {"subject": "subjects", "second": "blocks of a second"}


def build_joints(study: Study, experiment: str) -> list[Any]:
    """A sentence, the learning curve and a table of the joints of an experiment; nothing where no frame is labelled."""
    fit = read_judgement(study.results.joint_fit(experiment))
    if not fit or not study.list_fit_sessions(experiment):
        return []
    if reason := fit.get("reason"):
        return [Heading(experiment), Note(f"{experiment}: no joints: {reason}.", "warning")]
    units = find_units(study, experiment)
    elements: list[Any] = [Heading(experiment), Note(write_sentence(fit, units))]
    if judged := write_judged(read_judgement(study.results.pose(experiment)).get("found_joints") or {}, units):
        elements.append(Note(judged))
    elements += [build_curve(fit, units)] if fit.get("curve") else []
    return [*elements, Fold("Each joint", [build_table(fit, units)])]


def find_units(study: Study, experiment: str) -> str:
    """Units of the joints, as their tables say."""
    paths = (study.results.found_joints(experiment, session) for session in study.sessions)
    return next((str(read_metadata(path).get("units", "")) for path in paths if path.exists()), "")


def write_sentence(fit: Mapping[str, Any], units: str) -> str:
    """How good joints are with the labels that there are, and what more of them are expected to bring."""
    decimals = choose_decimals([fit["error"]])
    text = (
        f"{format_count(fit['n_frames'])} labelled frames: {format_number(fit['error'], decimals)} {units}, {100 * fit['level']:g} % of joints "
        f"within {format_number(fit['within'], decimals)} {units}"
    )
    if gain := fit.get("gain"):
        low, high = (format_number(gain[key], decimals) for key in ("low", "high"))
        text += f"; {gain['n_frames']} more are expected to bring {format_number(gain['expected'], decimals)} ({low} to {high})"
    if fit["regressor"] == "none":
        return f"{text}. The method learned these joints; they are compared with labelled frames of the sessions named in docs/read-the-report.md."
    return f"{text}. Errors are those on {fit['folds']}s held out; intervals are calibrated on {fit['n_units']} {UNITS[fit['unit']]}."


def write_judged(judged: Mapping[str, Any], units: str) -> str:
    """How good joints are on test frames, where some are labelled; empty where none are."""
    if "mpjpe" not in judged:
        return ""
    decimals = choose_decimals([judged["mpjpe"]])
    each = ", ".join(f"{name} {format_share(entry['coverage'])}" for name, entry in judged["subjects"].items())
    return (
        f"On the test frames, fit on the training frames alone ({judged['n_train']}): {format_number(judged['mpjpe'], decimals)} {units} in the "
        f"world, {format_number(judged['pa_mpjpe'], decimals)} {units} aligned; {format_share(judged['coverage'])} of the joints within their "
        f"{100 * judged['level']:g} % intervals ({each})."
    )


def build_curve(fit: Mapping[str, Any], units: str) -> Chart:
    """The error on frames held out against the number of labelled frames, with the range over the draws."""
    curve = fit["curve"]
    numbers, errors = [entry["n_frames"] for entry in curve], [entry["error"] for entry in curve]
    reach = {"type": "data", "symmetric": False, "thickness": 1, "width": 3}
    reach |= {"array": [max(entry["draws"]) - entry["error"] for entry in curve]}
    reach |= {"arrayminus": [entry["error"] - min(entry["draws"]) for entry in curve]}
    figure = go.Figure()
    figure.add_scatter(x=numbers, y=errors, error_y=reach, mode="lines+markers", showlegend=False)
    axes = {
        "xaxis": {"title": {"text": "labelled frames"}, "type": "log"},
        "yaxis": {"title": {"text": f"error ({units})"}, "rangemode": "tozero"},
    }
    return make_chart(figure, 280, write_caption("joint_curve"), **axes, margin={"l": 50, "r": 20, "t": 10, "b": 45})


def build_table(fit: Mapping[str, Any], units: str) -> Table:
    """Labelled frames, error and reach of every joint; those that are labelled too rarely, too."""
    decimals = choose_decimals([fit["error"]])
    rows = [
        make_row(name, entry["n_frames"], *(format_number(entry[key], decimals) for key in ("error", "within")))
        for name, entry in fit["joints"].items()
    ]
    rows += [[Cell(name), Cell(str(number)), Cell("too few frames", "muted"), Cell("")] for name, number in fit["too_few"].items()]
    columns = ["joint", "labelled frames", f"error ({units})", f"{100 * fit['level']:g} % within ({units})"]
    return Table(columns, rows, frozenset(columns[1:]))
