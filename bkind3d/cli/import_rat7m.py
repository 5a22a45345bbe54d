"""The verb ``import-rat7m``."""

import argparse
from pathlib import Path

HELP = "Make a study of Rat7M: sheets, calibrations, joints and frame maps; docs/how-to/rat7m.md."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument(
        "folder", type=Path, help="holds mocap-s1-d1.mat, s1-d1-camera1-0.mp4, ..., in it or in folders below; nothing is written there"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="STUDY", help="folder of the study; must not be there yet")
    parser.add_argument("--test", nargs="+", default=["s5"], metavar="RAT", help="rats that are judged on; the others are learned from")
    parser.add_argument(
        "--sessions", nargs="+", default=[], metavar="SESSION", help="what to import, such as s1-d1 s5-d1; all without this"
    )


def run(arguments: argparse.Namespace) -> None:
    """Import the data set."""
    from bkind3d.archives.rat7m import import_rat7m

    import_rat7m(arguments.folder, arguments.output, arguments.test, arguments.sessions)
