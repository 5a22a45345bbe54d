"""The doctor's page: every check, and what the calibration says drawn into every view."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import plotly.graph_objects as go

from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.data.shrinking import Picture as Pixels
from bkind3d.data.spacing import spread_indices, step_indices
from bkind3d.doctor.checks import ORDER, Cause, Check, group_checks, sort_checks, summarise
from bkind3d.doctor.pictures import choose_moment, choose_spacing, draw_epipolar_lines, draw_world, list_world_lines, outline, tile_views
from bkind3d.doctor.sessions import Examined, measure_distance
from bkind3d.geometry.cameras import Array, Camera
from bkind3d.report.elements import Cell, Chart, Fold, Note, Page, Picture, Section, Table, make_chart, make_row
from bkind3d.report.overlays import draw_grid, encode_jpeg
from bkind3d.report.palette import ACCENT, LINES
from bkind3d.report.recordings import build_location_chart
from bkind3d.report.rendering import write_caption, write_page
from bkind3d.study.study import Study

#: Moments of the crops, their side in pixels, and points of a line over time.
_MOMENTS, _CROP, _MAX_POINTS = 8, 128, 1500
_STYLES = {"pass": "good", "warning": "warning", "failure": "bad"}


def write_doctor_page(study: Study, examined: Sequence[Examined], checks: Sequence[Check], path: Path) -> None:
    """Write the page of all examined sessions."""
    counts = summarise(checks)["counts"]
    facts = [f"{counts['failure']} failures", f"{counts['warning']} warnings", f"{counts['pass']} passed"]
    lead = "Failures first; what was found in several places stands there once. Each says what to do next."
    sections = [Section("checks", "Checks", _show_checks(study, examined, checks), lead)]
    pictured = choose_pictured(examined, study.config.report.max_sessions) if study.config.report.pictures else set()
    for entry in examined:
        shown = entry.name in pictured
        left_out = Note(write_caption("pictured", number=len(pictured), session=entry.name), "info")
        seen = [*_show_views(entry), *_show_epipolar(entry)] if shown else [left_out]
        way: Chart | Note = Note("The subject is not located yet; crops and its way are shown after `snakemake`.", "info")
        if entry.location is not None:
            way = build_location_chart(entry.location, entry.units, "Where the subject's centre is; gaps where it was not located.")
        rig, crops = [build_rig_chart(entry)] if entry.cameras else [], _show_crops(study, entry) if shown else []
        sections.append(Section(f"session-{entry.name}", entry.name, [*seen, *rig, way, *crops]))
    write_page(Page("Doctor", study.config.report.title, facts, sections, back="report.html"), "sessions/", path)


def choose_pictured(examined: Sequence[Examined], limit: int) -> set[str]:
    """Names of the sessions of which pictures are shown, at most `limit`: those with failures first, then those with warnings."""
    ordered = sorted(examined, key=lambda entry: min((ORDER.index(check.status) for check in entry.checks), default=ORDER.index("pass")))
    return {entry.name for entry in ordered[:limit]}


def _show_checks(study: Study, examined: Sequence[Examined], checks: Sequence[Check]) -> list[Any]:
    """Causes, each with how often and where it was found, and with a picture where a camera shows it; then every check."""
    causes = group_checks(checks)
    notes = [Note(str(cause.first.to_error()), "warning") for cause in causes if cause.first.status == "failure"]
    rows = [
        make_row(Cell(cause.first.status, _STYLES[cause.first.status]), len(cause.checks), *_tell(cause.first), cause.list_places())
        for cause in causes
    ]
    columns = ["status", "times", "check", "found, such as", "next step", "where"]
    shown = _show_causes(examined, [cause for cause in causes if cause.first.status != "pass"]) if study.config.report.pictures else []
    cells = ((check.session, check.camera, *_tell(check)) for check in sort_checks(checks))
    every = [make_row(Cell(check.status, _STYLES[check.status]), *more) for check, more in zip(sort_checks(checks), cells, strict=True)]
    fold = Fold("Every check", [Table(["status", "session", "camera", "check", "found", "next step"], every)])
    return [*(notes or [Note("No check failed.", "good")]), Table(columns, rows, frozenset({"times"})), *shown, fold]


def _tell(check: Check) -> tuple[str, str, str]:
    return check.what, check.sentence, check.next_step


def _show_causes(examined: Sequence[Examined], causes: Sequence[Cause]) -> list[Any]:
    """What the cameras show where something was found, one picture for each cause, the subject's silhouette outlined."""
    sessions = {entry.name: entry for entry in examined}
    drawn = {}
    for cause in causes:
        check = next((one for one in cause.checks if one.camera in getattr(sessions.get(one.session), "samples", {})), None)
        picture = draw_silhouette(sessions[check.session], check.camera) if check else None
        if check and picture is not None:
            drawn[f"{check.what}: {check.session}, {check.camera}"] = picture
    return [Picture(encode_jpeg(tile_views(drawn)), "One picture for each cause, with the silhouettes' outlines")] if drawn else []


