"""Every exchange format: its name, its files, and the module that writes it."""

import logging
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bkind3d.config import EXPORT_FORMATS, InputError
from bkind3d.study.study import Study

if TYPE_CHECKING:
    from bkind3d.export.sessions import ExportedSession

    Writer = Callable[[ExportedSession, Path], None]

log = logging.getLogger(__name__)


#: What is handed over: the keypoints, or the joints that were found from them.
Kind = Literal["keypoints", "joints"]


def export_path(folder: str | Path, experiment: str, form: str, session: str, kind: Kind = "keypoints") -> Path:
    """The file, or the folder, of a session in a format."""
    place = Path(folder) / experiment / (form if kind == "keypoints" else f"joints/{form}")
    return place / f"{session}{EXPORT_FORMATS[form]}"


def export_sessions(
    study: Study, experiments: Iterable[str], forms: Iterable[str], sessions: Iterable[str], folder: Path, kind: Kind = "keypoints"
) -> None:
    """Write sessions in every given format; nothing is written unless all of them have keypoints (or joints).

    Raises
    ------
    InputError : where keypoints are not there yet, or a format's library is not installed.
    """
    from bkind3d.export.sessions import find_points, open_session

    writers = {form: find_writer(form) for form in forms}
    wanted = [(experiment, name) for experiment in experiments for name in sessions]
    for experiment, name in wanted:
        find_points(study, experiment, name, kind)
    for experiment, name in wanted:
        session = open_session(study, experiment, name, kind)
        for form, write_session in writers.items():
            path = export_path(folder, experiment, form, name, kind)
            write_session(session, path)
            log.info("wrote %s", path)


def find_writer(form: str) -> "Writer":
    """The function that writes a format; refused where its library is not installed."""
    try:
        writer: Writer = import_module(f"bkind3d.export.{form.replace('-', '_')}").write_session
        return writer
    except ModuleNotFoundError as error:
        raise InputError(
            "", f"format {form!r} needs the package {error.name}, which is not installed", "pip install 'bkind3d[export]'"
        ) from None
