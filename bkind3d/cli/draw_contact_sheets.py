"""``draw-contact-sheets``: one picture per keypoint, to name it by."""

import argparse
from pathlib import Path

from bkind3d.cli.write_report import add_study_arguments, open_named_files

HELP = "draw a contact sheet per keypoint: what it lies on, in many frames and all views"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    add_study_arguments(parser)
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="folder of the sheets of the first of the experiments")


def run(arguments: argparse.Namespace) -> None:
    """Draw the sheets."""
    from bkind3d.report.contact_sheets import write_contact_sheets

    write_contact_sheets(open_named_files(arguments), arguments.experiments[0], arguments.output)
