"""The report and the sessions' pages: which sections they have, and what stands in them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bkind3d.config import InputError
from bkind3d.data.parquet import read_table
from bkind3d.data.progress import track
from bkind3d.data.results import GROUND_TRUTH
from bkind3d.data.spacing import step_indices
from bkind3d.report import findings, pose, recordings
from bkind3d.report.behaviours import build_actions_table, build_class_table, build_confusion, read_confusion
from bkind3d.report.body_parts import build_identity_table, build_keypoint_table, build_nearest_table, build_side_table
from bkind3d.report.candidates import has_reference, is_ours, rows_of
from bkind3d.report.contents import (
    find_failure,
    find_skeleton,
    list_failures,
    read_found_joints,
    read_joints,
    read_location,
    read_named_keypoints,
    read_results,
)
from bkind3d.report.elements import Fold, Gallery, Heading, Note, Page, Picture, Section
from bkind3d.report.joints import build_joints
from bkind3d.report.movements import build_movements
from bkind3d.report.origin import build_hashes, build_learning_charts, build_settings, build_stages, build_versions, split_terms
from bkind3d.report.overlays import draw_session, encode_jpeg
from bkind3d.report.player import build_player, draw_sprites, read_behaviours, read_clusters
from bkind3d.report.rendering import write_caption, write_page
from bkind3d.study.doubts import Measure, describe_doubts
from bkind3d.study.study import Study

#: What a session's page has room for, so that it stays below 25 MB: positions of keypoints over time, and characters of small pictures.
POSITIONS, PICTURE_ROOM = 540_000, 12_000_000

#: Tables of the keypoints' health by experiment and session, and what makes them: ``bkind3d.evaluation.health.examine_sessions``.
Health = Mapping[str, Mapping[str, pd.DataFrame]]
Examine = Callable[[Study, Iterable[str]], Health]
#: Measures of what may be doubted in some sessions, and what makes them: ``bkind3d.evaluation.doubts.measure_doubts``.
Doubt = Callable[[Study, Iterable[str]], Sequence[Measure]]


def write_report(study: Study, path: Path, examine: Examine, doubt: Doubt) -> None:
    """Write the report of the whole study."""
    measures = doubt(study, study.sessions)
    located = {session: recordings.summarise_location(study, session) for session in study.sessions}
    health = examine(study, study.sessions)
    rigs = list(dict.fromkeys(row.rig for row in study.sessions.values()))
    # The limit is on what is embedded: with several experiments, each shows fewer sessions.
    shown = study.list_shown(max(study.config.report.max_sessions // len(study.config.experiments), 1))
    names = ", ".join(study.config.experiments)
    facts = [f"{len(study.sessions)} sessions", f"{sum(entry.n_frames for entry in located.values())} frames", f"experiments: {names}"]
    experiments = study.config.experiments
    failures = findings.find_failures(list_failures(study, study.sessions, is_judged=True))
    found = [
        *failures,
        *findings.find_doubts(measures),
        *findings.find_doctors_warnings(study),
        *collect_findings(study, located, health, rigs),
    ]
    sections = [
        Section("warnings", "Warnings", findings.write_findings(found)),
        Section("results", "Pose", _join(_show_results(study, name) for name in experiments), write_caption("results")),
        Section("behaviours", "Behaviours", _join(_show_behaviours(study, name) for name in experiments), write_caption("behaviours")),
        *(
            [Section("joints", "Joints", fitted, write_caption("joints"))]
            if (fitted := _join(build_joints(study, name) for name in experiments))
            else []
        ),
        Section(
            "movements",
            "Movements",
            _join([Heading(name), *build_movements(study, name, shown)] for name in experiments),
            write_caption("movements"),
        ),
        *(_show_keypoints(study, name, shown, located, health[name], measures) for name in experiments),
        Section("learning", "Learning curves", _join(_show_learning(study, name) for name in experiments)),
        Section("recordings", "Recordings", _show_recordings(study, located, shown), write_caption("recordings")),
        Section("calibration", "Calibration", _join(recordings.build_calibration(study, rig) for rig in rigs)),
        Section("run", "What this run was", _show_run(study, list(study.sessions), is_judged=True)),
    ]
    write_page(Page(study.config.report.title, "Keypoints in 3D, discovered without annotation", facts, sections), "sessions/", path)


def write_session_page(study: Study, session: str, path: Path, examine: Examine, doubt: Doubt) -> None:
    """Write the page of one session; where its behaviours are annotated, they are shown over time."""
    if session not in study.sessions:
        raise InputError("", f"session {session!r} is not in the sheet of sessions", f"known: {', '.join(study.sessions)}")
    row = study.sessions[session]
    located = {session: recordings.summarise_location(study, session)}
    health = examine(study, [session])
    facts = [f"subject {row.subject}", f"rig {row.rig}", f"split {row.split}", f"{located[session].n_frames} frames"]
    facts += [f"{key} {value}" for key, value in row.more.items()]
    measures = doubt(study, [session])
    found = [*findings.find_failures(list_failures(study, [session], is_judged=False)), *findings.find_doubts(measures)]
    found += [*findings.find_doctors_warnings(study, session), *findings.find_session_faults(study, located)]
    found += findings.find_calibration_faults(study, [row.rig])
    for name in study.config.experiments:
        found += findings.find_keypoint_faults(name, health[name])
    sections = [
        Section("warnings", "Warnings", findings.write_findings(found)),
        *(_show_keypoints(study, name, [session], located, health[name], measures, alone=True) for name in study.config.experiments),
        Section("recordings", "Recording", _show_recording(study, session, located[session])),
        Section("calibration", "Calibration", recordings.build_calibration(study, row.rig)),
        Section("run", "What this run was", _show_run(study, [session], is_judged=False)),
    ]
    write_page(Page(session, study.config.report.title, facts, sections, back="../report.html"), "", path)


def collect_findings(study: Study, located: dict[str, recordings.Located], health: Health, rigs: Sequence[str]) -> list[Note]:
    """Everything to know first about a study."""
    found = []
    poses, actions = read_results(study.results.pose_table()), read_results(study.results.actions_table())
    for name in study.config.experiments:
        found += [
            *findings.find_pose_faults(poses, name, find_failure(study.results.pose(name))),
            *findings.find_action_faults(actions, name, find_failure(study.results.actions(name))),
            *findings.find_keypoint_faults(name, health[name]),
        ]
    return [*found, *findings.find_session_faults(study, located), *findings.find_calibration_faults(study, list(rigs))]


def _join(parts: Iterable[Sequence[Any]]) -> list[Any]:
    return [element for part in parts for element in part]


def _title(name: str, elements: Mapping[str, Any]) -> list[Any]:
    """Those of the elements that there are, each below its title."""
    return _join([Heading(f"{name}: {title}"), element] for title, element in elements.items() if element)


def _fold(elements: Mapping[str, Any]) -> list[Fold]:
    """Those of the elements that there are, each behind its title."""
    return [Fold(title, [element]) for title, element in elements.items() if element]


def _show_results(study: Study, name: str) -> list[Any]:
    rows, method = rows_of(read_results(study.results.pose_table()), name), study.config.experiments[name].description.title
    heading = Heading(name, next((f"dataset {value}" for value in rows.get("dataset", pd.Series(dtype=str)).dropna()), ""))
    if failed := find_failure(study.results.pose(name)):
        return [heading, Note(f"{name}: {failed}.", "warning")]
    if rows.empty:
        return [heading, Note(f"{name}: no reference: there are no joints to judge the keypoints by.")]
    errors, unit = pose.read_joint_errors(study, name)
    curve = pose.read_label_efficiency(study, name)
    charts = {
        "error of each joint": pose.build_joint_chart(errors, unit, method) if len(errors) else None,
        "how many labelled frames are enough?": pose.build_label_chart(curve, unit, method) if len(curve) else None,
    }
    tables = {
        "Errors by subject, session and behaviour": pose.build_group_table(study, name, unit),
        "As the authors' public code measures": pose.build_upstream_table(study, name, unit, method),
    }
    parts = {
        "do keypoints keep to their part of the body?": build_identity_table(study, name),
        "what each keypoint follows": build_nearest_table(study, name, unit),
        "left and right": build_side_table(study, name),
    }
    compared = [pose.build_pose_chart(rows, method)] if has_reference(rows) else []
    return [heading, pose.build_pose_table(rows, method), *compared, *_title(name, charts), *_fold(tables), *_title(name, parts)]


def _show_behaviours(study: Study, name: str) -> list[Any]:
    rows = rows_of(read_results(study.results.actions_table()), name)
    if failed := find_failure(study.results.actions(name)):
        return [Heading(name), Note(f"{name}: {failed}.", "warning")]
    if not has_reference(rows, "accuracy"):
        return [Heading(name), Note(f"{name}: no reference: there are no behaviours to recognise, or their recognition is turned off.")]
    counts = read_confusion(study, name).items()
    matrices = [build_confusion(table, features) for features, table in counts if is_ours(features) or features == GROUND_TRUTH]
    return [Heading(name), build_actions_table(rows), *_fold({"Each behaviour": build_class_table(study, name)}), Gallery(matrices)]


def _show_learning(study: Study, name: str) -> list[Any]:
    history = read_table(study.results.history(name), "history")
    terms = split_terms(history)
    hint = f"{history['step'].max() + 1} steps in {history['seconds'].max() / 60:.1f} minutes" if len(history) else ""
    return [Heading(name, hint), Gallery(build_learning_charts(terms)) if terms else Note("The history is empty.")]


def _show_keypoints(
    study: Study,
    name: str,
    sessions: Sequence[str],
    located: Mapping[str, recordings.Located],
    health: Mapping[str, pd.DataFrame],
    measures: Iterable[Measure],
    alone: bool = False,
) -> Section:
    """The keypoints of some sessions in the report of the study, or of one `alone` on its page."""
    pictures = study.config.report.pictures
    elements: list[Any] = []
    for session in track(sessions, f"{name}: pictures", unit="session"):
        if not alone:
            row = study.sessions[session]
            aside = f"subject {row.subject}, split {row.split}; its page plays {'all views' if pictures else 'more of it'}"
            elements.append(Heading(session, aside, link=f"sessions/{session}.html"))
        own = [measure for measure in measures if measure.session == session and measure.experiment in ("", name)]
        elements += [Note(f"Doubtful. {sentence}", "warning") for sentence in describe_doubts(own)]
        numbers = build_keypoint_table(health[session], located[session].units, located[session].side)
        played = _play(study, name, session, alone)
        elements += [*played, *_fold({"Each keypoint in numbers": numbers})] if played else []
        elements += [] if played else [Note(f"{session}: no frame has keypoints.", "warning")]
    title = f"Keypoints: {name}" if len(study.config.experiments) > 1 else "Keypoints"
    counts = {"n_shown": len(sessions), "n_sessions": len(health)}
    lead = write_caption("keypoints", name=name, pictures=pictures, skeleton=find_skeleton(study, name), **counts)
    return Section(f"keypoints-{name}", title, elements, lead)


def _play(study: Study, name: str, session: str, alone: bool) -> list[Any]:
    """The player of a session and some moments of it; nothing where it has no keypoints. On its own page it has all views and more moments."""
    keypoints, settings = read_named_keypoints(study, name, session), study.config.report
    if not keypoints.located.any():
        return []
    n_experiments, sprites = len(study.config.experiments), None
    limit = max(POSITIONS // len(keypoints.names) // n_experiments, 1) if alone else settings.max_frames
    chosen = step_indices(len(keypoints.frames), limit)
    if alone:
        behaviours = study.sessions[session].behaviours
        band = read_behaviours(study.folder / study.find_path(behaviours), keypoints) if behaviours else None
        if settings.pictures:
            sprites = draw_sprites(study, name, session, keypoints, chosen, PICTURE_ROOM // n_experiments)
    else:
        band = read_clusters(study.results.movements(name), session, keypoints)
    skeleton, joints = find_skeleton(study, name), read_joints(study, session, keypoints.frames[chosen])
    location, _ = read_location(study, session)
    player = build_player(
        f"player-{name}-{session}", keypoints, chosen, skeleton, location, joints, sprites, band, read_found_joints(study, name, session)
    )
    mosaic = draw_session(study, name, session, settings.overlay_frames) if settings.pictures else None
    if mosaic is None:
        return [player]
    picture = Picture(encode_jpeg(mosaic), f"Keypoints of {name} drawn onto every view of {session}")
    if not alone:
        return [picture, player]
    named = draw_session(study, name, session, settings.overlay_frames, kind="joints")
    others = [Fold("The same, with the joints found", [Picture(encode_jpeg(named), f"Joints of {session}")])] if named is not None else []
    return [player, Fold("Some moments, larger", [picture]), *others]


def _show_recordings(study: Study, located: Mapping[str, recordings.Located], shown: Sequence[str]) -> list[Any]:
    doctor = Heading("The doctor's page: every check of videos, calibration and synchronisation", link="doctor.html")
    charts = ([Heading(name, link=f"sessions/{name}.html"), *recordings.build_location(study, name, located[name].units)] for name in shown)
    return [doctor, recordings.build_session_table(study, located), *_join(charts)]


def _show_recording(study: Study, session: str, located: recordings.Located) -> list[Any]:
    link = Heading("The doctor's checks of this session", link=f"../doctor.html#session-{session}")
    *remarks, charts = recordings.build_location(study, session, located.units)
    return [link, *remarks, recordings.build_survey_table(study, session), charts]


def _show_run(study: Study, sessions: list[str], is_judged: bool) -> list[Any]:
    settings = _join([Heading(name), *build_settings(study, name, is_judged)] for name in study.config.experiments)
    stages = build_stages(study)
    times = [Heading("Time of each stage"), *stages] if stages else []
    return [*settings, *times, Heading("Versions and files"), build_versions(), *build_hashes(study, sessions)]
