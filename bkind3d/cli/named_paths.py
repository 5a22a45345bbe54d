"""Options that name things: a study, what it has, and ``NAME=PATH NAME=PATH ...``."""

import argparse
from collections.abc import Iterable
from pathlib import Path

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


def add_study(parser: argparse.ArgumentParser, *several: str) -> None:
    """Add what names a study, and of `several` things of it (experiments, sessions) those that are meant."""
    about = "the study's folder, or a file of its results/config that says what of it is shown"
    parser.add_argument("--study", type=Path, default=Path(), metavar="PATH", help=about)
    for things in several:
        parser.add_argument(f"--{things}", nargs="+", metavar="NAME", help=f"{things} (default: all)")


def choose_names(given: list[str] | None, names: Iterable[str], option: str) -> list[str]:
    """Those of a study's `names` that were given, or all where none were; refuse unknown ones."""
    known = list(names)
    for name in given or []:
        if name not in known:
            hint = suggest(name, known) or f"; it has {', '.join(known)}"
            raise InputError(f"{option}: the study has no {name!r}{hint}")
    return given or known
