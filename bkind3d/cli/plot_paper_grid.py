"""``plot-paper-grid``: keypoints projected into the pictures, beside the true joints."""

import argparse
from pathlib import Path

from bkind3d.cli.write_report import add_study_arguments, open_named_files

HELP = "Draw the keypoints of several experiments into the same pictures, beside the true joints (the grid of a paper's table)."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--table", type=Path, required=True, metavar="JSON", help="the table's section of `paper`")
    add_study_arguments(parser)
    parser.add_argument("--dataset", required=True, help="name of the data; where it begins with 'simulated', the picture says so")
    parser.add_argument("--show", nargs="+", required=True, metavar="SESSION", help="sessions that are shown")
    parser.add_argument("--output", type=Path, required=True, metavar="PNG", help="the picture")


def run(arguments: argparse.Namespace) -> None:
    """Draw the grid."""
    from bkind3d.config import PaperTableConfig, read_section
    from bkind3d.report.paper_figures import write_grid

    settings = read_section(PaperTableConfig, arguments.table)
    write_grid(settings, open_named_files(arguments), arguments.dataset, arguments.show, arguments.output)
