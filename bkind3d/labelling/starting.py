"""Starts the labelling of a study, and hands its labels to other programs."""

import shlex
import webbrowser
from pathlib import Path
from typing import TextIO

from bkind3d.config import InputError
from bkind3d.study.opening import open_study


def label_study(folder: Path, number: int, seed: int, port: int, opens: bool, out: TextIO) -> None:
    """Choose frames and serve the page until the process is interrupted.

    Raises
    ------
    InputError : where the study is not ready, the port is in use, or a library is not installed.
    """
    try:
        from bkind3d.labelling.server import serve
    except ModuleNotFoundError as error:
        raise InputError("", f"labelling needs the package {error.name}, which is not installed", "pip install 'bkind3d[label]'") from None
    from bkind3d.labelling.work import open_work

    study = open_study(folder)
    given = [name for name, row in study.sessions.items() if row.joints and not row.joints.startswith("config/labels/")]
    work = open_work(study, number, seed)
    if given:
        out.write(
            f"The sheet of sessions names joints of {', '.join(given[:4])}{' and more' if len(given) > 4 else ''}: there, labels are kept but not used.\n"
        )

    def announce(address: str) -> None:
        out.write(
            f"Label at {address}\nEvery click is stored at once. End with Ctrl-C; then find the joints everywhere:\n  bkind3d run {shlex.quote(str(folder))}\n"
        )
        out.flush()
        if opens:
            webbrowser.open(address)

    serve(work, port, announce)


def export_labels(folder: Path, form: str, output: Path | None) -> str:
    """Write the labels of all sessions for another program; gives what was written."""
    from bkind3d.labelling.exchange import write_labels

    study = open_study(folder)
    place = output or study.results.exports() / "labels" / form
    written = write_labels(study, form, place)
    return "".join(f"{path}\n" for path in written)
