"""A study's files as the report reads them: which exist, where, and of what kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from bkind3d.config import ExperimentConfig, FramesConfig, InputError, NamingConfig, ReportConfig, read_section
from bkind3d.data.keypoints import SessionKeypoints, name_keypoints, read_keypoints
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.data.skeleton import Edge, choose_skeleton
from bkind3d.study.sheets import CameraRow, RigRow, SessionRow, read_cameras, read_rigs, read_sessions


@dataclass(frozen=True)
class StudyFiles:
    """The results of a study, and the sheets that name its parts.

    Attributes
    ----------
    results : folder with the layout that the workflow writes.
    settings : what the report shows.
    experiments : settings of each experiment, in the order of the report.
    naming : what each experiment's keypoints are called.
    sessions, cameras, rigs : the sheets' rows by name; cameras by session first.
    """

    results: Path
    settings: ReportConfig
    experiments: dict[str, ExperimentConfig]
    naming: dict[str, NamingConfig]
    sessions: dict[str, SessionRow]
    cameras: dict[str, dict[str, CameraRow]]
    rigs: dict[str, RigRow]

    def require_pictures(self, what: str) -> None:
        """Refuse to make `what` where pictures of the recordings are to be shown nowhere."""
        if not self.settings.pictures:
            raise InputError(f"report.pictures is false: {what} would show pictures of the recordings; set it to true, or go without")

    def experiment_file(self, experiment: str, *parts: str) -> Path:
        """A file of an experiment."""
        return self.results.joinpath("experiments", experiment, *parts)

    def frames_file(self, experiment: str, session: str, camera: str) -> Path:
        """The pictures that an experiment saw of one camera."""
        return self.results / "frames" / self.experiments[experiment].frames / session / f"{camera}.parquet"

    def cameras_of(self, experiment: str, session: str) -> list[str]:
        """The cameras of a session that an experiment saw."""
        chosen = self.experiments[experiment].cameras
        return [camera for camera in self.cameras[session] if not chosen or camera in chosen]

    def survey_file(self, session: str, camera: str) -> Path:
        """The survey of one camera's video."""
        return self.results / "survey" / session / f"{camera}.parquet"

    def location_file(self, session: str) -> Path:
        """Where the subject was."""
        return self.results / "location" / f"{session}.parquet"

    def calibration_file(self, rig: str) -> Path:
        """The quality of a rig's calibration."""
        return self.results / "calibration" / f"{rig}.parquet"

    def keypoints(self, experiment: str, session: str) -> pd.DataFrame:
        """Keypoints of the trained model in `session`, under the names that they were given."""
        path = self.experiment_file(experiment, "keypoints", f"{session}.parquet")
        table = read_table(path, "keypoints")
        return table.assign(keypoint=table["keypoint"].replace(self.given_names(experiment, session)))

    def session_keypoints(self, experiment: str, session: str) -> SessionKeypoints:
        """The same as arrays."""
        return read_keypoints(self.experiment_file(experiment, "keypoints", f"{session}.parquet"), self.naming[experiment])

    def given_names(self, experiment: str, session: str) -> dict[str, str]:
        """The name of every keypoint that the model found in `session`: the one that it was given, or its own."""
        path = self.experiment_file(experiment, "keypoints", f"{session}.parquet")
        own = self.experiments[experiment].model.keypoint_names
        return dict(zip(own, name_keypoints(own, self.naming[experiment], read_metadata(path).get("model"), path), strict=True))

    def skeleton(self, experiment: str) -> list[Edge]:
        """A tree of strong learned edges, as indices of keypoints in the model's order."""
        edges = read_table(self.experiment_file(experiment, "training", "edges.parquet"), "edges")
        return choose_skeleton(edges, self.experiments[experiment].model)

    def history(self, experiment: str) -> pd.DataFrame:
        """The training's history: step, seconds, term, value."""
        return read_table(self.experiment_file(experiment, "training", "history.parquet"), "history")

    def location(self, session: str) -> tuple[pd.DataFrame, dict[str, Any]]:
        """Where the subject was, and what was noted about it (side, units)."""
        path = self.location_file(session)
        return read_table(path, "location"), read_metadata(path)

    def joints(self, session: str) -> pd.DataFrame | None:
        """Annotated joints of `session`, if it has any."""
        return read_table(self.results / "joints" / f"{session}.parquet", "joints") if self.sessions[session].joints else None

    def frameset(self, experiment: str) -> FramesConfig:
        """Settings of the pictures that an experiment saw."""
        return read_section(FramesConfig, self.results / "config" / "framesets" / f"{self.experiments[experiment].frames}.json")

    @cached_property
    def pose(self) -> pd.DataFrame:
        """The table of pose errors, empty if there is none."""
        return _read_csv(self.results / "tables" / "pose.csv")

    @cached_property
    def actions(self) -> pd.DataFrame:
        """The table of behaviour recognition, empty if there is none."""
        return _read_csv(self.results / "tables" / "actions.csv")

    def shown_sessions(self, limit: int) -> list[str]:
        """Up to `limit` sessions to show: unseen ones (test, then predict) first, then those trained on."""
        order = {"test": 0, "predict": 1, "train": 2}
        return sorted(self.sessions, key=lambda name: order[self.sessions[name].split])[:limit]


def _read_csv(path: Path) -> pd.DataFrame:
    if not path.exists() or not path.stat().st_size:
        return pd.DataFrame()
    return pd.read_csv(path, dtype={"experiment": str, "features": str, "method": str, "dataset": str})


def open_files(results: Path, config: Path, experiments: Sequence[str], sessions: Path, cameras: Path, rigs: Path) -> StudyFiles:
    """Find a study's files.

    Parameters
    ----------
    results : its folder of results.
    config : validated settings of the report (JSON).
    experiments : names of the experiments to show; their settings are in ``results/config``.
    sessions, cameras, rigs : the sheets (TSV).
    """
    found = StudyFiles(
        results=results,
        settings=read_section(ReportConfig, config),
        experiments={name: read_section(ExperimentConfig, results / "config" / "experiments" / f"{name}.json") for name in experiments},
        naming={name: read_section(NamingConfig, results / "config" / "naming" / f"{name}.json") for name in experiments},
        sessions=read_sessions(sessions),
        cameras=read_cameras(cameras),
        rigs=read_rigs(rigs),
    )
    for name, row in found.sessions.items():
        if name not in found.cameras:
            raise InputError(f"{cameras}: session {name!r} has no camera; add a row for each of its videos")
        if row.rig not in found.rigs:
            raise InputError(f"{sessions}: row {row.line}: rig {row.rig!r} is not in {rigs}")
    return found
