"""What was recorded, and how well it was calibrated and located: tables and charts per session, camera and rig."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.data.spacing import step_indices
from bkind3d.report.contents import read_location
from bkind3d.report.elements import Cell, Chart, Fold, Note, Table, choose_decimals, format_number, format_share, make_chart
from bkind3d.report.origin import list_entries
from bkind3d.report.palette import LINES
from bkind3d.study.study import Study

#: Points beyond which a line over time is thinned.
MAX_POINTS = 1500


@dataclass(frozen=True)
class Located:
    """How well the subject of a session was located.

    Attributes
    ----------
    n_frames : frames of the session.
    share : of them, those in which the subject was located.
    side : side of its cube, world units.
    units : of the world.
    """

    n_frames: int
    share: float
    side: float
    units: str


def summarise_location(study: Study, session: str) -> Located:
    """Read how well the subject of `session` was located."""
    table, metadata = read_location(study, session)
    units = str(metadata.get("units") or study.rigs[study.sessions[session].rig].units)
    share = float(table["valid"].mean()) if len(table) else 0.0
    return Located(len(table), share, float(metadata.get("side") or math.nan), units)


def build_session_table(study: Study, located: Mapping[str, Located]) -> Table:
    """All sessions of the study, with what the sheet says about them."""
    further = list(dict.fromkeys(key for row in study.sessions.values() for key in row.more))
    columns = ["session", "subject", "rig", "split", *further, "cameras", "frames", "located", "cube", "joints", "behaviours"]
    rows = []
    for name, row in study.sessions.items():
        found = located[name]
        cells = [Cell(name, "link"), Cell(row.subject), Cell(row.rig), Cell(row.split), *(Cell(row.more.get(key, "")) for key in further)]
        cells += [Cell(str(len(study.cameras[name]))), Cell(str(found.n_frames)), Cell(format_share(found.share), share=found.share)]
        cells.append(Cell(f"{format_number(found.side, choose_decimals([found.side]))} {found.units}"))
        cells += [Cell("yes") if given else Cell("no reference", "muted") for given in (row.joints, row.behaviours)]
        rows.append(cells)
    return Table(columns, rows, frozenset({"cameras", "frames", "located", "cube"}))


def build_location_chart(study: Study, session: str, units: str) -> Chart:
    """The centre of the subject over time; gaps where it was not located."""
    table, _ = read_location(study, session)
    thinned = table.iloc[step_indices(len(table), MAX_POINTS)]
    figure = go.Figure()
    for axis, colour in zip("xyz", LINES, strict=False):
        values = [
            float(value) if valid and math.isfinite(value) else None for value, valid in zip(thinned[axis], thinned["valid"], strict=True)
        ]
        figure.add_scatter(x=thinned["time_s"].round(3).tolist(), y=values, mode="lines", name=axis, line={"width": 1.5, "color": colour})
    figure.update_layout(
        xaxis={"title": {"text": "time (s)"}}, yaxis={"title": {"text": f"centre ({units})"}}, margin={"l": 60, "r": 10, "t": 30, "b": 45}
    )
    figure.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"})
    return make_chart(figure, 280, "Centre of the subject, in the world. Gaps: not located.")


def build_remarks(study: Study, session: str) -> list[Note]:
    """What is odd about where the subject of a session is."""
    return [Note(f"{session}: {remark}.", "warning") for remark in read_location(study, session)[1].get("remarks", [])]


def build_view_chart(study: Study, session: str) -> Chart:
    """In how many frames the subject was located from how many views."""
    table, _ = read_location(study, session)
    counts = table["n_views"].where(table["valid"], 0).value_counts().reindex(range(len(study.cameras[session]) + 1), fill_value=0)
    figure = go.Figure(
        go.Bar(x=[str(views) for views in counts.index], y=(counts / max(len(table), 1)).tolist(), marker={"color": LINES[0]})
    )
    figure.update_layout(
        xaxis={"title": {"text": "views that agreed (0: not located)"}, "type": "category"}, margin={"l": 60, "r": 10, "t": 30, "b": 45}
    )
    figure.update_layout(yaxis={"title": {"text": "share of frames"}, "tickformat": ".0%", "range": [0, 1]})
    return make_chart(figure, 280, "Views from which the subject was located.")


def build_survey_table(study: Study, session: str) -> Table:
    """One row per camera: its video, and what the survey of it found."""
    columns = ["camera", "video", "picture", "rate (Hz)", "frames", "with silhouette", "faults"]
    rows = []
    for camera in study.cameras[session]:
        path = study.results.survey(session, camera)
        table, metadata = read_table(path, "survey", columns=["frame", "area", "fault"]), read_metadata(path)
        size = f"{metadata.get('video_width', '?')} × {metadata.get('video_height', '?')}"
        seen = float((table["area"].fillna(0) > 0).mean()) if len(table) else 0.0
        named = table["fault"].fillna("")
        faults = ", ".join(f"{fault} ({count})" for fault, count in named[named != ""].value_counts().items())
        rate = metadata.get("rate")
        cells = [
            Cell(camera),
            Cell(str(metadata.get("video", ""))),
            Cell(size),
            Cell(format_number(rate, 2) if rate else "–"),
            Cell(str(len(table))),
        ]
        rows.append([*cells, Cell(format_share(seen), share=seen), Cell(faults or "none", "" if faults else "muted")])
    return Table(columns, rows, frozenset({"picture", "rate (Hz)", "frames", "with silhouette"}))


def calibration_quality(study: Study, rig: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Reprojection errors per camera of `rig`, and what else is known about its calibration; empty if there is none."""
    path = study.results.calibration_quality(rig)
    return (read_table(path, "calibration"), read_metadata(path)) if path.exists() else (pd.DataFrame(), {})


