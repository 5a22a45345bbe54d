"""Options of the form ``NAME=PATH NAME=PATH ...``."""

from bkind3d.config import InputError


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
