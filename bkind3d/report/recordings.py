"""What was recorded, and how well it was calibrated and located: tables and charts per session, camera and rig."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from bkind3d.data.crops import read_part
from bkind3d.data.cubes import read_cube
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.data.spacing import step_indices
from bkind3d.geometry.health import AGREED
from bkind3d.report.contents import read_location
from bkind3d.report.elements import LEGEND, Cell, Chart, Fold, Gallery, Note, Table, make_chart, make_row
from bkind3d.report.formatting import choose_decimals, format_number, format_share
from bkind3d.report.palette import LINES
from bkind3d.report.rendering import write_caption
from bkind3d.study.sections import list_entries
from bkind3d.study.study import Study

#: Points beyond which a line over time is thinned; room around a chart.
MAX_POINTS, MARGIN = 1500, {"l": 60, "r": 10, "t": 30, "b": 45}

#: What the columns of a calibration's errors are called, further ones, and those of the distance to the truth.
PIXEL_ERRORS = {"mean_px": "mean (px)", "median_px": "median (px)", "p95_px": "95th percentile (px)"}
BOARD_ERRORS = {"n_board_frames": "board frames", "n_points": "points", **PIXEL_ERRORS}
OTHERS = {"mean_percent": "of the width (%)", "mean_world": "at the board ({units})", "tilt_range": "tilts (degrees)"}
OTHERS |= {"spread_percent": "between restarts (%)", "focal_spread_percent": "focal length between restarts (%)"}
TRUTH = {"distance": "from true centre ({units})", "percent": "of its distance (%)", "focal_percent": "focal length (%)"}
#: Entries of a calibration's metadata that are shown elsewhere or nowhere.
NO_ENTRIES = ("table", "version", "truth", "pairs", "findings")


@dataclass(frozen=True)
class Located:
    """How well the subject of a session was located.

    Attributes
    ----------
    n_frames : frames of the session.
    share : of them, those in which the subject was located.
    extent, side : diameter of its body, and side of the study's cube, world units.
    units : of the world.
    """

    n_frames: int
    share: float
    extent: float
    side: float
    units: str


def summarise_location(study: Study, session: str) -> Located:
    """Read how well the subject of `session` was located."""
    table, metadata = read_location(study, session)
    units = str(metadata.get("units") or study.rigs[study.sessions[session].rig].units)
    share = float(table["valid"].mean()) if len(table) else 0.0
    return Located(len(table), share, float(metadata.get("extent") or math.nan), read_cube(study.results.cube(), units), units)


def build_session_table(study: Study, located: Mapping[str, Located]) -> Table:
    """All sessions of the study, with what the sheet says about them."""
    further = list(dict.fromkeys(key for row in study.sessions.values() for key in row.more))
    columns = ["session", "subject", "rig", "split", *further, "cameras", "frames", "located", "body", "cube", "joints", "behaviours"]
    rows = []
    for name, row in study.sessions.items():
        found = located[name]
        said = make_row(Cell(name, "link"), row.subject, row.rig, row.split, *(row.more.get(key, "") for key in further))
        sizes = [f"{format_number(size, choose_decimals([size]))} {found.units}" for size in (found.extent, found.side)]
        share = Cell(format_share(found.share), share=found.share)
        truth = [Cell("yes") if given else Cell("no reference", "muted") for given in (row.joints, row.behaviours)]
        rows.append([*said, *make_row(len(study.cameras[name]), found.n_frames, share, *sizes, *truth)])
    return Table(columns, rows, frozenset({"cameras", "frames", "located", "body", "cube"}))


def build_location(study: Study, session: str, units: str) -> list[Note | Gallery]:
    """What is odd about where the subject of a session is, and charts of where it is and of how many views saw it there."""
    table, metadata = read_location(study, session)
    remarks = [Note(f"{session}: {remark}.", "warning") for remark in metadata.get("remarks", [])]
    caption = "Centre of the subject, in the world. Gaps: not located."
    charts = [build_location_chart(table, units, caption), build_view_chart(table, len(study.cameras[session]))]
    return [*remarks, Gallery(charts)]


def build_location_chart(location: pd.DataFrame, units: str, caption: str) -> Chart:
    """The centre of the subject over time; gaps where it was not located."""
    thinned = location.iloc[step_indices(len(location), MAX_POINTS)]
    figure = go.Figure()
    for axis, colour in zip("xyz", LINES, strict=False):
        values = thinned[axis].where(thinned["valid"]).tolist()
        figure.add_scatter(x=thinned["time_s"].round(3).tolist(), y=values, mode="lines", name=axis, line={"width": 1.5, "color": colour})
    return make_chart(figure, 280, caption, xaxis_title="time (s)", yaxis_title=f"centre ({units})", margin=MARGIN, legend=LEGEND)


def build_view_chart(location: pd.DataFrame, n_cameras: int) -> Chart:
    """In how many frames the subject was located from how many views."""
    counts = location["n_views"].where(location["valid"], 0).value_counts().reindex(range(n_cameras + 1), fill_value=0)
    shares = (counts / max(len(location), 1)).tolist()
    figure = go.Figure(go.Bar(x=[str(views) for views in counts.index], y=shares, marker={"color": LINES[0]}))
    across = {"title": {"text": "views that agreed (0: not located)"}, "type": "category"}
    up = {"title": {"text": "share of frames"}, "tickformat": ".0%", "range": [0, 1]}
    return make_chart(figure, 280, "Views from which the subject was located.", xaxis=across, yaxis=up, margin=MARGIN)


def build_survey_table(study: Study, session: str) -> Table:
    """One row per camera: its video, and what the survey of it found."""
    columns = ["camera", "video", "picture", "rate (Hz)", "frames", "with silhouette", "agreement", "faults"]
    agreement, rows = read_location(study, session)[1].get("agreement", {}), []
    for camera in study.cameras[session]:
        path = study.results.survey(session, camera)
        table, metadata = read_table(path, "survey", columns=["frame", "area", "fault"]), read_metadata(path)
        size = f"{metadata.get('video_width', '?')} × {metadata.get('video_height', '?')}"
        seen = float((table["area"].fillna(0) > 0).mean()) if len(table) else 0.0
        named = table["fault"].fillna("")
        faults = ", ".join(f"{fault} ({count})" for fault, count in named[named != ""].value_counts().items())
        agreed = agreement.get(camera, math.nan)
        cells = (Cell(format_share(share), share=share) if math.isfinite(share) else Cell("–", "muted") for share in (seen, agreed))
        found = *cells, Cell(faults or "none", "" if faults else "muted")
        part = read_part(metadata)
        video = f"{metadata.get('video', '')} ({part.crop})" if part else metadata.get("video", "")
        rows.append(make_row(camera, video, size, format_number(metadata.get("rate") or None, 2), len(table), *found))
    return Table(
        columns, rows, frozenset({"picture", "rate (Hz)", "frames", "with silhouette", "agreement"}), write_caption("survey", agreed=AGREED)
    )


def calibration_quality(study: Study, rig: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Reprojection errors per camera of `rig`, and what else is known about its calibration; empty if there is none."""
    path = study.results.calibration_quality(rig)
    return (read_table(path, "calibration"), read_metadata(path)) if path.exists() else (pd.DataFrame(), {})


