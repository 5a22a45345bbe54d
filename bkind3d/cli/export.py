"""``export``: keypoints in the formats of other tools."""

import argparse
from pathlib import Path

from bkind3d.config import EXPORT_FORMATS

HELP = "write keypoints, skeleton and cameras in the formats of other tools"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("formats", nargs="+", choices=list(EXPORT_FORMATS), metavar="FORMAT", help=f"any of {', '.join(EXPORT_FORMATS)}")
    parser.add_argument("--study", type=Path, default=Path(), metavar="FOLDER", help="the study, which has config/ and results/")
    parser.add_argument("--experiments", nargs="+", metavar="NAME", help="experiments (default: all)")
    parser.add_argument("--sessions", nargs="+", metavar="NAME", help="sessions (default: all)")
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="where to write EXPERIMENT/FORMAT/SESSION (default: STUDY/results/exports)"
    )


def run(arguments: argparse.Namespace) -> None:
    """Read the study and write every session."""
    from bkind3d.cli.named_paths import choose_names
    from bkind3d.export.formats import export_sessions
    from bkind3d.study.study import load_study

    study = load_study(folder=arguments.study)
    experiments = choose_names(arguments.experiments, list(study.config.experiments), "--experiments")
    sessions = choose_names(arguments.sessions, list(study.sessions), "--sessions")
    export_sessions(study, experiments, arguments.formats, sessions, arguments.output or arguments.study / "results" / "exports")
