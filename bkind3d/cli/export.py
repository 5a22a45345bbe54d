"""``export``: keypoints in the formats of other tools."""

import argparse
from pathlib import Path

from bkind3d.cli.named_paths import add_study, choose_names
from bkind3d.config import EXPORT_FORMATS

HELP = "write keypoints, skeleton and cameras in the formats of other tools"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("formats", nargs="+", choices=list(EXPORT_FORMATS), metavar="FORMAT", help=f"any of {', '.join(EXPORT_FORMATS)}")
    add_study(parser, "experiments", "sessions")
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="where to write EXPERIMENT/FORMAT/SESSION (default: the study's results/exports)"
    )


def run(arguments: argparse.Namespace) -> None:
    """Read the study and write every session."""
    from bkind3d.export.formats import export_sessions
    from bkind3d.study.opening import open_study

    study = open_study(arguments.study)
    experiments = choose_names(arguments.experiments, study.config.experiments, "--experiments")
    sessions = choose_names(arguments.sessions, study.sessions, "--sessions")
    export_sessions(study, experiments, arguments.formats, sessions, arguments.output or study.results.exports())
