"""The verb ``import-calibration``."""

import argparse

HELP = "Read a given calibration (aniposelib or Pose2Sim TOML) and check it."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("file", help="calibration (.toml)")
    parser.add_argument("--units", required=True, help="units of the calibration's world")
    parser.add_argument("--cameras", nargs="+", help="cameras that are needed; cam_01 in the file is found as cam01 or cam1, too")
    parser.add_argument(
        "--up", default="z", choices=["x", "y", "z", "-x", "-y", "-z"], help="axis of the file's world that points up; it becomes z"
    )
    parser.add_argument("--output", required=True, help="calibration to write (.toml)")
    parser.add_argument("--quality", required=True, help="Parquet file to write (table 'calibration')")


def run(arguments: argparse.Namespace) -> None:
    """Import the calibration."""
    from bkind3d.calibration.importers import import_calibration

    import_calibration(arguments.file, arguments.units, arguments.cameras, arguments.output, arguments.quality, arguments.up)
