"""How a verb of the command line is declared: a function whose docstring is its help, and the arguments that it gets."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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


def argument(*names: str, **settings: Any) -> Argument:
    """Declare an argument or option, in the words of :meth:`argparse.ArgumentParser.add_argument`."""
    return lambda parser: parser.add_argument(*names, **settings)


def verb(*arguments: Argument) -> Callable[[Callable[[argparse.Namespace], None]], Verb]:
    """Make a verb of the function below, whose name (with hyphens) and docstring are the verb's."""
    return lambda run: Verb(run.__name__.replace("_", "-"), " ".join((run.__doc__ or "").split()), arguments, run)
