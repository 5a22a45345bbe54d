"""The verb ``simulate``."""

import argparse
import os
from pathlib import Path

HELP = "Render a data set that has the layout of a published one, to try importers, splits and tables without the licensed recordings."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--layout", required=True, choices=["h36m"], help="whose files: h36m is Human3.6M")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder to write; must not be there yet")
    parser.add_argument("--subjects", nargs="+", metavar="S", help="subjects, such as S1 S5 S9 (default: the seven of the data set)")
    parser.add_argument(
        "--actions", nargs="+", metavar="A", help="actions, such as Walking Greeting (default: all fifteen); two takes each"
    )
    parser.add_argument("--frames", type=int, default=40, help="frames of each take, at 50 per second")
    parser.add_argument("--size", type=int, default=256, help="width and height of the pictures; even")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="processes; each films whole subjects")


def run(arguments: argparse.Namespace) -> None:
    """Render the data set."""
    from bkind3d.simulation.human36m import make_stand_in, simulate_human36m

    content = make_stand_in(arguments.subjects, arguments.actions, arguments.frames, arguments.size)
    simulate_human36m(content, arguments.output, max(1, arguments.workers))
