"""The verb ``import-h36m``."""

import argparse
from pathlib import Path

HELP = "Make a study of Human3.6M (original archives, or extracted by h36m-fetch): sheets, calibrations, joints; docs/how-to/human36m.md."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument(
        "folder", type=Path, help="holds S1, S5, ..., S11 (or extracted/S1, ...) and metadata.xml; nothing is written there"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="STUDY", help="folder of the study; must not be there yet")
    parser.add_argument("--metadata", type=Path, help="the data set's metadata.xml, if it lies elsewhere than in the folder")


def run(arguments: argparse.Namespace) -> None:
    """Import the data set."""
    from bkind3d.archives.human36m import import_human36m

    import_human36m(arguments.folder, arguments.output, arguments.metadata)
