"""``draw-contact-sheets``: one picture per keypoint, to name it by."""

import argparse
from pathlib import Path

from bkind3d.cli.named_paths import add_study, choose_names

HELP = "draw a contact sheet per keypoint: what it lies on, in many frames and all views"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    add_study(parser)
    parser.add_argument("--experiment", required=True, metavar="NAME", help="whose keypoints")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="folder of the sheets")


def run(arguments: argparse.Namespace) -> None:
    """Draw the sheets."""
    from bkind3d.report.contact_sheets import write_contact_sheets
    from bkind3d.study.opening import open_study

    study = open_study(arguments.study)
    (experiment,) = choose_names([arguments.experiment], study.config.experiments, "--experiment")
    write_contact_sheets(study, experiment, arguments.output)
