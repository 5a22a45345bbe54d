"""The verb ``locate-subject``."""

import argparse
import sys

HELP = "Find the subject's centre in every frame, and its size, from the silhouettes of all cameras."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--config", required=True, help="JSON or YAML file with the section 'location'")
    parser.add_argument("--calibration", required=True, help="calibration (.toml) of the rig")
    parser.add_argument("--surveys", nargs="+", required=True, metavar="CAMERA=PATH", help="survey table of every camera")
    parser.add_argument("--output", required=True, help="Parquet file to write (table 'location')")


def run(arguments: argparse.Namespace) -> None:
    """Locate the subject."""
    from bkind3d.cli.named_paths import read_named_paths
    from bkind3d.config import LocationConfig, read_section
    from bkind3d.survey.location import locate_subject

    config = read_section(LocationConfig, arguments.config)
    remarks = locate_subject(config, arguments.calibration, read_named_paths(arguments.surveys, "--surveys"), arguments.output)
    # Not into the log: whoever started the workflow should see it before hours are spent.
    sys.stdout.writelines(f"{arguments.output}: {remark}\n" for remark in remarks)
