"""Sheets that are replaced together: all of them count or none, whenever whoever replaces them is killed."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from bkind3d.config import InputError
from bkind3d.data.writing import replaced_when_complete

#: What is to be replaced, relative to the study: each file's text before and after. From when it is there, all count.
JOURNAL = Path("config/.replacing.json")


def replace_together(folder: Path, texts: Mapping[str, tuple[str, str]]) -> None:
    """Replace files of the study in `folder`, of which `texts` holds the text that each has and the one that it gets.

    Raises
    ------
    InputError : where one has changed meanwhile, or nothing can be written.
    """
    with replaced_when_complete(folder / JOURNAL) as temporary:
        temporary.write_text(json.dumps(texts), encoding="utf-8")
    if not finish_replacement(folder):
        raise InputError(" or ".join(texts), "has changed meanwhile", "nothing was written, run again")


def finish_replacement(folder: Path) -> bool:
    """Finish what a killed process has begun, unless somebody has changed one of the files since; say whether it was finished."""
    try:
        texts: dict[str, list[str]] = json.loads((folder / JOURNAL).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return True  # or somebody else has finished it
    there = {name: read_sheet(folder / name) for name in texts}
    untouched = all(there[name] in versions for name, versions in texts.items())
    for name, (_, after) in texts.items():
        if untouched and there[name] != after:
            _replace(folder / name, after)
    (folder / JOURNAL).unlink(missing_ok=True)
    return untouched


def read_sheet(path: Path) -> str:
    """The text of a sheet with its own line ends and, where it has one, its byte order mark; none where it is gone."""
    return path.read_bytes().decode() if path.exists() else ""


def _replace(path: Path, text: str) -> None:
    """Write a sheet anew, at the place that a link leads to, for whom it could be read and written before."""
    with replaced_when_complete(path.resolve()) as temporary:
        temporary.write_bytes(text.encode())
        shutil.copymode(path, temporary)
