"""The verb ``check-calibration``."""

import argparse

HELP = "Judge a given calibration by board videos: copied, moved or exchanged cameras, wrong scale, errors in pixels and at the board."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    from bkind3d.cli.calibrate_cameras import add_board_arguments

    parser.add_argument("calibration", help="calibration to judge (.toml)")
    add_board_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Judge the calibration; exit code 2 where it is not good enough."""
    from bkind3d.calibration.calibration import check_calibration
    from bkind3d.cli.calibrate_cameras import read_board_arguments

    config, board, videos = read_board_arguments(arguments)
    check_calibration(arguments.calibration, config, board, videos, arguments.units, arguments.quality, arguments.threads)
