"""The verb ``import-calibration``."""

import argparse

from bkind3d.data.calibration_formats import CALIBRATION_FORMATS
from bkind3d.geometry.units import METRES

HELP = "Read a calibration that another program made, check it, and write it in this project's format (docs/calibration-formats.md)."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("file", help="calibration: .toml, .mat, .xml, .qca.txt, .yaml, .json or .pkl")
    parser.add_argument(
        "--format", choices=CALIBRATION_FORMATS, help="format of the file; guessed from its ending and content without this"
    )
    parser.add_argument("--units", required=True, choices=METRES, help="units of the calibration's world")
    parser.add_argument("--cameras", nargs="+", help="cameras that are needed; cam_01 in the file is found as cam01 or cam1, too")
    parser.add_argument(
        "--size",
        nargs="+",
        default=[],
        metavar="WxH",
        help="size of the calibrated pictures where the file does not say it: 1280x1024, or cam1=1280x1024 ...",
    )
    parser.add_argument("--subject", help="whose cameras to take from Human3.6M's metadata.xml: S1 to S11")
    parser.add_argument(
        "--up", default="z", choices=["x", "y", "z", "-x", "-y", "-z"], help="axis of the file's world that points up; it becomes z"
    )
    parser.add_argument("-o", "--output", required=True, help="calibration to write (.toml)")
    parser.add_argument("--quality", help="Parquet file to write (table 'calibration'), as the workflow wants it")


def run(arguments: argparse.Namespace) -> None:
    """Import the calibration."""
    from bkind3d.calibration.importers import GivenCalibration, import_calibration
    from bkind3d.data.calibration_formats import parse_sizes

    sizes = parse_sizes(" ".join(arguments.size), "--size")
    given = GivenCalibration(arguments.file, arguments.units, arguments.format, arguments.subject, sizes, arguments.up)
    import_calibration(given, arguments.cameras, arguments.output, arguments.quality)
