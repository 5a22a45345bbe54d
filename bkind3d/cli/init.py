"""The verb ``init``."""

import argparse
from pathlib import Path

from bkind3d.geometry.units import METRES

HELP = "Make a study of a folder of recordings: find out which video is which camera of which session, and write sheets and settings."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("folder", type=Path, help="holds videos of sessions, and of a calibration board or a calibration file; read only")
    parser.add_argument("--study", type=Path, required=True, help="folder of the study; must not be there yet")
    parser.add_argument("--units", choices=METRES, default="mm", help="of lengths on the board, or in the calibration")
    parser.add_argument(
        "--pattern", help="where the names stand in the videos' paths, such as '{session}/{camera}.mp4'; * for anything else"
    )
    parser.add_argument("--calibration", type=Path, help="calibration file of all sessions, of any format")
    parser.add_argument("--board", help="the filmed board: squares, side of a square, side of a marker, such as 8x11:24:18.75")


def run(arguments: argparse.Namespace) -> None:
    """Recognise the recordings and write the study."""
    import sys

    from bkind3d.start.study import start_study

    options = (arguments.units, arguments.pattern, arguments.calibration, arguments.board)
    sys.stdout.write(start_study(arguments.folder, arguments.study, *options))
