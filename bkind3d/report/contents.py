"""What the pages show of a study, read from its results under the names that keypoints were given."""

from pathlib import Path
from typing import Any

import pandas as pd

from bkind3d.data.keypoints import SessionKeypoints, name_keypoints, read_keypoints
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.data.skeleton import Edge, choose_skeleton
from bkind3d.study.study import Study


def read_named_keypoints(study: Study, experiment: str, session: str) -> SessionKeypoints:
    """Keypoints of the trained model in a session."""
    return read_keypoints(study.results.keypoints(experiment, session), study.config.experiments[experiment].naming)


def list_given_names(study: Study, experiment: str, session: str) -> dict[str, str]:
    """The name of every keypoint that the model found in a session: the one that it was given, or its own."""
    path, settings = study.results.keypoints(experiment, session), study.config.experiments[experiment]
    own = settings.model.keypoint_names
    return dict(zip(own, name_keypoints(own, settings.naming, read_metadata(path).get("model"), path), strict=True))


def find_skeleton(study: Study, experiment: str) -> list[Edge]:
    """A tree of strong learned edges, as indices of keypoints in the model's order."""
    return choose_skeleton(read_table(study.results.edges(experiment), "edges"), study.config.experiments[experiment].model)


def read_location(study: Study, session: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Where the subject was, and what was noted about it (side, units)."""
    path = study.results.location(session)
    return read_table(path, "location"), read_metadata(path)


def read_joints(study: Study, session: str) -> pd.DataFrame | None:
    """Annotated joints of a session, if it has any."""
    return read_table(study.results.joints(session), "joints") if study.sessions[session].joints else None


def read_results(path: Path) -> pd.DataFrame:
    """A table of results (CSV); empty where there is none."""
    if not path.exists() or not path.stat().st_size:
        return pd.DataFrame()
    return pd.read_csv(path, dtype={"experiment": str, "features": str, "method": str, "dataset": str})
