"""``write-report``: the study's report, or one session's page, as one HTML file that opens offline."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bkind3d.report.files import StudyFiles

HELP = "write the report of the study, or the page of one session (--session), as one HTML file that opens offline"


def add_study_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what names a study's parts; its files are found by the workflow's layout of the results."""
    parser.add_argument("--config", type=Path, required=True, metavar="JSON", help="validated settings of the report")
    parser.add_argument("--experiments", nargs="+", required=True, metavar="NAME", help="experiments to show, in this order")
    parser.add_argument("--sessions", type=Path, required=True, metavar="TSV", help="sheet of the sessions")
    parser.add_argument("--cameras", type=Path, required=True, metavar="TSV", help="sheet of each session's videos")
    parser.add_argument("--rigs", type=Path, required=True, metavar="TSV", help="sheet of the rigs")
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="FOLDER", help="the study's results")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    add_study_arguments(parser)
    parser.add_argument("--session", metavar="NAME", help="write the page of this session instead of the report")
    parser.add_argument("--behaviours", type=Path, metavar="FILE", help="annotated behaviours of the session (Parquet), shown over time")
    parser.add_argument("--output", type=Path, required=True, metavar="HTML", help="the file to write")


def open_named_files(arguments: argparse.Namespace) -> "StudyFiles":
    """Open the study that :func:`add_study_arguments` named."""
    from bkind3d.report.files import open_files

    return open_files(**{key: getattr(arguments, key) for key in ("results", "config", "experiments", "sessions", "cameras", "rigs")})


def run(arguments: argparse.Namespace) -> None:
    """Write the report or the page."""
    from bkind3d.report.pages import write_report, write_session_page

    files = open_named_files(arguments)
    if arguments.session:
        write_session_page(files, arguments.session, arguments.output, arguments.behaviours)
    else:
        write_report(files, arguments.output)
