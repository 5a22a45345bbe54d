"""Simulated rats in a folder such as a laboratory has: a folder per session, a video per camera, and a film of the board."""

from pathlib import Path

from bkind3d.config import BoardConfig, SimulatedRig, SimulatedSession, SimulatedSubject, SimulationConfig
from bkind3d.simulation.layouts.writing import Content
from bkind3d.simulation.sessions import simulate_board, simulate_session

#: The demo's rats.
RATS = {
    "rat1": SimulatedSubject(scale=0.95, coat="brown", seed=1),
    "rat2": SimulatedSubject(scale=1.0, coat="hooded", seed=2),
    "rat3": SimulatedSubject(scale=1.08, coat="white", seed=3),
    "rat4": SimulatedSubject(scale=1.02, coat="grey", seed=4),
    "rat5": SimulatedSubject(scale=0.98, coat="grey", seed=5),
    "rat6": SimulatedSubject(scale=1.05, coat="brown", seed=6),
}
SUBJECTS, ACTIONS, CHUNK, LEAST, IMITATES = tuple(RATS), (), 0, (10, 80), ""
#: The board that is filmed: 7x5:60:45 in millimetres.
BOARD = BoardConfig(pattern="charuco", squares_x=7, squares_y=5, square_length=60, marker_length=45)
_RIG = "arena"


def make_config(content: Content) -> SimulationConfig:
    """One session per rat, in one arena; rats and sessions have the same names and seeds."""
    width, height = content.shape
    rig, subjects = SimulatedRig(cameras=4, width=width, height=height), {name: RATS[name] for name in content.subjects}
    sessions = {name: SimulatedSession(subject=name, rig=_RIG, frames=content.frames, seed=rat.seed) for name, rat in subjects.items()}
    return SimulationConfig(rigs={_RIG: rig}, subjects=subjects, sessions=sessions)


def write(content: Content, folder: Path, workers: int) -> int:
    """Write videos of all sessions and of the board, and what is true of them to the folder ``truth``."""
    config, truth = make_config(content), folder / "truth"
    simulate_board(config, {config.rigs[_RIG].board: BOARD}, _RIG, folder, truth, workers)
    for name in config.sessions:
        simulate_session(config, name, folder, truth, workers)
    return len(config.sessions)
