"""``plot-paper-grid``: keypoints projected into the pictures, beside the true joints."""

import argparse
from pathlib import Path

from bkind3d.cli.named_paths import add_study, choose_names

HELP = "Draw the keypoints of several experiments into the same pictures, beside the true joints (the grid of a paper's table)."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--table", type=Path, required=True, metavar="JSON", help="the table's section of `paper`")
    add_study(parser)
    parser.add_argument("--sessions", nargs="+", metavar="NAME", help="sessions that are shown (default: three unseen ones)")
    parser.add_argument("--output", type=Path, required=True, metavar="PNG", help="the picture")


def run(arguments: argparse.Namespace) -> None:
    """Draw the grid."""
    from bkind3d.config import PaperTableConfig, read_section
    from bkind3d.report.paper_figures import write_grid
    from bkind3d.study.opening import open_study

    study = open_study(arguments.study)
    shown = choose_names(arguments.sessions or study.list_grid_sessions(), study.sessions, "--sessions")
    write_grid(read_section(PaperTableConfig, arguments.table), study, shown, arguments.output)
