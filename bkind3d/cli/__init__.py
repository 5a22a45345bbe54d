"""The command line: one small module per verb, found by its name.

A verb's module has ``HELP`` (one line), ``add_arguments(parser)`` and ``run(arguments)``. What is slow to import is
imported inside ``run``, so that ``--help`` answers at once.
"""

import argparse
import logging
import sys
from importlib import import_module
from typing import Any, NoReturn

import shtab

from bkind3d import __version__
from bkind3d.archives.importers import IMPORTERS
from bkind3d.cli.import_archive import make_verb
from bkind3d.config import InputError

#: Verb, in the order of the pipeline; ``bkind3d.cli.<verb with underscores>`` is its module.
VERBS = (
    "init",
    "add-session",
    "doctor",
    "simulate",
    "simulate-board",
    "simulate-session",
    "board",
    "calibrate-cameras",
    "check-calibration",
    "import-calibration",
    "export-calibration",
    "import-joints",
    *(f"import-{name}" for name in IMPORTERS),
    "survey-video",
    "locate-subject",
    "extract-frames",
    "train-model",
    "predict-keypoints",
    "regress-joints",
    "classify-actions",
    "find-movements",
    "make-tables",
    "plot-figures",
    "draw-overlays",
    "draw-contact-sheets",
    "explain",
    "make-paper-table",
    "plot-paper-grid",
    "write-report",
    "export",
    "profile",
)

DESCRIPTION = "3D keypoints from multi-camera videos, without annotation. Most people run the workflow: snakemake --cores all"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Refuse wrong options in one line, as all wrong input."""
        self.exit(2, f"{self.prog}: error: {message}; see {self.prog} --help\n")


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of all verbs."""
    parser = _Parser(prog="bkind3d", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"bkind3d {__version__}")
    shtab.add_argument_to(parser, "--print-completion", help="print a script that completes verbs, options and paths in this shell")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs, in the order of the pipeline")
    for verb in VERBS:
        module = _find_verb(verb)
        sub = verbs.add_parser(verb, help=module.HELP, description=module.HELP, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        module.add_arguments(sub)
        sub.set_defaults(run=module.run)
    return parser


def _find_verb(verb: str) -> Any:
    """The verb's module, or what stands for it."""
    importer = verb.removeprefix("import-")
    return make_verb(importer) if importer in IMPORTERS else import_module(f"bkind3d.cli.{verb.replace('-', '_')}")


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; return its exit code: 0 done, 2 the input is wrong (one line on stderr), 1 anything else."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s", datefmt="%H:%M:%S")
    parser = build_parser()
    parsed = parser.parse_args(arguments)
    if parsed.verb is None:
        parser.print_help()
        return 0
    try:
        parsed.run(parsed)
    except InputError as error:
        sys.stderr.write(f"bkind3d {parsed.verb}: error: {error}\n")
        return 2
    return 0
