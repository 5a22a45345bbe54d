"""The settings each stage of the workflow depends on, as small files.

A stage reads one file of ``results/config`` that holds the settings it uses and nothing else, so that a change of other
settings leaves its results alone. A file that still means the same is kept word for word: a key that a later version
adds, with a default that changes nothing, retrains nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bkind3d.config import (
    ActionsConfig,
    BoardConfig,
    EvaluationConfig,
    ExportConfig,
    JointsConfig,
    NamingConfig,
    PredictionConfig,
    ReportConfig,
    Section,
    SimulationConfig,
    StudyConfig,
)
from bkind3d.study.study import Study

#: Which sessions models are trained on, and what of them.
TRAINING_SESSIONS = "training_sessions"
#: What a file of settings holds, where that is not the class of what is in it.
_KINDS: dict[str, Any] = {
    "boards": dict[str, BoardConfig],
    TRAINING_SESSIONS: dict[str, dict[str, Any]],
    **dict.fromkeys(("study", "shown", "exported"), Study),
}
_make_adapter = cache(TypeAdapter)
#: How an experiment is judged, where nothing of that is shown.
_UNJUDGED = {"actions": ActionsConfig(), "evaluation": EvaluationConfig(), "joints": JointsConfig()}

#: What is in a file of settings: a section, or a mapping of sections or plain values, or what is said of a study.
Value = Section | dict[str, Any] | Study


def list_sections(study: Study) -> dict[str, Value]:
    """What is in every file of settings of a study, by its name (without ``.json``); those of single sessions apart."""
    config = study.config
    sections: dict[str, Value] = {key: getattr(config, key) for key in ("calibration", "survey", "location", "movements", "kinematics")}
    sections |= {"study": describe_study(study), TRAINING_SESSIONS: _describe_training_sessions(study)}
    sections |= {f"boards/{name}": {name: board} for name, board in config.boards.items()}
    sections |= {f"framesets/{name}": frameset for name, frameset in config.framesets.items()}
    sections |= {f"paper/{name}": table for name, table in config.paper.items()}
    for name, experiment in config.experiments.items():
        unnamed = experiment.model_copy(update={"naming": NamingConfig(), "prediction": PredictionConfig()})
        sections[f"prediction/{name}"] = experiment.prediction
        sections[f"joints/{name}"] = experiment.joints
        sections[f"experiments/{name}"] = unnamed.model_copy(update={"joints": JointsConfig()})
        sections[f"evaluation/{name}"] = unnamed.model_copy(update={"actions": _UNJUDGED["actions"]})
        sections[f"training/{name}"] = unnamed.model_copy(update=_UNJUDGED)
    return sections | dict(_split_simulation(config.simulation))


def describe_study(study: Study) -> Study:
    """What is said of all sessions together: settings and sheets, but not what else is made of them."""
    config = study.config.model_copy(update={"paper": {}, "export": ExportConfig()})
    return _select(study, config, study.sessions, study.rigs)


def describe_session(study: Study, session: str, is_shown: bool) -> Study:
    """What is said of a session where it is shown, or handed over: its rows of the sheets, and the settings of its keypoints."""
    config = study.config
    kept = StudyConfig(
        recordings=config.recordings,
        framesets={name: config.framesets[name] for name in study.list_framesets()},
        experiments={name: experiment.model_copy(update=_UNJUDGED) for name, experiment in config.experiments.items()},
        report=config.report if is_shown else ReportConfig(),
    )
    return _select(study, kept, [session], [study.sessions[session].rig])


def _select(study: Study, config: StudyConfig, sessions: Iterable[str], rigs: Iterable[str]) -> Study:
    """Some rows of the sheets, wherever in them they stand."""
    return Study(
        Path(),
        config,
        {name: replace(study.sessions[name], line=0) for name in sessions},
        {name: {camera: replace(row, line=0) for camera, row in study.cameras[name].items()} for name in sessions},
        {name: replace(study.rigs[name], line=0) for name in rigs},
    )


def format_sections(study: Study) -> dict[str, str]:
    """The text of every file of settings, those of single sessions apart."""
    return {name: _format(study, name, value) for name, value in list_sections(study).items()}


def format_session(study: Study, use: str, session: str) -> str:
    """The text of the file that says of a session what is shown of it (`use` is ``shown``), or handed over (``exported``)."""
    return _format(study, f"{use}/{session}", describe_session(study, session, use == "shown"))


def _format(study: Study, name: str, value: Value) -> str:
    """The text of a file of settings: what is there already where that means the same."""
    stored = read_stored(study, name)
    return stored if means(stored, name, value) else find_adapter(name, value).dump_json(value, indent=1).decode()


def find_adapter(name: str, value: Value) -> TypeAdapter[Any]:
    """What reads and writes the file of settings `name`."""
    adapter: TypeAdapter[Any] = _make_adapter(_KINDS.get(name.partition("/")[0], type(value)))
    return adapter


def format_sessions(study: Study, sessions: Iterable[str]) -> str:
    """What the sheet of sessions says of some of them, as later stages read it: every column there, no comments, no stray blanks."""
    chosen = set(sessions)
    rows = [vars(row) | row.more for name, row in study.sessions.items() if name in chosen]
    columns = [
        column for column in rows[0] if column not in ("line", "more", "frame_rate")
    ]  # when frames were filmed stands in the surveys
    lines = [columns, *(["" if row[column] is None else str(row[column]) for column in columns] for row in rows)]
    return "\n".join(map("\t".join, lines))


def read_stored(study: Study, name: str) -> str:
    """The text of a file of settings as it is now; empty where there is none."""
    try:
        return study.results.settings(name).read_text(encoding="utf-8").rstrip("\n")
    except OSError:
        return ""


def _describe_training_sessions(study: Study) -> dict[str, dict[str, Any]]:
    """What of the training sessions a model depends on, besides the settings."""
    described: dict[str, dict[str, Any]] = {}
    for name in sorted(study.list_sessions("train")):
        row = study.sessions[name]
        cameras = {camera: study.cameras[name][camera] for camera in sorted(study.cameras[name])}
        keys = ("video", "mask", "background", "silhouettes", "crop")
        videos, *others = ({camera: getattr(entry, key) for camera, entry in cameras.items()} for key in keys)
        described[name] = {"rig": row.rig, "start": row.start, "stop": row.stop, "videos": videos}
        # Without these, what was written before there were any still means the same.
        names = ("masks", "backgrounds", "silhouettes", "crops")
        described[name] |= {key: given for key, given in zip(names, others, strict=True) if any(given.values())}
        described[name] |= {"frame_rate": row.frame_rate} if row.frame_rate else {}
    return described


def _split_simulation(simulation: SimulationConfig) -> Iterator[tuple[str, SimulationConfig]]:
    """A part of the simulation for every session and for every rig's board, so that adding one renders no other again."""
    for name, rig in simulation.rigs.items():
        yield f"simulation/rigs/{name}", SimulationConfig(rigs={name: rig})
    for name, session in simulation.sessions.items():
        rigs, subjects = {session.rig: simulation.rigs[session.rig]}, {session.subject: simulation.subjects[session.subject]}
        yield f"simulation/sessions/{name}", SimulationConfig(rigs=rigs, subjects=subjects, sessions={name: session})


def means(text: str, name: str, value: Value) -> bool:
    """Whether the text of a file of settings says `value`."""
    try:
        return bool(find_adapter(name, value).validate_json(text) == value)
    except ValidationError:
        return False


def list_entries(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Entries of nested settings or metadata, their keys joined with dots."""
    if isinstance(value, dict):
        for name, entry in value.items():
            yield from list_entries(entry, f"{key}.{name}" if key else str(name))
    else:
        yield key, value
