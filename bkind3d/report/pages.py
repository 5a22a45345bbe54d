"""The report and the sessions' pages: which sections they have, and what stands in them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bkind3d.config import InputError
from bkind3d.data.keypoints import SessionKeypoints
from bkind3d.data.parquet import read_table
from bkind3d.data.progress import track
from bkind3d.data.spacing import step_indices
from bkind3d.report.bands import Band, read_behaviours, read_clusters
from bkind3d.report.behaviours import build_actions_table, build_class_table, build_confusion, read_confusion
from bkind3d.report.body_parts import build_identity_table, build_nearest_table, build_side_table
from bkind3d.report.candidates import has_reference, rows_of
from bkind3d.report.contents import find_skeleton, list_given_names, read_joints, read_location, read_named_keypoints, read_results
from bkind3d.report.elements import Fold, Gallery, Heading, Note, Page, Picture, Player, Section
from bkind3d.report.findings import (
    Finding,
    find_action_faults,
    find_calibration_faults,
    find_keypoint_faults,
    find_pose_faults,
    find_session_faults,
    write_findings,
)
from bkind3d.report.health import KeypointHealth, build_keypoint_table, examine_keypoints
from bkind3d.report.learning import build_learning_charts, split_terms
from bkind3d.report.movements import build_movements
from bkind3d.report.origin import build_hashes, build_settings, build_stages, build_versions
from bkind3d.report.overlays import draw_session, encode_jpeg
from bkind3d.report.player import build_player
from bkind3d.report.pose import (
    build_group_table,
    build_joint_chart,
    build_label_chart,
    build_pose_chart,
    build_pose_table,
    build_upstream_table,
    read_joint_errors,
    read_label_efficiency,
)
from bkind3d.report.recordings import (
    Located,
    build_calibration,
    build_location_chart,
    build_remarks,
    build_session_table,
    build_survey_table,
    build_view_chart,
    summarise_location,
)
from bkind3d.report.rendering import write_page
from bkind3d.report.sprites import Sprites, draw_sprites
from bkind3d.study.study import Study

NO_JOINTS = "no reference: there are no joints to judge the keypoints by."
NO_BEHAVIOURS = "no reference: there are no behaviours to recognise, or their recognition is turned off."

#: What a session's page has room for, so that it stays below 25 MB: positions of keypoints over time, and characters of small pictures.
POSITIONS, PICTURE_ROOM = 540_000, 12_000_000

Health = dict[str, dict[str, KeypointHealth]]


def write_report(study: Study, path: Path) -> None:
    """Write the report of the whole study."""
    located = {session: summarise_location(study, session) for session in study.sessions}
    health = examine_all(study, located)
    rigs = list(dict.fromkeys(row.rig for row in study.sessions.values()))
    # The limit is on what is embedded: with several experiments, each shows fewer sessions.
    shown = study.list_shown(max(study.config.report.max_sessions // len(study.config.experiments), 1))
    names = ", ".join(study.config.experiments)
    facts = [f"{len(study.sessions)} sessions", f"{sum(entry.n_frames for entry in located.values())} frames", f"experiments: {names}"]
    sections = [
        Section("warnings", "Warnings", write_findings(collect_findings(study, located, health, rigs))),
        Section(
            "results",
            "Pose",
            _show_results(study),
            "Discovered keypoints, mapped to annotated joints by a linear regression, beside the floors that any method must beat.",
        ),
        Section(
            "behaviours",
            "Behaviours",
            _show_behaviours(study),
            "Behaviours recognised from windows of keypoints, on sessions that the classifier has not seen.",
        ),
        Section(
            "movements",
            "Movements",
            [element for name in study.config.experiments for element in (Heading(name), *build_movements(study, name, shown))],
            "Windows of keypoints in clusters of like movement, found without labels, for looking at. Each clip shows the windows in the "
            "middle of a cluster, turned to lie one way.",
        ),
        *(_show_keypoints(study, name, shown, located, health[name]) for name in study.config.experiments),
        Section("learning", "Learning curves", _show_learning(study)),
        Section(
            "recordings",
            "Recordings",
            _show_recordings(study, located, shown),
            "Where the subject was, found from silhouettes in all views. Each session has a page of its own.",
        ),
        Section("calibration", "Calibration", [element for rig in rigs for element in build_calibration(study, rig)]),
        Section("run", "What this run was", _show_run(study, list(study.sessions))),
    ]
    write_page(Page(study.config.report.title, "Keypoints in 3D, discovered without annotation", facts, sections), "sessions/", path)


def write_session_page(study: Study, session: str, path: Path) -> None:
    """Write the page of one session; where its behaviours are annotated, they are shown over time."""
    if session not in study.sessions:
        raise InputError(f"session {session!r} is not in the sheet of sessions; known: {', '.join(study.sessions)}")
    row = study.sessions[session]
    located = {session: summarise_location(study, session)}
    health = examine_all(study, located)
    facts = [
        f"subject {row.subject}",
        f"rig {row.rig}",
        f"split {row.split}",
        f"{located[session].n_frames} frames",
        *(f"{key} {value}" for key, value in row.more.items()),
    ]
    found = [*find_session_faults(study, located), *find_calibration_faults(study, [row.rig])]
    for name in study.config.experiments:
        found += find_keypoint_faults(name, health[name])
    sections = [
        Section("warnings", "Warnings", write_findings(found)),
        *(_show_session_keypoints(study, name, session, located[session], health[name][session]) for name in study.config.experiments),
        Section("recordings", "Recording", _show_session_recording(study, session, located[session])),
        Section("calibration", "Calibration", build_calibration(study, row.rig)),
        Section("run", "What this run was", _show_run(study, [session])),
    ]
    write_page(Page(session, study.config.report.title, facts, sections, back="../report.html"), "", path)


def examine_all(study: Study, located: dict[str, Located]) -> Health:
    """Health of the keypoints, by experiment and session."""
    health: Health = {name: {} for name in study.config.experiments}
    for session in track(located, "keypoints", unit="session"):
        location, _ = read_location(study, session)
        for name in study.config.experiments:
            table = read_table(study.results.keypoints(name, session), "keypoints")
            table["keypoint"] = table["keypoint"].replace(list_given_names(study, name, session))
            health[name][session] = examine_keypoints(table, location, located[session].side)
    return health


def collect_findings(study: Study, located: dict[str, Located], health: Health, rigs: Sequence[str]) -> list[Finding]:
    """Everything to know first about a study."""
    found = []
    pose, actions = read_results(study.results.pose_table()), read_results(study.results.actions_table())
    for name in study.config.experiments:
        found += [*find_pose_faults(pose, name), *find_action_faults(actions, name), *find_keypoint_faults(name, health[name])]
    return [*found, *find_session_faults(study, located), *find_calibration_faults(study, list(rigs))]


def _show_results(study: Study) -> list[Any]:
    elements: list[Any] = []
    for name in study.config.experiments:
        rows = rows_of(read_results(study.results.pose_table()), name)
        dataset = next((f"dataset {value}" for value in rows.get("dataset", pd.Series(dtype=str)).dropna()), "")
        elements.append(Heading(name, dataset))
        if rows.empty:
            elements.append(Note(f"{name}: {NO_JOINTS}"))
            continue
        elements.append(build_pose_table(rows))
        if has_reference(rows):
            elements.append(build_pose_chart(rows))
        errors, unit = read_joint_errors(study, name)
        if len(errors):
            elements += [Heading(f"{name}: error of each joint"), build_joint_chart(errors, unit)]
        curve = read_label_efficiency(study, name)
        if len(curve):
            elements += [Heading(f"{name}: how many labelled frames are enough?"), build_label_chart(curve, unit)]
        folds = {
            "Errors by subject, session and behaviour": build_group_table(study, name, unit),
            "As the authors' public code measures": build_upstream_table(study, name, unit),
        }
        elements += [Fold(title, [table]) for title, table in folds.items() if table]
        elements += _show_identity(study, name, unit)
    return elements


def _show_identity(study: Study, name: str, unit: str) -> list[Any]:
    tables = {
        "do keypoints keep to their part of the body?": build_identity_table(study, name),
        "what each keypoint follows": build_nearest_table(study, name, unit),
        "left and right": build_side_table(study, name),
    }
    return [element for title, table in tables.items() if table for element in (Heading(f"{name}: {title}"), table)]


def _show_behaviours(study: Study) -> list[Any]:
    elements: list[Any] = []
    for name in study.config.experiments:
        rows = rows_of(read_results(study.results.actions_table()), name)
        elements.append(Heading(name))
        if not has_reference(rows, "accuracy"):
            elements.append(Note(f"{name}: {NO_BEHAVIOURS}"))
            continue
        elements.append(build_actions_table(rows))
        classes = build_class_table(study, name)
        elements += [Fold("Each behaviour", [classes])] if classes else []
        counts = {features: read_confusion(study, name, features) for features in ("discovered", "ground_truth")}
        elements.append(Gallery([build_confusion(table, features) for features, table in counts.items() if len(table)]))
    return elements


def _show_learning(study: Study) -> list[Any]:
    elements: list[Any] = []
    for name in study.config.experiments:
        history = read_table(study.results.history(name), "history")
        terms = split_terms(history)
        hint = f"{history['step'].max() + 1} steps in {history['seconds'].max() / 60:.1f} minutes" if len(history) else ""
        elements += [Heading(name, hint), Gallery(build_learning_charts(terms)) if terms else Note("The history is empty.")]
    return elements


def _show_keypoints(
    study: Study, name: str, sessions: Sequence[str], located: dict[str, Located], health: dict[str, KeypointHealth]
) -> Section:
    """The keypoints of some sessions in the report of the study."""
    elements: list[Any] = []
    for session in track(sessions, f"{name}: pictures", unit="session"):
        row = study.sessions[session]
        aside = f"subject {row.subject}, split {row.split}; its page plays " + (
            "all views" if study.config.report.pictures else "more of it"
        )
        elements.append(Heading(session, aside, link=f"sessions/{session}.html"))
        keypoints = read_named_keypoints(study, name, session)
        if not keypoints.located.any():
            elements.append(Note(f"{session}: no frame has keypoints.", "warning"))
            continue
        elements += _draw_mosaic(study, name, session)
        chosen = step_indices(len(keypoints.frames), study.config.report.max_frames)
        band = read_clusters(study.results.movements(name), session, keypoints)
        elements.append(_build_player(study, name, session, keypoints, chosen, band=band))
        elements.append(_fold_numbers(health[session], located[session]))
    hidden = len(health) - len(sessions)
    lead = f"Shown: {len(sessions)} of {len(health)} sessions; the others are on pages of their own." if hidden else ""
    return _make_section(study, name, elements, lead)


def _show_session_keypoints(study: Study, name: str, session: str, located: Located, health: KeypointHealth) -> Section:
    """The keypoints of a session on its own page: all views and the skeleton, played."""
    keypoints = read_named_keypoints(study, name, session)
    if not keypoints.located.any():
        return _make_section(study, name, [Note(f"{session}: no frame has keypoints.", "warning")])
    n_experiments = len(study.config.experiments)
    chosen = step_indices(len(keypoints.frames), max(POSITIONS // len(keypoints.names) // n_experiments, 1))
    sprites = draw_sprites(study, name, session, keypoints, chosen, PICTURE_ROOM // n_experiments) if study.config.report.pictures else None
    behaviours = study.sessions[session].behaviours
    band = read_behaviours(study.folder / study.find_path(behaviours), keypoints) if behaviours else None
    elements: list[Any] = [_build_player(study, name, session, keypoints, chosen, sprites, band)]
    mosaic = _draw_mosaic(study, name, session)
    elements += [Fold("Some moments, larger", mosaic)] if mosaic else []
    return _make_section(study, name, [*elements, _fold_numbers(health, located)])


def _make_section(study: Study, name: str, elements: list[Any], lead: str = "") -> Section:
    title = f"Keypoints: {name}" if len(study.config.experiments) > 1 else "Keypoints"
    drawn = "projected into every view" if study.config.report.pictures else "in 3D; pictures are left out (report.pictures)"
    text = f"Keypoints of the experiment {name}, {drawn}; lines are the strongest learned edges (maximum spanning tree)."
    return Section(f"keypoints-{name}", title, elements, f"{text} {lead}".strip())


def _draw_mosaic(study: Study, name: str, session: str) -> list[Picture]:
    mosaic = draw_session(study, name, session, study.config.report.overlay_frames) if study.config.report.pictures else None
    return [] if mosaic is None else [Picture(encode_jpeg(mosaic), f"Keypoints of {name} drawn onto every view of {session}")]


def _build_player(
    study: Study,
    name: str,
    session: str,
    keypoints: SessionKeypoints,
    chosen: NDArray[np.int64],
    sprites: Sprites | None = None,
    band: Band | None = None,
) -> Player:
    location, _ = read_location(study, session)
    identifier = f"player-{name}-{session}"
    return build_player(identifier, keypoints, chosen, find_skeleton(study, name), location, read_joints(study, session), sprites, band)


def _fold_numbers(health: KeypointHealth, located: Located) -> Fold:
    return Fold("Each keypoint in numbers", [build_keypoint_table(health, located.units, located.side)])


def _show_recordings(study: Study, located: dict[str, Located], shown: Sequence[str]) -> list[Any]:
    elements: list[Any] = [Heading("The doctor's page: every check of videos, calibration and synchronisation", link="doctor.html")]
    elements.append(build_session_table(study, located))
    for session in shown:
        elements += [
            Heading(session, link=f"sessions/{session}.html"),
            *build_remarks(study, session),
            Gallery([build_location_chart(study, session, located[session].units), build_view_chart(study, session)]),
        ]
    return elements


def _show_session_recording(study: Study, session: str, located: Located) -> list[Any]:
    charts = Gallery([build_location_chart(study, session, located.units), build_view_chart(study, session)])
    link = Heading("The doctor's checks of this session", link=f"../doctor.html#session-{session}")
    return [link, *build_remarks(study, session), build_survey_table(study, session), charts]


def _show_run(study: Study, sessions: list[str]) -> list[Any]:
    elements: list[Any] = []
    for name in study.config.experiments:
        elements += [Heading(name), *build_settings(study, name)]
    stages = build_stages(study)
    elements += [Heading("Time of each stage"), *stages] if stages else []
    return [*elements, Heading("Versions and files"), build_versions(), *build_hashes(study, sessions)]
