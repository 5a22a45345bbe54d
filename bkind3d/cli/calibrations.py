"""Verbs for boards and calibrations."""

import argparse

from bkind3d.cli.verbs import argument, read_named_paths, threads, verb
from bkind3d.config import BoardConfig, CalibrationConfig, InputError, read_boards, read_section
from bkind3d.data.calibration_formats import CALIBRATION_FORMATS, parse_sizes
from bkind3d.geometry.units import METRES
from bkind3d.study.sheets import AXES

WRITTEN = [name for name, row in CALIBRATION_FORMATS.items() if row.written]
#: What all verbs need that look at board videos.
BOARD_VIDEOS = (
    argument("--config", required=True, help="JSON or YAML file with the section 'calibration'"),
    argument("--boards", required=True, help="JSON or YAML file with the boards by name"),
    argument("--board", required=True, help="name of the board in the videos"),
    argument("--units", required=True, choices=METRES, help="units of the board's squares, and of the world"),
    argument("--videos", nargs="+", required=True, metavar="CAMERA=PATH", help="board video of every camera, synchronised"),
    threads(2, "videos that are searched at a time"),
    argument("--quality", required=True, help="Parquet file to write (table 'calibration')"),
)


def _find_board(name: str, path: str) -> BoardConfig:
    """Read a board from a file with the boards by name."""
    boards = read_boards(path)
    if name not in boards:
        raise InputError(f"{path}: has no board {name!r}, only {', '.join(boards) or 'none'}")
    return boards[name]


def _read_board_videos(arguments: argparse.Namespace) -> tuple[CalibrationConfig, BoardConfig, dict[str, str]]:
    """Read settings, board, and videos by camera."""
    config, board = read_section(CalibrationConfig, arguments.config), _find_board(arguments.board, arguments.boards)
    return config, board, read_named_paths(arguments.videos, "--videos")


@verb(
    argument("board", help="name of the board in the settings"),
    argument("--config", default="config/config.yaml", help="the study's settings, or a file with the boards by name"),
    argument("--units", required=True, choices=METRES, help="units of the board's lengths (those of its rig)"),
    argument("--page", default="board", choices=["board", "a4", "a3", "a2", "a1", "a0", "letter"], help="paper; board: as large as needed"),
    argument("--output", required=True, help="PDF to write; a PNG and a YAML of the same name are written beside it"),
)
def board(arguments: argparse.Namespace) -> None:
    """Write a calibration board to print: PDF at true scale with a ruler, PNG, and its settings."""
    from bkind3d.calibration.printing import print_board

    found = _find_board(arguments.board, arguments.config)
    print_board(found, arguments.board, arguments.units, arguments.output, arguments.page)


@verb(
    *BOARD_VIDEOS,
    argument("--intrinsics", help="calibration (.toml) whose matrices and distortions are kept; only poses are solved"),
    argument("--world-points", help="table of named points (point, camera, column, row, x, y, z) that define the world"),
    argument("--truth", help="true calibration (.toml), to compare with"),
    argument("--output", required=True, help="calibration to write (.toml)"),
)
def calibrate_cameras(arguments: argparse.Namespace) -> None:
    """Calibrate a rig's cameras from videos of a board, and judge the result on board views that were held out."""
    from bkind3d.calibration.calibration import Given, calibrate_cameras

    config, filmed, videos = _read_board_videos(arguments)
    given = Given(arguments.intrinsics, arguments.world_points, arguments.truth)
    calibrate_cameras(config, filmed, videos, arguments.units, arguments.output, arguments.quality, given, arguments.threads)


@verb(argument("calibration", help="calibration to judge (.toml)"), *BOARD_VIDEOS)
def check_calibration(arguments: argparse.Namespace) -> None:
    """Judge a given calibration by board videos: copied, moved or exchanged cameras, wrong scale, errors in pixels and at the board."""
    from bkind3d.calibration.calibration import check_calibration

    config, filmed, videos = _read_board_videos(arguments)
    check_calibration(arguments.calibration, config, filmed, videos, arguments.units, arguments.quality, arguments.threads)


@verb(
    argument("file", help="calibration: .toml, .mat, .xml, .qca.txt, .yaml, .json or .pkl"),
    argument("--format", choices=CALIBRATION_FORMATS, help="format of the file; guessed from its ending and content without this"),
    argument("--units", required=True, choices=METRES, help="units of the calibration's world"),
    argument("--cameras", nargs="+", help="cameras that are needed; cam_01 in the file is found as cam01 or cam1, too"),
    argument(
        "--size",
        nargs="+",
        default=[],
        metavar="WxH",
        help="size of the calibrated pictures where the file does not say it: 1280x1024, or cam1=1280x1024 ...",
    ),
    argument("--subject", help="whose cameras to take from Human3.6M's metadata.xml: S1 to S11"),
    argument("--up", default="z", choices=AXES, help="axis of the file's world that points up; it becomes z"),
    argument("-o", "--output", required=True, help="calibration to write (.toml)"),
    argument("--quality", help="Parquet file to write (table 'calibration'), as the workflow wants it"),
)
def import_calibration(arguments: argparse.Namespace) -> None:
    """Read a calibration that another program made, check it, and write it in this project's format (docs/calibration-formats.md)."""
    from bkind3d.calibration.exchange import GivenCalibration, import_calibration

    sizes = parse_sizes(" ".join(arguments.size), "--size")
    given = GivenCalibration(arguments.file, arguments.units, arguments.format, arguments.subject, sizes, arguments.up)
    import_calibration(given, arguments.cameras, arguments.output, arguments.quality)


@verb(
    argument("file", help="calibration (.toml) of this project"),
    argument("--format", choices=WRITTEN, help="format to write; by the output's ending without this"),
    argument("-o", "--output", required=True, help="file to write: .toml (aniposelib), .yaml, .yml, .json or .xml (opencv)"),
)
def export_calibration(arguments: argparse.Namespace) -> None:
    """Write a calibration for other programs: aniposelib's TOML, or OpenCV's FileStorage (YAML, JSON)."""
    from bkind3d.calibration.exchange import export_calibration

    export_calibration(arguments.file, arguments.output, arguments.format)
