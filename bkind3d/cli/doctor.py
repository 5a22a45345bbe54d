"""The verb ``doctor``."""

import argparse
from pathlib import Path

HELP = "Examine a study's recordings before days are spent on them: sheets, videos, calibration, synchronisation; draw what is known."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("config", type=Path, help="the study's config/config.yaml, or its folder")
    parser.add_argument("--sessions", nargs="+", metavar="SESSION", help="examine these sessions only")
    parser.add_argument("--full", action="store_true", help="decode every frame, not only 50 per camera")
    parser.add_argument("--page", type=Path, help="HTML page to write (default: results/doctor.html of the study)")
    parser.add_argument("--json", action="store_true", help="write the findings as JSON to the standard output, for machines")
    parser.add_argument("--keep-going", action="store_true", help="end with exit code 0 whatever was found, and measure no memory")


def run(arguments: argparse.Namespace) -> None:
    """Examine the study; refuse it where a check failed."""
    import sys

    from bkind3d.config import InputError
    from bkind3d.doctor.studies import examine_study, format_checks, name_command

    checks, page = examine_study(arguments.config, arguments.sessions, arguments.full, arguments.page, memory=not arguments.keep_going)
    sys.stdout.write(format_checks(checks, arguments.json))
    failed = [check for check in checks if check.status == "failure"]
    if failed and not arguments.keep_going:
        first = failed[0]
        more = f" (and {len(failed) - 1} more failures)" if len(failed) > 1 else ""
        raise InputError(f"{first.describe().split(maxsplit=1)[1]}{more}{f'; see {page}' if page else ''}")
    if not arguments.json:
        sys.stdout.write(f"Pictures of all this: {page}\nNext, see what would be computed:\n  {name_command(arguments.config)} -n\n")
