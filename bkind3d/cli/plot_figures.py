"""``plot-figures``: the static figures of the experiments."""

import argparse
from pathlib import Path

from bkind3d.cli.write_report import add_study_arguments, open_named_files

HELP = "plot the figures of each experiment (SVG and PNG): pose errors, learning curves, confusion matrix, overlays"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    add_study_arguments(parser)
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="folder of the figures, EXPERIMENT.NAME.svg and .png")


def run(arguments: argparse.Namespace) -> None:
    """Plot the figures."""
    from bkind3d.report.figures import write_figures

    files = open_named_files(arguments)
    for experiment in arguments.experiments:
        write_figures(files, experiment, arguments.output)
