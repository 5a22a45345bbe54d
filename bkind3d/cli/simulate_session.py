"""``bkind3d simulate-session``."""

import argparse
import os
from pathlib import Path

from bkind3d.cli.numbers import at_least
from bkind3d.config import SimulationConfig, read_section

HELP = "Render the videos of a simulated session, and write its truth beside them."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments to `parser`."""
    parser.add_argument("--config", type=Path, required=True, help="section `simulation` of the configuration (JSON or YAML)")
    parser.add_argument("--session", required=True, help="a key of simulation.sessions")
    parser.add_argument("--recordings", type=Path, required=True, help="folder that gets SESSION/CAMERA.mp4")
    parser.add_argument("--truth", type=Path, required=True, help="folder that gets SESSION/{joints,behaviours,silhouettes}.parquet")
    parser.add_argument(
        "--workers", type=at_least(1), default=len(os.sched_getaffinity(0)), help="processes; each films its share of the cameras"
    )


def run(arguments: argparse.Namespace) -> None:
    """Run the verb."""
    from bkind3d.simulation.sessions import simulate_session

    config = read_section(SimulationConfig, arguments.config)
    simulate_session(config, arguments.session, arguments.recordings, arguments.truth, arguments.workers)
