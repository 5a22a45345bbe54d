"""The verb ``export-calibration``."""

import argparse

from bkind3d.data.calibration_formats import CALIBRATION_FORMATS

HELP = "Write a calibration for other programs: aniposelib's TOML, or OpenCV's FileStorage (YAML, JSON)."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("file", help="calibration (.toml) of this project")
    parser.add_argument(
        "--format",
        choices=[name for name, row in CALIBRATION_FORMATS.items() if row.written],
        help="format to write; by the output's ending without this",
    )
    parser.add_argument("-o", "--output", required=True, help="file to write: .toml (aniposelib), .yaml, .yml, .json or .xml (opencv)")


def run(arguments: argparse.Namespace) -> None:
    """Export the calibration."""
    from bkind3d.calibration.exporters import export_calibration

    export_calibration(arguments.file, arguments.output, arguments.format)