def draw_silhouette(entry: Examined, camera: str) -> Pixels | None:
    """The picture of a camera in which most is seen, with the outline of what is taken for the subject; none without a picture."""
    pictures, found = entry.samples[camera].pictures, entry.silhouettes.get(camera, {})
    if not pictures:
        return None
    frame = max(pictures, key=lambda number: found[number].clusters[0, 0] if number in found and len(found[number].clusters) else 0.0)
    return outline(pictures[frame], found[frame]) if frame in found else pictures[frame]


def _find_cube(entry: Examined, frame: int) -> tuple[Array, float] | None:
    """The located cube nearest in time."""
    if entry.location is None or entry.side is None or not entry.location["valid"].any():
        return None
    known = entry.location[entry.location["valid"]]
    row = known.iloc[(known["frame"] - frame).abs().argmin()]
    return row[["x", "y", "z"]].to_numpy(np.float64), entry.side


def _fit(camera: Camera, picture: Pixels) -> Camera:
    return camera.resized((picture.shape[1], picture.shape[0]))


def _show_views(entry: Examined) -> list[Any]:
    usable = [name for name, sample in entry.samples.items() if sample.pictures]
    if not usable:
        return [Note("No picture could be decoded.", "warning")]
    moment, drawn = choose_moment(entry.silhouettes), {}
    frame = moment if moment is not None else min(min(sample.pictures, default=0) for sample in entry.samples.values())
    spacing = choose_spacing(measure_distance(entry.cameras)) if entry.cameras else 0.0
    cube = _find_cube(entry, frame)
    for name in usable:
        picture = min(entry.samples[name].pictures.items(), key=lambda numbered: abs(numbered[0] - frame))[1]
        if name in entry.cameras:
            picture = draw_world(picture, _fit(entry.cameras[name], picture), spacing, cube)
        drawn[name] = picture
    mosaic = Picture(encode_jpeg(tile_views(drawn)), f"All views of {entry.name}, with the world's axes")
    if not entry.cameras:
        return [mosaic, Note("Without a calibration, nothing can be drawn into the pictures.", "info")]
    return [Note(write_caption("world", spacing=spacing, units=entry.units, cube=cube is not None)), mosaic]


def _show_epipolar(entry: Examined) -> list[Any]:
    silhouettes = {name: found for name, found in entry.silhouettes.items() if name in entry.cameras}
    frame = choose_moment(silhouettes)
    if frame is None:
        return [Note("No moment has silhouettes in two calibrated views, so no epipolar lines are drawn.", "info")] if entry.cameras else []
    moment = {name: found[frame] for name, found in silhouettes.items()}
    pictures = {name: entry.samples[name].pictures[frame] for name in moment}
    cameras = {name: _fit(entry.cameras[name], picture) for name, picture in pictures.items()}
    source = max(moment, key=lambda name: moment[name].clusters[0, 0] if len(moment[name].clusters) else 0)
    drawn, distances = draw_epipolar_lines(pictures, cameras, moment, source, 5 * measure_distance(entry.cameras))
    titled = {f"{name}: {distances[name]:.1f} px from the line" if name in distances else name: picture for name, picture in drawn.items()}
    picture = Picture(encode_jpeg(tile_views(titled)), f"Epipolar lines of {source} in the other views")
    return [Note(write_caption("epipolar", frame=frame, source=source)), picture]


