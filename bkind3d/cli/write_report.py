"""``write-report``: the study's report, or one session's page, as one HTML file that opens offline."""

import argparse
from pathlib import Path

from bkind3d.cli.named_paths import add_study

HELP = "write the report of the study, or the page of one session (--session), as one HTML file that opens offline"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    add_study(parser)
    parser.add_argument("--session", metavar="NAME", help="write the page of this session instead of the report")
    parser.add_argument("--output", type=Path, required=True, metavar="HTML", help="the file to write")


def run(arguments: argparse.Namespace) -> None:
    """Write the report or the page."""
    from bkind3d.evaluation.health import examine_sessions
    from bkind3d.report.pages import write_report, write_session_page
    from bkind3d.study.opening import open_study

    study = open_study(arguments.study)
    if arguments.session:
        write_session_page(study, arguments.session, arguments.output, examine_sessions)
    else:
        write_report(study, arguments.output, examine_sessions)
