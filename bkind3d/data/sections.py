"""The settings each stage of the workflow depends on, as small files, and what their changes mean for trained models.

A stage reads one file of ``results/config`` that holds the settings it uses and nothing else, so that a change of other
settings leaves its results alone. A file that still means the same is kept word for word: a key that a later version
adds, with a default that changes nothing, retrains nothing.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bkind3d.config import (
    ActionsConfig,
    BoardConfig,
    CalibrationConfig,
    EvaluationConfig,
    ExperimentConfig,
    FramesConfig,
    LocationConfig,
    NamingConfig,
    PaperTableConfig,
    PredictionConfig,
    ReportConfig,
    SimulationConfig,
    StudyConfig,
    SurveyConfig,
)
from bkind3d.data.sheets import CameraRow, RigRow, SessionRow
from bkind3d.data.study import Study

FOLDER = Path("results/config")
#: Which sessions models are trained on, and what of them.
TRAINING_SESSIONS = "training_sessions"

Value = Any  # a section, or a mapping of sections or plain values
_PLAIN = TypeAdapter(dict[str, dict[str, Any]])
_BOARDS = TypeAdapter(dict[str, BoardConfig])


def list_sections(study: Study) -> dict[str, tuple[TypeAdapter[Any], Value]]:
    """Every file of settings of a study: its name (without ``.json``), what reads it, and what is in it."""
    config = study.config
    sections: dict[str, tuple[TypeAdapter[Any], Value]] = {
        "calibration": (TypeAdapter(CalibrationConfig), config.calibration),
        "survey": (TypeAdapter(SurveyConfig), config.survey),
        "location": (TypeAdapter(LocationConfig), config.location),
        "report": (TypeAdapter(ReportConfig), config.report),
        "study": (TypeAdapter(StudyConfig), config),
        TRAINING_SESSIONS: (_PLAIN, _describe_training_sessions(study)),
    }
    sections |= {f"boards/{name}": (_BOARDS, {name: board}) for name, board in config.boards.items()}
    sections |= {f"framesets/{name}": (TypeAdapter(FramesConfig), frameset) for name, frameset in config.framesets.items()}
    sections |= {f"paper/{name}": (TypeAdapter(PaperTableConfig), table) for name, table in config.paper.items()}
    for name, experiment in config.experiments.items():
        adapter: TypeAdapter[Any] = TypeAdapter(ExperimentConfig)
        unused = {"actions": ActionsConfig(), "evaluation": EvaluationConfig()}
        sections[f"prediction/{name}"] = (TypeAdapter(PredictionConfig), experiment.prediction)
        sections[f"naming/{name}"] = (TypeAdapter(NamingConfig), experiment.naming)
        unnamed = experiment.model_copy(update={"naming": NamingConfig(), "prediction": PredictionConfig()})
        sections[f"experiments/{name}"] = (adapter, unnamed)
        sections[f"evaluation/{name}"] = (adapter, unnamed.model_copy(update={"actions": unused["actions"]}))
        sections[f"training/{name}"] = (adapter, unnamed.model_copy(update=unused))
    return sections | {name: (TypeAdapter(SimulationConfig), part) for name, part in _split_simulation(config.simulation)}


def format_sections(study: Study) -> dict[str, str]:
    """The text of every file of settings: what is there already where that means the same."""
    texts = {}
    for name, (adapter, value) in list_sections(study).items():
        stored = read_stored(study, name)
        texts[name] = stored if _means(stored, adapter, value) else adapter.dump_json(value, indent=1).decode()
    return texts


def format_sheets(study: Study) -> dict[str, str]:
    """The sheets as later stages read them: every column there, no comments, no stray blanks."""
    sheets = {
        "sessions": [{**_row_cells(row), **row.more} for row in study.sessions.values()],
        "cameras": [_row_cells(row) for cameras in study.cameras.values() for row in cameras.values()],
        "rigs": [_row_cells(row) for row in study.rigs.values()],
    }
    return {
        name: "\n".join("\t".join(cells) for cells in (list(rows[0]), *(row.values() for row in rows))) for name, rows in sheets.items()
    }


def explain_retraining(study: Study) -> list[str]:
    """One line for every experiment that was trained before and will be trained again, with the reasons."""
    sections = list_sections(study)
    upstream = ["survey", "location", TRAINING_SESSIONS]
    boards = {study.rigs[study.sessions[name].rig].board for name in study.list_sessions("train")} - {""}
    upstream += ["calibration", *(f"boards/{board}" for board in sorted(boards))] if boards else []
    lines = []
    for name, experiment in study.config.experiments.items():
        if not read_stored(study, f"training/{name}"):
            continue
        reasons = [
            reason
            for section in (f"training/{name}", f"framesets/{experiment.frames}", *upstream)
            for reason in _compare(study, section, *sections[section])
        ]
        if reasons:
            lines.append(f"experiment {name} will be trained again: {'; '.join(reasons)}")
    return lines


def read_stored(study: Study, name: str) -> str:
    """The text of a file of settings as it is now; empty where there is none."""
    try:
        return (study.folder / FOLDER / f"{name}.json").read_text(encoding="utf-8").rstrip("\n")
    except OSError:
        return ""


def _row_cells(row: SessionRow | CameraRow | RigRow) -> dict[str, str]:
    cells = {key: value for key, value in vars(row).items() if key not in ("line", "more")}
    return {key: "" if value is None else str(value) for key, value in cells.items()}


def _describe_training_sessions(study: Study) -> dict[str, dict[str, Any]]:
    """What of the training sessions a model depends on, besides the settings."""
    described = {}
    for name in sorted(study.list_sessions("train")):
        row = study.sessions[name]
        cameras = {camera: study.cameras[name][camera] for camera in sorted(study.cameras[name])}
        videos, masks = ({camera: getattr(entry, key) for camera, entry in cameras.items()} for key in ("video", "mask"))
        described[name] = {"rig": row.rig, "start": row.start, "stop": row.stop, "videos": videos}
        # Without masks, what was written before there were any still means the same.
        described[name] |= {"masks": masks} if any(masks.values()) else {}
    return described


def _split_simulation(simulation: SimulationConfig) -> Iterator[tuple[str, SimulationConfig]]:
    """A part of the simulation for every session and for every rig's board, so that adding one renders no other again."""
    for name, rig in simulation.rigs.items():
        yield f"simulation/rigs/{name}", SimulationConfig(rigs={name: rig})
    for name, session in simulation.sessions.items():
        rigs, subjects = {session.rig: simulation.rigs[session.rig]}, {session.subject: simulation.subjects[session.subject]}
        yield f"simulation/sessions/{name}", SimulationConfig(rigs=rigs, subjects=subjects, sessions={name: session})


def _means(text: str, adapter: TypeAdapter[Any], value: Value) -> bool:
    try:
        return bool(adapter.validate_json(text) == value)
    except ValidationError:
        return False


def _compare(study: Study, name: str, adapter: TypeAdapter[Any], value: Value) -> list[str]:
    """What differs between a stored file of settings and the settings now, key by key."""
    stored = read_stored(study, name)
    if not stored or _means(stored, adapter, value):
        return []
    try:
        old = dict(_flatten(json.loads(stored)))
    except json.JSONDecodeError:
        return [f"{FOLDER / name}.json is damaged"]
    new = dict(_flatten(adapter.dump_python(value, mode="json")))
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


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
