"""Open a study: read its settings and sheets, and check them."""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bkind3d.config import InputError, StudyConfig, check_values, parse_section, read_values
from bkind3d.study.checks import check_study
from bkind3d.study.layout import LABELS
from bkind3d.study.replacing import finish_replacement
from bkind3d.study.sheets import SessionRow, read_cameras, read_rigs, read_sessions
from bkind3d.study.study import CONFIG_FILE, Study


def load_study(config: Mapping[str, Any] | str | Path = CONFIG_FILE, folder: str | Path = ".") -> Study:
    """Read a study and check all that can be known before it runs.

    Parameters
    ----------
    config : the settings, or the YAML file that holds them (relative to `folder`).
    folder : the study.

    Raises
    ------
    InputError : in one line, for the first thing that is wrong.
    """
    folder = Path(folder)
    values = config if isinstance(config, Mapping) else read_yaml(folder / config)
    check_values(values, CONFIG_FILE)
    settings = parse_section(StudyConfig, values, CONFIG_FILE)
    finish_replacement(folder)
    try:
        os.stat(folder / os.path.expanduser(settings.recordings))
    except OSError as error:
        raise InputError(
            CONFIG_FILE, f"key 'recordings' is {settings.recordings!r}: {error.strerror}", "write the folder of the recordings"
        ) from None
    sessions = _add_labels(folder, read_sessions(folder / settings.sessions))
    study = Study(folder, settings, sessions, read_cameras(folder / settings.cameras), read_rigs(folder / settings.rigs))
    check_study(study)
    return study


def _add_labels(folder: Path, sessions: dict[str, SessionRow]) -> dict[str, SessionRow]:
    """Sessions whose frames are labelled have their labels as joints, where the sheet names no others."""
    labelled = {path.stem for path in (folder / LABELS).glob("*.tsv")} if (folder / LABELS).is_dir() else set()
    return {
        name: replace(row, joints=f"{LABELS}{name}.tsv") if name in labelled and not row.joints else row for name, row in sessions.items()
    }


def find_folder(path: Path) -> Path:
    """The study's folder, of which `path` is a file of settings: in ``config``, in ``results/config``, or in the folder itself."""
    if path.is_dir():
        return path
    if not path.exists():
        raise InputError(path, "there is no such file", f"give the study's folder, or its {CONFIG_FILE}")
    # Links are not followed: the results may be one to another disk.
    return Path(os.path.relpath(re.sub("/(results/config/.+|config/[^/]+|[^/]+)$", "", os.path.abspath(path)) or "/"))


def open_study(path: Path) -> Study:
    """A study, by its folder or its file of settings (YAML), all of it checked; or what a file of ``results/config`` (JSON) says of it.

    Raises
    ------
    InputError : in one line, for the first thing that is wrong.
    """
    folder = find_folder(path)
    if path.suffix != ".json" or path.is_dir():
        return load_study(CONFIG_FILE if path.is_dir() else os.path.relpath(path, folder), folder)
    try:
        return replace(TypeAdapter(Study).validate_python(read_values(path)), folder=folder)
    except ValidationError:
        raise InputError(path, "says nothing of a study", "give the study's folder, or run the workflow again") from None


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a mapping from the YAML file at `path`."""
    values = read_values(path, "a study has its settings there")
    if not isinstance(values, dict):
        raise InputError(path, "holds no settings", "write at least 'experiments:'")
    return values