def build_calibration(study: Study, rig: str) -> list[Table | Note | Fold]:
    """Errors of each camera of a rig; with the distance to the truth where that is known."""
    table, metadata = calibration_quality(study, rig)
    source = study.rigs[rig].calibration
    if table.empty or table["mean_px"].isna().all():
        return [Note(f"Rig {rig}: the calibration was given ({source}); nothing is known about its errors.")]
    verdict = _tell_verdict(rig, metadata)
    labels = {
        "n_board_frames": "board frames",
        "n_points": "points",
        "mean_px": "mean (px)",
        "median_px": "median (px)",
        "p95_px": "95th percentile (px)",
    }
    further = [column for column in table.columns if column != "camera" and column not in labels]
    names = {"mean_percent": "of the width (%)", "mean_world": f"at the board ({study.rigs[rig].units})", "tilt_range": "tilts (degrees)"}
    names |= {"spread_percent": "between restarts (%)", "focal_spread_percent": "focal length between restarts (%)"}
    truth, units = metadata.get("truth") or {}, study.rigs[rig].units
    true_labels = (
        {"distance": f"from true centre ({units})", "percent": "of its distance (%)", "focal_percent": "focal length (%)"} if truth else {}
    )
    columns = ["camera", *labels.values(), *(names.get(column, column.replace("_", " ")) for column in further), *true_labels.values()]
    rows = []
    for row in table.to_dict("records"):
        cells = [Cell(str(row["camera"])), *(Cell(_show(row[key], 0 if key.startswith("n_") else 3)) for key in labels)]
        cells += [Cell(format_share(row[key]) if key == "coverage" else _show(row[key], 2)) for key in further]
        known = truth.get(row["camera"], {})
        rows.append([*cells, *(Cell(_show(known.get(key), 2)) for key in true_labels)])
    origin = f"given as {source}" if source else f"from videos of the board {study.rigs[rig].board}"
    held_out = " of views that were not used to solve it" if metadata.get("n_held_out") else ""
    caption = f"Rig {rig}, {origin}: distance between seen and projected corners of the board{held_out}."
    caption += " The last columns compare with the simulated truth, which the pipeline did not see." if truth else ""
    more = [
        [Cell(key.replace("_", " ")), Cell(_show(value, 4))]
        for key, value in list_entries(metadata)
        if key.partition(".")[0] not in ("table", "version", "truth", "pairs", "findings")
    ]
    elements: list[Table | Note | Fold] = [*verdict, Table(columns, rows, frozenset(columns[1:]), caption)]
    pairs = _build_pairs(metadata.get("pairs") or [], units)
    tables = [*pairs, *([Table(["key", "value"], more)] if more else [])]
    return [*elements, Fold(f"More about the calibration of {rig}", tables)] if tables else elements


def _tell_verdict(rig: str, metadata: Mapping[str, Any]) -> list[Table | Note | Fold]:
    """What was found out about the calibration, gravest first; nothing for calibrations that were never judged."""
    if "findings" not in metadata:
        return []
    order = ("failure", "warning", "remark")
    found = sorted(metadata["findings"], key=lambda finding: order.index(finding["level"]))
    if not any(finding["level"] != "remark" for finding in found):
        return [Note(f"Rig {rig}: the calibration is within all limits.", "good"), *(Note(finding["text"]) for finding in found)]
    words = {"failure": "beyond a limit, accepted by calibration.accept_poor", "warning": "worth a look", "remark": "remark"}
    return [Note(f"Rig {rig}, {words[row['level']]}: {row['text']}", "info" if row["level"] == "remark" else "warning") for row in found]


def _build_pairs(pairs: list[Mapping[str, Any]], units: str) -> list[Table]:
    labels = {
        "n_shared": "shared views",
        "mean_px": "mean (px)",
        "median_px": "median (px)",
        "p95_px": "95th percentile (px)",
        "mean_world": f"at the board ({units})",
    }
    rows = [
        [Cell(f"{row['one']}, {row['other']}"), *(Cell(_show(row[key], 0 if key == "n_shared" else 3)) for key in labels)] for row in pairs
    ]
    columns = ["pair of cameras", *labels.values()]
    return [Table(columns, rows, frozenset(columns[1:]), "Errors of each pair of cameras alone.")] if rows else []


def _show(value: Any, decimals: int) -> str:
    if isinstance(value, int | float):
        return format_number(float(value), decimals)
    return "–" if value is None else str(value)
