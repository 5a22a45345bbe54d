"""Options that name things: ``NAME=PATH NAME=PATH ...``, and names of what a study has."""

from bkind3d.config import InputError
from bkind3d.study.sheets import suggest


def read_named_paths(entries: list[str], option: str) -> dict[str, str]:
    """Turn ``["cam1=a.mp4", ...]`` into ``{"cam1": "a.mp4", ...}``; refuse what has no name or a name twice."""
    paths: dict[str, str] = {}
    for entry in entries:
        name, separator, path = entry.partition("=")
        if not (name and separator and path):
            raise InputError(f"{option}: {entry!r} is not of the form NAME=PATH")
        if name in paths:
            raise InputError(f"{option}: {name!r} is given twice")
        paths[name] = path
    return paths


def choose_names(given: list[str] | None, known: list[str], option: str) -> list[str]:
    """The names that were given, or all that are known where none were; refuse unknown ones."""
    for name in given or []:
        if name not in known:
            hint = suggest(name, known) or f"; it has {', '.join(known)}"
            raise InputError(f"{option}: the study has no {name!r}{hint}")
    return given or known
