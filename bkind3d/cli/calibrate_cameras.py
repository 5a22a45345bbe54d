"""The verb ``calibrate-cameras``."""

import argparse
from typing import TYPE_CHECKING

from bkind3d.cli.numbers import at_least
from bkind3d.geometry.units import METRES

if TYPE_CHECKING:
    from bkind3d.config import BoardConfig, CalibrationConfig

HELP = "Calibrate a rig's cameras from videos of a board, and judge the result on board views that were held out."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_board_arguments(parser)
    parser.add_argument("--intrinsics", help="calibration (.toml) whose matrices and distortions are kept; only poses are solved")
    parser.add_argument("--world-points", help="table of named points (point, camera, column, row, x, y, z) that define the world")
    parser.add_argument("--truth", help="true calibration (.toml), to compare with")
    parser.add_argument("--output", required=True, help="calibration to write (.toml)")


def add_board_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what all verbs need that look at board videos."""
    parser.add_argument("--config", required=True, help="JSON or YAML file with the section 'calibration'")
    parser.add_argument("--boards", required=True, help="JSON or YAML file with the boards by name")
    parser.add_argument("--board", required=True, help="name of the board in the videos")
    parser.add_argument("--units", required=True, choices=METRES, help="units of the board's squares, and of the world")
    parser.add_argument("--videos", nargs="+", required=True, metavar="CAMERA=PATH", help="board video of every camera, synchronised")
    parser.add_argument("--threads", type=at_least(1), default=2, help="videos that are searched at a time")
    parser.add_argument("--quality", required=True, help="Parquet file to write (table 'calibration')")


def read_board_arguments(arguments: argparse.Namespace) -> "tuple[CalibrationConfig, BoardConfig, dict[str, str]]":
    """Read settings, board, and videos by camera."""
    from bkind3d.cli.named_paths import read_named_paths
    from bkind3d.config import CalibrationConfig, InputError, read_boards, read_section

    config, boards = read_section(CalibrationConfig, arguments.config), read_boards(arguments.boards)
    if arguments.board not in boards:
        raise InputError(f"{arguments.boards}: has no board {arguments.board!r}, only {', '.join(boards) or 'none'}")
    return config, boards[arguments.board], read_named_paths(arguments.videos, "--videos")


def run(arguments: argparse.Namespace) -> None:
    """Calibrate the cameras."""
    from bkind3d.calibration.calibration import Given, calibrate_cameras

    config, board, videos = read_board_arguments(arguments)
    given = Given(arguments.intrinsics, arguments.world_points, arguments.truth)
    calibrate_cameras(config, board, videos, arguments.units, arguments.output, arguments.quality, given, arguments.threads)
