"""The verb ``board``."""

import argparse

from bkind3d.geometry.units import METRES

HELP = "Write a calibration board to print: PDF at true scale with a ruler, PNG, and its settings."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("board", help="name of the board in the settings")
    parser.add_argument("--config", default="config/config.yaml", help="the study's settings, or a file with the boards by name")
    parser.add_argument("--units", required=True, choices=METRES, help="units of the board's lengths (those of its rig)")
    parser.add_argument(
        "--page", default="board", choices=["board", "a4", "a3", "a2", "a1", "a0", "letter"], help="paper; board: as large as needed"
    )
    parser.add_argument("--output", required=True, help="PDF to write; a PNG and a YAML of the same name are written beside it")


def run(arguments: argparse.Namespace) -> None:
    """Write the board."""
    from bkind3d.calibration.printing import print_board
    from bkind3d.config import InputError, read_boards

    boards = read_boards(arguments.config)
    if arguments.board not in boards:
        raise InputError(f"{arguments.config}: has no board {arguments.board!r}, only {', '.join(boards) or 'none'}")
    print_board(boards[arguments.board], arguments.board, arguments.units, arguments.output, arguments.page)