def build_rig_chart(entry: Examined) -> Chart:
    """The cameras, floor, axes and the subject's way in 3D, to turn with the mouse."""
    figure, distance = go.Figure(), measure_distance(entry.cameras)
    spacing = choose_spacing(distance)
    for name, lines, colour, thickness in list_world_lines(spacing, _find_cube(entry, 0)):
        _add_lines(figure, lines, f"rgb{colour}", name, 2 * thickness - 1)
    for index, camera in enumerate(entry.cameras.values()):
        _add_lines(figure, _list_camera_lines(camera, 0.15 * distance), LINES[index % len(LINES)], camera.name, 3)
    centres = np.stack([camera.centre for camera in entry.cameras.values()])
    places = dict(zip("xyz", centres.T.tolist(), strict=True))
    figure.add_scatter3d(**places, mode="text", text=list(entry.cameras), showlegend=False)
    if entry.location is not None and entry.location["valid"].any():
        way = entry.location[entry.location["valid"]]
        way = way.iloc[step_indices(len(way), _MAX_POINTS)]
        places = way[["x", "y", "z"]].to_dict("list")
        figure.add_scatter3d(**places, mode="lines", name="subject", line={"width": 3, "color": ACCENT})
    scene = {"aspectmode": "data", **{f"{axis}axis": {"title": {"text": f"{axis} ({entry.units})"}} for axis in "xyz"}}
    layout = {"scene": scene, "margin": {"l": 0, "r": 0, "t": 10, "b": 0}, "legend": {"orientation": "h"}}
    caption = "Cameras (their pictures' outline as a pyramid), floor, axes and the subject's way. Drag to turn."
    return make_chart(figure, 520, caption, **layout)


def _list_camera_lines(camera: Camera, depth: float) -> list[Array]:
    """A pyramid from the camera's centre to the corners of its picture, `depth` away."""
    width, height = camera.size
    corners = np.array([[0, 0, 1], [width - 1, 0, 1], [width - 1, height - 1, 1], [0, height - 1, 1]]) @ np.linalg.inv(camera.matrix).T
    world = (depth * corners - camera.translation) @ camera.rotation
    sides = [np.stack([world[index], world[(index + 1) % 4]]) for index in range(4)]
    return sides + [np.stack([camera.centre, corner]) for corner in world]


def _add_lines(figure: go.Figure, lines: Sequence[Array], colour: str, name: str, width: int) -> None:
    flat = {name: [value for line in lines for value in (*line[:, axis].tolist(), None)] for axis, name in enumerate("xyz")}
    figure.add_scatter3d(**flat, mode="lines", name=name, line={"color": colour, "width": width}, hoverinfo="name")


def _show_crops(study: Study, entry: Examined) -> list[Any]:
    """Windows of the first frameset that was cut, spread over the session; a row per camera."""
    rows, names = [], []
    for frameset in study.list_framesets():
        paths = {name: study.results.frames(frameset, entry.name, name) for name in study.cameras[entry.name]}
        for name, path in paths.items():
            row = _read_crops(path) if path.exists() else []
            if row:
                rows.append(((), row))
                names.append(name)
        if rows:
            caption = f"The subject in windows of frameset {frameset} over time, rows: {', '.join(names)}. It has to stay in the middle."
            sheet = draw_grid(rows, [""] * _MOMENTS, head=0, size=(_CROP, _CROP))
            return [Picture(encode_jpeg(sheet), f"Windows of {entry.name}", caption)]
    return []


def _read_crops(path: Path) -> list[Pixels]:
    table = read_table(path, "frames", ["frame", "valid"])
    valid = table.loc[table["valid"], "frame"].to_numpy()
    if not len(valid) or not read_metadata(path):
        return []
    chosen = valid[spread_indices(len(valid), _MOMENTS)]
    images = read_table(path, "frames", ["frame", "image"], frames=chosen.tolist())["image"]
    decoded = (cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR_RGB) for image in images)
    return [np.asarray(cv2.resize(picture, (_CROP, _CROP), interpolation=cv2.INTER_AREA), dtype=np.uint8) for picture in decoded]
