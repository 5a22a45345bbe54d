"""``plot-figures``: the static figures of the experiments."""

import argparse
from pathlib import Path

from bkind3d.cli.named_paths import add_study, choose_names

HELP = "plot the figures of each experiment (SVG and PNG): pose errors, learning curves, confusion matrix, overlays"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    add_study(parser, "experiments")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="folder of the figures, EXPERIMENT.NAME.svg and .png")


def run(arguments: argparse.Namespace) -> None:
    """Plot the figures."""
    from bkind3d.report.figures import write_figures
    from bkind3d.study.opening import open_study

    study = open_study(arguments.study)
    for experiment in choose_names(arguments.experiments, study.config.experiments, "--experiments"):
        write_figures(study, experiment, arguments.output)
