"""What is said of a study before it runs: which sessions are done, and which models will be trained again, and why."""

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from bkind3d.config import InputError
from bkind3d.config.network import list_weights, names_no_commit
from bkind3d.data.calibration_formats import read_camera_names
from bkind3d.study.sections import TRAINING_SESSIONS, Value, find_adapter, list_entries, list_sections, means, read_stored
from bkind3d.study.study import Study

#: Sessions and files that are named in a line.
_MOST_SESSIONS, _MOST_FILES = 8, 3
#: Seconds by which clocks of machines that share a disk may differ.
_CLOCKS_DIFFER = 60


def explain_done(study: Study) -> list[str]:
    """One line per experiment: how many sessions have keypoints, and which ones wait; none before anything was computed."""
    lines = []
    for experiment in study.config.experiments:
        waiting = [name for name in study.sessions if not study.results.keypoints(experiment, name).exists()]
        done = len(study.sessions) - len(waiting)
        if done or study.results.model(experiment).exists():
            more = f" and {len(waiting) - _MOST_SESSIONS} more" if len(waiting) > _MOST_SESSIONS else ""
            rest = f"; without: {', '.join(waiting[:_MOST_SESSIONS])}{more}" if waiting else ""
            lines.append(f"experiment {experiment}: {done} of {len(study.sessions)} sessions have keypoints{rest}")
    return lines


def explain_retraining(study: Study) -> list[str]:
    """One line for every experiment that was trained before and will be trained again, with the reasons."""
    sections = list_sections(study)
    upstream = _list_upstream(study)
    files = [*_find_newer_recordings(study), *_find_other_calibrations(study)]
    lines = []
    for name, experiment in study.config.experiments.items():
        if not read_stored(study, f"training/{name}"):
            continue
        # Keys that name things, or change how a training runs, but not what comes out of it.
        harmless = tuple(f"{key} " for key in ("preset", *experiment.without_effect))
        reasons = [
            reason
            for section in (f"training/{name}", f"framesets/{experiment.frames}", *upstream)
            for reason in _compare(study, section, sections[section])
            if not reason.startswith(harmless)
        ]
        if reasons:
            lines.append(f"experiment {name} will be trained again: {'; '.join(reasons)}")
        elif files or (weights := list(_find_newer_weights(study, name))):
            # A model is known by the content of what it learned from.
            found, changes = (files, "changes the pictures that it learns from") if files else (weights, "changes its first weights")
            more = f" (and {len(found) - _MOST_FILES} more)" if len(found) > _MOST_FILES else ""
            lines.append(f"experiment {name} will be trained again if that {changes}: {'; '.join(found[:_MOST_FILES])}{more}")
    return lines


def remark_on_weights(study: Study) -> list[str]:
    """One line for every experiment whose first weights may change on the hub without anybody noticing it."""
    return [
        f"experiment {name}: model.pretrained {experiment.model.first_weights!r} names no commit: nothing is trained again when other weights "
        f"get that name; write {experiment.model.first_weights.partition('@')[0]}@COMMIT, with all 40 digits"
        for name, experiment in study.config.experiments.items()
        if names_no_commit(experiment.model)
    ]


def remark_on_clocks(study: Study) -> list[str]:
    """A line where recordings or settings of results are from the future, by the clock of this machine: clocks of cameras and computers go wrong."""
    videos = (path for session, cameras in study.cameras.items() for camera in cameras for path in study.find_videos(session, camera))
    settings = (str(path.relative_to(study.folder)) for path in study.results.settings("any").parent.rglob("*.json"))
    late = []
    for path in (*videos, *settings):
        with suppress(OSError):
            if os.stat(study.folder / path).st_mtime > time.time() + _CLOCKS_DIFFER:
                late.append(path)
    more = f" (and {len(late) - 1} more)" if len(late) > 1 else ""
    effect = "until then, every run makes again what is made of it, or does not see that it has changed"
    return [f"{late[0]}{more} was written in the future: {effect}; set the clock right, or the file's time (touch)"] if late else []


