"""The verb ``simulate``."""

import argparse
import os
from pathlib import Path

from bkind3d.cli.numbers import at_least
from bkind3d.simulation.layouts.writing import LAYOUTS, choose_content, write_layout

HELP = "Render recordings to try things with: rats as a laboratory films them, or a stand-in that has the layout of a published data set."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--layout", required=True, choices=LAYOUTS, help="whose files: h36m is Human3.6M")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder to write; must not be there yet")
    parser.add_argument(
        "--subjects", nargs="+", metavar="S", help="subjects, such as rat1 rat2, S1 S5 S9, or s1 s5 (default: all that there are)"
    )
    parser.add_argument(
        "--actions", nargs="+", metavar="A", help="h36m: actions, such as Walking Greeting (default: all fifteen); two takes each"
    )
    parser.add_argument(
        "--frames", type=at_least(1), default=40, help="frames of each take (h36m, 50 per second) or session (30 per second)"
    )
    parser.add_argument("--size", type=at_least(1), default=256, help="width of the pictures, even; they are square (h36m) or 5:4")
    parser.add_argument(
        "--chunk", type=at_least(1), metavar="FRAMES", help="rat7m: frames of each file of a video (default: 3500, as in the data set)"
    )
    parser.add_argument(
        "--workers", type=at_least(1), default=len(os.sched_getaffinity(0)), help="processes; each films whole subjects or sessions"
    )


def run(arguments: argparse.Namespace) -> None:
    """Render the data set."""
    asked = (arguments.subjects, arguments.actions, arguments.frames, arguments.size, arguments.chunk)
    write_layout(arguments.layout, choose_content(arguments.layout, *asked), arguments.output, arguments.workers)
