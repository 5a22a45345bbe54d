"""How a verb of the command line is declared: a function whose docstring is its help, and the arguments that it gets.

Options that several verbs have stand here, too, with what reads them.
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bkind3d.config import InputError
from bkind3d.study.sheets import suggest

log = logging.getLogger(__name__)

Argument = Callable[[argparse.ArgumentParser], object]


@dataclass(frozen=True)
class Verb:
    """A verb.

    Attributes
    ----------
    name, help : as the user sees them.
    arguments : each is added to the verb's parser.
    run : does it, with what the parser read. What is slow to import is imported there, so that ``--help`` answers at once.
    """

    name: str
    help: str
    arguments: tuple[Argument, ...]
    run: Callable[[argparse.Namespace], None]

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        for add in self.arguments:
            add(parser)


#: All verbs by their names, in the order in which they are declared.
VERBS: dict[str, Verb] = {}


def argument(*names: str, **settings: Any) -> Argument:
    """Declare an argument or option, in the words of :meth:`argparse.ArgumentParser.add_argument`."""
    return lambda parser: parser.add_argument(*names, **settings)


def verb(*arguments: Argument) -> Callable[[Callable[[argparse.Namespace], None]], Verb]:
    """Declare the function below as a verb, whose name (with hyphens) and help are the function's name and docstring."""

    def declare(run: Callable[[argparse.Namespace], None]) -> Verb:
        name = run.__name__.replace("_", "-")
        VERBS[name] = Verb(name, " ".join((run.__doc__ or "").split()), arguments, run)
        return VERBS[name]

    return declare


def at_least(least: int) -> Callable[[str], int]:
    """Give an argparse ``type`` that refuses whatever is no whole number of at least `least`."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number; give one of at least {least}") from None
        if number < least:
            raise argparse.ArgumentTypeError(f"{number} is too small; give a whole number of at least {least}")
        return number

    return read


_ABOUT = "the study's folder, or a file of its results/config that says what of it is shown"
KEEP_GOING = argument(
    "--keep-going", action="store_true", help="where this session cannot be done, write a table that says why, and end with exit code 0"
)


def finish_alone(keep_going: bool, output: str | Path, run: Callable[[], object], give_up: Callable[[str], object]) -> None:
    """Run what makes a session's `output`; where that cannot be done, and the others are to go on, let `give_up` write why.

    Faults of the machine (OSError, MemoryError) are no reason: they pass, and a table would keep them.
    """
    try:
        run()
    except (InputError, ArithmeticError, LookupError, ValueError) as error:
        if not keep_going:
            raise
        known = isinstance(error, InputError)
        log.error("%s", error, exc_info=not known)
        reason = str(error) if known else f"{type(error).__name__}: {' '.join(str(error).split())}"
        give_up(reason)
        # Not into the log: whoever started the workflow should see it before hours are spent.
        sys.stdout.write(f"{output}: {reason}; the other sessions go on without it\n")


STUDY = argument("--study", type=Path, default=Path(), metavar="PATH", help=_ABOUT)


def threads(default: int | None, about: str) -> Argument:
    """Declare ``--threads``."""
    return argument("--threads", type=at_least(1), default=default, help=about)


def workers(about: str) -> Argument:
    """Declare ``--workers``, the cores of this machine without it."""
    return argument("--workers", type=at_least(1), default=len(os.sched_getaffinity(0)), help=about)


def of_sessions(name: str, about: str, metavar: str = "SESSION=PATH") -> Argument:
    """Declare an option for files of some sessions, or of none; :func:`read_named_paths` reads it."""
    return argument(f"--{name}", nargs="*", default=[], metavar=metavar, help=about)


def read_named_paths(entries: list[str], option: str) -> dict[str, str]:
    """Turn ``["cam1=a.mp4", ...]`` into ``{"cam1": "a.mp4", ...}``; refuse what has no name or a name twice."""
    paths: dict[str, str] = {}
    for entry in entries:
        name, separator, path = entry.partition("=")
        if not (name and separator and path):
            raise InputError(option, f"{entry!r} is not of the form NAME=PATH", "write it so")
        if name in paths:
            raise InputError(option, f"{name!r} is given twice", "give it once")
        paths[name] = path
    return paths


def choose_names(given: list[str] | None, names: Iterable[str], option: str) -> list[str]:
    """Those of a study's `names` that were given, or all where none were; refuse unknown ones."""
    known = list(names)
    for name in given or []:
        if name not in known:
            hint = suggest(name, known) or f"it has {', '.join(known)}"
            raise InputError(option, f"the study has no {name!r}", hint)
    return given or known