def _list_upstream(study: Study) -> list[str]:
    """Files of settings that what models learn from depends on, besides their own."""
    simulation = study.config.simulation
    sessions = study.list_sessions("train")
    rigs = dict.fromkeys(study.sessions[name].rig for name in sessions)
    boards = sorted({study.rigs[rig].board for rig in rigs} - {""})
    upstream = ["survey", "location", TRAINING_SESSIONS, *(["calibration"] if boards else []), *(f"boards/{board}" for board in boards)]
    upstream += [f"simulation/sessions/{name}" for name in sessions if name in simulation.sessions]
    return upstream + [f"simulation/rigs/{rig}" for rig in rigs if rig in simulation.rigs]


def _find_newer_recordings(study: Study) -> Iterator[str]:
    """Files of the training sessions that were written after they were surveyed."""
    for session in study.list_sessions("train"):
        for camera, row in study.cameras[session].items():
            sources = [study.find_path(text) for text in (*row.videos, row.frame_map, row.mask, row.background, row.silhouettes) if text]
            yield from _list_newer(study, sources, study.results.survey(session, camera))


def _find_newer_weights(study: Study, name: str) -> Iterator[str]:
    """Files of an experiment's first weights that were written after it was trained."""
    paths = [os.path.relpath(path, study.folder) for path in list_weights(study.config.experiments[name].model, study.folder)]
    yield from _list_newer(study, paths, study.results.model(name))


def _find_other_calibrations(study: Study) -> Iterator[str]:
    """Rigs of the training sessions that will be calibrated again: from newer files, or with other cameras."""
    for rig in dict.fromkeys(study.sessions[name].rig for name in study.list_sessions("train")):
        row = study.rigs[rig]
        made = study.results.calibration(rig)
        named = [study.find_path(text) for text in (row.calibration, row.intrinsics, row.world_points) if text]
        filmed = chain.from_iterable(study.find_board_videos(rig).values())
        yield from _list_newer(study, (*named, *filmed, *study.find_board_frame_maps(rig).values()), made)
        try:
            before, now = set(read_camera_names(made)), set(study.list_rig_cameras(rig))
        except InputError:  # not there, or damaged: then it is made anew in any case
            continue
        if before != now:
            yield f"rig {rig} is calibrated again, because of {', '.join(sorted(before ^ now))}"


def _list_newer(study: Study, paths: Iterable[str], made: Path) -> Iterator[str]:
    """A line for every file that was written, or linked to, after what was made of it."""
    for path in paths:
        with suppress(OSError):
            if max(os.stat(study.folder / path).st_mtime, os.lstat(study.folder / path).st_mtime) > made.stat().st_mtime:
                yield f"{path} is newer than {made.relative_to(study.folder)}"


def _compare(study: Study, name: str, value: Value) -> list[str]:
    """What differs between a stored file of settings and the settings now, key by key."""
    stored = read_stored(study, name)
    if not stored or means(stored, name, value):
        return []
    try:
        old = dict(list_entries(json.loads(stored)))
    except json.JSONDecodeError:
        return [f"{study.results.settings(name).relative_to(study.folder)} is damaged"]
    new = dict(list_entries(find_adapter(name, value).dump_python(value, mode="json")))
    if name == TRAINING_SESSIONS:
        return _compare_sessions(old, new)
    prefix = "" if name.startswith("training/") else f"{name.replace('/', '.')}."
    changed = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return [f"{prefix}{key} {old.get(key, 'unset')} -> {new.get(key, 'unset')}" for key in changed]


def _compare_sessions(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    before, now = ({key.split(".")[0] for key in entries} for entries in (old, new))
    changed = {key.split(".")[0] for key in {**old, **new} if old.get(key) != new.get(key)} & before & now
    reasons = [f"session {name} is new in training" for name in sorted(now - before)]
    reasons += [f"session {name} is no longer in training" for name in sorted(before - now)]
    return reasons + [f"session {name} changed in the sheets" for name in sorted(changed)]
