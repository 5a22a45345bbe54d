"""What the pages show of a study, read from its results under the names that keypoints were given."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy.typing import NDArray

from bkind3d.data.parquet import read_failure, read_metadata, read_table
from bkind3d.data.points import SessionKeypoints, name_keypoints, read_keypoints, read_points
from bkind3d.data.results import read_json
from bkind3d.data.skeleton import Edge, choose_skeleton
from bkind3d.study.study import Study


def read_named_keypoints(study: Study, experiment: str, session: str) -> SessionKeypoints:
    """Keypoints of the trained model in a session."""
    return read_keypoints(study.results.keypoints(experiment, session), study.config.experiments[experiment].naming)


def read_found_joints(study: Study, experiment: str, session: str) -> SessionKeypoints | None:
    """Joints that were found from a session's keypoints; None where there are none."""
    path = study.results.found_joints(experiment, session)
    if not path.exists():
        return None
    found = read_keypoints(path, kind="found_joints")
    return found if found.names else None


def list_given_names(study: Study, experiment: str, session: str) -> dict[str, str]:
    """The name of every keypoint that the model found in a session: the one that it was given, or its own."""
    path = study.results.keypoints(experiment, session)
    found = read_keypoints(path)
    given = name_keypoints(found.names, study.config.experiments[experiment].naming, found.metadata.get("model"), path)
    return dict(zip(found.names, given, strict=True))


def find_skeleton(study: Study, experiment: str) -> list[Edge]:
    """A tree of strong learned edges, as indices of keypoints in the model's order."""
    return choose_skeleton(read_table(study.results.edges(experiment), "edges"), study.config.experiments[experiment].model)


def read_location(study: Study, session: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Where the subject was, and what was noted about it (side, units)."""
    path = study.results.location(session)
    return read_table(path, "location"), read_metadata(path)


def read_joints(study: Study, session: str, frames: Sequence[int] | Int[NDArray, "frame"]) -> Float[NDArray, "frame joint 3"] | None:
    """Annotated joints in some frames of a session, NaN where one is not known; None where there are none."""
    path = study.results.joints(session)
    if not study.sessions[session].joints or read_failure(path):
        return None
    return read_points(path, "joints").positions_at(np.asarray(frames))


def read_judgement(path: Path) -> dict[str, Any]:
    """What the evaluation wrote (JSON); empty where there is no such file."""
    return read_json(path) if path.exists() else {}


def find_failure(path: Path) -> str:
    """Why an evaluation (JSON) could not be done; empty where it was, or where nothing was asked."""
    judgement = read_judgement(path)
    return str(judgement["reason"]) if judgement.get("failed") else ""


def list_failures(study: Study, sessions: Iterable[str], is_judged: bool) -> dict[str, str]:
    """Why sessions lack keypoints or joints, or (`is_judged`) a judgement, by their names: what could not be done of them costs no other."""
    failures: dict[str, str] = {}
    for session in sessions:
        places = [study.results.location(session), *(study.results.keypoints(name, session) for name in study.config.experiments)]
        places += [study.results.joints(session)] if study.sessions[session].joints else []
        for path in filter(Path.exists, places):
            if failed := read_failure(path):
                failures.setdefault(session, failed)
    for name in study.config.experiments if is_judged else ():
        for path in (study.results.pose(name), study.results.actions(name)):
            failures = read_judgement(path).get("left_out", {}) | failures
    return failures


def read_results(path: Path) -> pd.DataFrame:
    """A table of results (CSV); empty where there is none."""
    if not path.exists() or not path.stat().st_size:
        return pd.DataFrame()
    return pd.read_csv(path, dtype={"experiment": str, "features": str, "method": str, "dataset": str})
