"""The command line: verbs that are declared in families, each a module, by the means of :mod:`bkind3d.cli.verbs`."""

import argparse
import errno
import logging
import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

import shtab

from bkind3d import __version__
from bkind3d.cli.verbs import VERBS
from bkind3d.config import InputError

# The order of these is that of the help: the pipeline's.
for family in ("studies", "recordings", "experiments", "reports", "profile"):
    import_module(f"bkind3d.cli.{family}")

DESCRIPTION = "3D keypoints from multi-camera videos, without annotation. Most people run the workflow: snakemake --cores all"


#: What disks, rights and limits of a machine do: told in one line, as wrong input is.
FAULTS = {
    getattr(errno, name)
    for name in ["EACCES", "EDQUOT", "EFBIG", "EIO", "EMFILE", "ENFILE", "ENOLCK", "ENOSPC", "EPERM", "EROFS", "ESTALE", "ETIMEDOUT"]
}


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
    for name, verb in VERBS.items():
        sub = verbs.add_parser(name, help=verb.help, description=verb.help, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        verb.add_arguments(sub)
        sub.set_defaults(run=verb.run)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; return its exit code: 0 done, 2 the input is wrong or the machine at fault (one line on stderr), 1 anything else."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s", datefmt="%H:%M:%S")
    parser = build_parser()
    parsed = parser.parse_args(arguments)
    if parsed.verb is None:
        parser.print_help()
        return 0
    try:
        parsed.run(parsed)
    except InputError as error:
        said = str(error)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        said = f"{where}{error.strerror}; mend the disk, the rights or the limits, and run again"
        if not os.access("/dev/shm", os.W_OK):
            said = f"{where}{error.strerror}; /dev/shm, which processes need that work together, cannot be written: mount it"
        elif error.errno not in FAULTS:
            raise
    else:
        return 0
    with suppress(OSError):  # the log may be on the disk that is full
        sys.stderr.write(f"bkind3d {parsed.verb}: error: {said}\n")
        sys.stderr.flush()
    return 2
