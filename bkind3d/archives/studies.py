"""The study that an archive becomes: sheets, calibrations, joints, behaviours and frame maps. Recordings stay where they are."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from bkind3d.config import InputError
from bkind3d.data.calibration_files import write_calibration
from bkind3d.data.parquet import write_table
from bkind3d.data.video import list_files
from bkind3d.data.writing import folder_when_complete
from bkind3d.geometry.cameras import Camera
from bkind3d.study.sheets import write_sheet

#: A file of this name in an archive says that it was rendered; then so does the name of the data in every table.
SIMULATED_MARK = "SIMULATED.txt"


@dataclass(frozen=True)
class Archive:
    """What is imported.

    Attributes
    ----------
    dataset : name of the data in the tables.
    rigs : cameras of each rig, by name.
    units : of the rigs' worlds.
    rate : frames per second.
    sessions : may be read one after the other, so that one is in memory at a time.
    remark : what to say of it.
    """

    dataset: str
    rigs: Mapping[str, Mapping[str, Camera]]
    units: str
    rate: float
    sessions: Iterable["ImportedSession"]
    remark: str = ""


@dataclass(frozen=True)
class ImportedSession:
    """A recording of an archive.

    Attributes
    ----------
    split : train, test or predict; empty for a recording that cannot be used: its row becomes a comment of the sheet.
    videos : files by camera; in the order of time where a camera has several.
    joints, behaviours : tables of these kinds; None where there are none.
    frame_maps : tables ``frame_map`` by camera, for cameras that have one.
    columns : further columns of the sheet.
    source : what the joints were read from.
    """

    name: str
    subject: str
    rig: str
    split: str
    videos: Mapping[str, Path | Sequence[Path]]
    joints: pd.DataFrame | None = None
    behaviours: pd.DataFrame | None = None
    frame_maps: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    source: str = ""


def write_study(folder: Path, archive: Archive, verb: str) -> list[dict[str, Any]]:
    """Write the study to `folder`, which is there when all of it is; return the rows of the sessions that can be used.

    The settings' first line names the `verb` that imports the archive.

    Raises
    ------
    InputError : where `folder` holds something.
    """
    with folder_when_complete(folder) as temporary:
        for rig, cameras in archive.rigs.items():
            (temporary / "calibrations").mkdir(exist_ok=True)
            write_calibration(cameras, temporary / "calibrations" / f"{rig}.toml", archive.units, {"source": archive.dataset})
        written = [_write_session(temporary, archive, session) for session in archive.sessions]
        used = [session for session in written if session["split"]]
        if not used:
            raise InputError(folder, "no recording of the archive has the videos of two cameras", "download them, and import again")
        config = temporary / "config"
        config.mkdir()
        columns = [column for column in written[0] if column != "cameras"]
        rows = [(("" if row["split"] else "# ") + row["session"], *(row[column] for column in columns[1:])) for row in written]
        write_sheet(config / "sessions.tsv", columns, rows)
        videos = [row for session in used for row in session["cameras"]]
        write_sheet(config / "cameras.tsv", ("session", "camera", "video", "frame_map"), videos)
        rigs = [(rig, archive.units, f"calibrations/{rig}.toml") for rig in archive.rigs]
        write_sheet(config / "rigs.tsv", ("rig", "units", "calibration"), rigs)
        head = (
            f"# Written by bkind3d {verb}. What is trained is added by a file of experiments, such as those in config/paper:\n"
            "#   bkind3d run STUDY --configfile EXPERIMENTS.yaml\n"
            "# Joints and calibrations lie in this folder; the sheet of the cameras names the videos, which stay where they are.\n"
        )
        settings = {"recordings": ".", "dataset": archive.dataset}
        (config / "config.yaml").write_text(head + yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return used


def _write_session(folder: Path, archive: Archive, session: ImportedSession) -> dict[str, Any]:
    """Write a session's tables; return its row of the sheet, with its rows of the cameras' sheet under ``cameras``."""
    about = {"units": archive.units, "rate": archive.rate, "subject": session.subject, "source": session.source}
    row = {"session": session.name, "subject": session.subject, "rig": session.rig, "split": session.split, "joints": "", "behaviours": ""}
    for kind, table in (("joints", session.joints), ("behaviours", session.behaviours)):
        if table is not None and session.split:
            row[kind] = f"{kind}/{session.name}.parquet"
            write_table(table, kind, folder / row[kind], about)
    maps = {camera: f"frame_maps/{session.name}/{camera}.parquet" for camera in session.frame_maps if session.split}
    for camera, path in maps.items():
        write_table(session.frame_maps[camera], "frame_map", folder / path, about)
    videos = {camera: ";".join(os.path.abspath(path) for path in list_files(video)) for camera, video in session.videos.items()}
    cameras = [(session.name, camera, video, maps.get(camera, "")) for camera, video in videos.items()]
    return {**row, **session.columns, "cameras": cameras}
