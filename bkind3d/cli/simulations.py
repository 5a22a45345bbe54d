"""Verbs that render recordings."""

import argparse
from pathlib import Path

from bkind3d.cli.verbs import Argument, argument, at_least, verb, workers
from bkind3d.config import SimulationConfig, read_boards, read_section
from bkind3d.simulation.layouts.writing import LAYOUTS, choose_content, write_layout


@verb(
    argument("--layout", required=True, choices=LAYOUTS, help="whose files: h36m is Human3.6M"),
    argument("-o", "--output", type=Path, required=True, help="folder to write; must not be there yet"),
    argument("--subjects", nargs="+", metavar="S", help="subjects, such as rat1 rat2, S1 S5 S9, or s1 s5 (default: all that there are)"),
    argument("--actions", nargs="+", metavar="A", help="h36m: actions, such as Walking Greeting (default: all fifteen); two takes each"),
    argument("--frames", type=at_least(1), default=40, help="frames of each take (h36m, 50 per second) or session (30 per second)"),
    argument("--size", type=at_least(1), default=256, help="width of the pictures, even; they are square (h36m) or 5:4"),
    argument(
        "--chunk", type=at_least(1), metavar="FRAMES", help="rat7m: frames of each file of a video (default: 3500, as in the data set)"
    ),
    workers("processes; each films whole subjects or sessions"),
)
def simulate(arguments: argparse.Namespace) -> None:
    """Render recordings to try things with: rats as a laboratory films them, or a stand-in that has the layout of a published data set."""
    asked = (arguments.subjects, arguments.actions, arguments.frames, arguments.size, arguments.chunk)
    write_layout(arguments.layout, choose_content(arguments.layout, *asked), arguments.output, arguments.workers)


def _list_common(recordings: str, truth: str) -> tuple[Argument, ...]:
    """What the verbs below have in common; `recordings` and `truth` are the files that they write."""
    return (
        argument("--config", type=Path, required=True, help="section `simulation` of the configuration (JSON or YAML)"),
        argument("--recordings", type=Path, required=True, help=f"folder that gets {recordings}"),
        argument("--truth", type=Path, required=True, help=f"folder that gets {truth}"),
        workers("processes; each films its share of the cameras"),
    )


@verb(
    argument("--boards", type=Path, required=True, help="section `boards` of the configuration (JSON or YAML)"),
    argument("--rig", required=True, help="a key of simulation.rigs"),
    *_list_common("RIG_board/CAMERA.mp4", "RIG/calibration.toml"),
)
def simulate_board(arguments: argparse.Namespace) -> None:
    """Render the calibration videos of a simulated rig: a board moved in front of its cameras."""
    from bkind3d.simulation.sessions import simulate_board

    config, boards = read_section(SimulationConfig, arguments.config), read_boards(arguments.boards)
    simulate_board(config, boards, arguments.rig, arguments.recordings, arguments.truth, arguments.workers)


@verb(
    argument("--session", required=True, help="a key of simulation.sessions"),
    *_list_common("SESSION/CAMERA.mp4", "SESSION/{joints,behaviours,silhouettes}.parquet"),
)
def simulate_session(arguments: argparse.Namespace) -> None:
    """Render the videos of a simulated session, and write its truth beside them."""
    from bkind3d.simulation.sessions import simulate_session

    config = read_section(SimulationConfig, arguments.config)
    simulate_session(config, arguments.session, arguments.recordings, arguments.truth, arguments.workers)
