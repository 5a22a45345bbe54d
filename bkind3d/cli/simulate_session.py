"""``bkind3d simulate-session``."""

import argparse
import os
from pathlib import Path

from bkind3d.cli.numbers import at_least
from bkind3d.config import SimulationConfig, read_section

HELP = "Render the videos of a simulated session, and write its truth beside them."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments to `parser`."""
    parser.add_argument("--session", required=True, help="a key of simulation.sessions")
    add_common_arguments(parser, recordings="SESSION/CAMERA.mp4", truth="SESSION/{joints,behaviours,silhouettes}.parquet")


def add_common_arguments(parser: argparse.ArgumentParser, recordings: str, truth: str) -> None:
    """Add what the verbs that render have in common; `recordings` and `truth` are the files that they write."""
    parser.add_argument("--config", type=Path, required=True, help="section `simulation` of the configuration (JSON or YAML)")
    parser.add_argument("--recordings", type=Path, required=True, help=f"folder that gets {recordings}")
    parser.add_argument("--truth", type=Path, required=True, help=f"folder that gets {truth}")
    parser.add_argument(
        "--workers", type=at_least(1), default=len(os.sched_getaffinity(0)), help="processes; each films its share of the cameras"
    )


def run(arguments: argparse.Namespace) -> None:
    """Run the verb."""
    from bkind3d.simulation.sessions import simulate_session

    config = read_section(SimulationConfig, arguments.config)
    simulate_session(config, arguments.session, arguments.recordings, arguments.truth, arguments.workers)
