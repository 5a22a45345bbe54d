"""``explain``: what is behind a row of a table."""

import argparse
import sys
from pathlib import Path

from bkind3d.cli.numbers import at_least

HELP = "Print the files, settings, seeds, versions and hashes behind a row of a table, such as results/tables/pose.csv --row 1."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("table", type=Path, help="results/tables/pose.csv, results/tables/actions.csv, or a table of results/paper")
    parser.add_argument("--row", type=at_least(1), required=True, metavar="N", help="row of the table, from 1; the header does not count")


def run(arguments: argparse.Namespace) -> None:
    """Explain the row."""
    from bkind3d.report.explanation import explain_row

    sys.stdout.write(explain_row(arguments.table, arguments.row) + "\n")
