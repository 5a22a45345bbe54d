"""The settings each stage of the workflow depends on, as small files.

A stage reads one file of ``results/config`` that holds the settings it uses and nothing else, so that a change of other
settings leaves its results alone. A file that still means the same is kept word for word: a key that a later version
adds, with a default that changes nothing, retrains nothing.
"""

from collections.abc import Iterable, Iterator
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
    MovementsConfig,
    NamingConfig,
    PaperTableConfig,
    PredictionConfig,
    ReportConfig,
    SimulationConfig,
    StudyConfig,
    SurveyConfig,
)
from bkind3d.study.sheets import CameraRow, RigRow, SessionRow
from bkind3d.study.study import Study

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
        "movements": (TypeAdapter(MovementsConfig), config.movements),
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
        texts[name] = stored if means(stored, adapter, value) else adapter.dump_json(value, indent=1).decode()
    return texts


def format_sheets(study: Study, sessions: Iterable[str] | None = None) -> dict[str, str]:
    """The sheets as later stages read them: every column there, no comments, no stray blanks; on request what they say of some sessions."""
    chosen = set(study.sessions if sessions is None else sessions)
    rigs = set(study.rigs) if sessions is None else {study.sessions[name].rig for name in chosen}
    sheets = {
        "sessions": [{**_row_cells(row), **row.more} for name, row in study.sessions.items() if name in chosen],
        "cameras": [_row_cells(row) for name, cameras in study.cameras.items() if name in chosen for row in cameras.values()],
        "rigs": [_row_cells(row) for name, row in study.rigs.items() if name in rigs],
    }
    return {
        name: "\n".join("\t".join(cells) for cells in (list(rows[0]), *(row.values() for row in rows))) for name, rows in sheets.items()
    }


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


def means(text: str, adapter: TypeAdapter[Any], value: Value) -> bool:
    """Whether the text of a file of settings says `value`."""
    try:
        return bool(adapter.validate_json(text) == value)
    except ValidationError:
        return False
