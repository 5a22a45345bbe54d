"""``bkind3d simulate-board``."""

import argparse
from pathlib import Path

from bkind3d.cli.simulate_session import add_common_arguments
from bkind3d.config import SimulationConfig, read_boards, read_section

HELP = "Render the calibration videos of a simulated rig: a board moved in front of its cameras."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments to `parser`."""
    parser.add_argument("--boards", type=Path, required=True, help="section `boards` of the configuration (JSON or YAML)")
    parser.add_argument("--rig", required=True, help="a key of simulation.rigs")
    add_common_arguments(parser, recordings="RIG_board/CAMERA.mp4", truth="RIG/calibration.toml")


def run(arguments: argparse.Namespace) -> None:
    """Run the verb."""
    from bkind3d.simulation.sessions import simulate_board

    config, boards = read_section(SimulationConfig, arguments.config), read_boards(arguments.boards)
    simulate_board(config, boards, arguments.rig, arguments.recordings, arguments.truth, arguments.workers)