def build_calibration(study: Study, rig: str) -> list[Table | Note | Fold]:
    """Errors of each camera of a rig; with the distance to the truth where that is known."""
    table, metadata = calibration_quality(study, rig)
    source, units = study.rigs[rig].calibration, study.rigs[rig].units
    if table.empty or table["mean_px"].isna().all():
        return [Note(f"Rig {rig}: the calibration was given ({source}); nothing is known about its errors.")]
    further = {
        column: OTHERS.get(column, column.replace("_", " ")).format(units=units)
        for column in table.columns
        if column != "camera" and column not in BOARD_ERRORS
    }
    truth = metadata.get("truth") or {}
    true_labels = {key: label.format(units=units) for key, label in TRUTH.items()} if truth else {}
    columns = ["camera", *BOARD_ERRORS.values(), *further.values(), *true_labels.values()]
    rows = []
    for row in table.to_dict("records"):
        errors = [_show(row[key], 0 if key.startswith("n_") else 3) for key in BOARD_ERRORS]
        errors += [format_share(row[key]) if key == "coverage" else _show(row[key], 2) for key in further]
        known = truth.get(row["camera"], {})
        rows.append(make_row(row["camera"], *errors, *(_show(known.get(key), 2) for key in true_labels)))
    caption = write_caption("calibration", rig=rig, row=study.rigs[rig], held_out=metadata.get("n_held_out"), truth=truth)
    entries = [(key, value) for key, value in list_entries(metadata) if key.partition(".")[0] not in NO_ENTRIES]
    more = Table(["key", "value"], [make_row(key.replace("_", " "), _show(value, 4)) for key, value in entries])
    tables = [found for found in (_build_pairs(metadata.get("pairs") or [], units), more) if found.rows]
    folded = [Fold(f"More about the calibration of {rig}", tables)] if tables else []
    return [*_tell_verdict(rig, metadata), Table(columns, rows, frozenset(columns[1:]), caption), *folded]


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


def _build_pairs(pairs: list[Mapping[str, Any]], units: str) -> Table:
    labels = {"n_shared": "shared views", **PIXEL_ERRORS, "mean_world": OTHERS["mean_world"].format(units=units)}
    rows = [make_row(f"{row['one']}, {row['other']}", *(_show(row[key], 0 if key == "n_shared" else 3) for key in labels)) for row in pairs]
    columns = ["pair of cameras", *labels.values()]
    return Table(columns, rows, frozenset(columns[1:]), "Errors of each pair of cameras alone.")


def _show(value: Any, decimals: int) -> str:
    if isinstance(value, int | float):
        return format_number(float(value), decimals)
    return "–" if value is None else str(value)
