"""Simulated rats in a folder such as a laboratory has: a folder per session, a video per camera, and a film of the board."""

import logging
from collections.abc import Sequence
from pathlib import Path

from bkind3d.config import BoardConfig, InputError, SimulatedRig, SimulatedSession, SimulatedSubject, SimulationConfig
from bkind3d.simulation.sessions import simulate_board, simulate_session
from bkind3d.study.folders import folder_when_complete

log = logging.getLogger(__name__)

#: The demo's rats: size and coat.
RATS: dict[str, tuple[float, str]] = {
    "rat1": (0.95, "brown"),
    "rat2": (1.0, "hooded"),
    "rat3": (1.08, "white"),
    "rat4": (1.02, "grey"),
    "rat5": (0.98, "grey"),
    "rat6": (1.05, "brown"),
}
#: The board that is filmed: 7x5:60:45 in millimetres.
BOARD = BoardConfig(pattern="charuco", squares_x=7, squares_y=5, square_length=60, marker_length=45)
_RIG, _CAMERAS, _HEIGHT = "arena", 4, 0.8


def make_rats(names: Sequence[str] | None, frames: int, size: int) -> SimulationConfig:
    """Check what is to be rendered; None means all rats, a session each.

    Raises
    ------
    InputError : where there is no such rat, or the numbers cannot be rendered.
    """
    stray = [name for name in names or () if name not in RATS]
    if stray:
        raise InputError(f"--subjects: there is no {stray[0]!r}; there are {', '.join(RATS)}")
    try:
        rig = SimulatedRig(cameras=_CAMERAS, width=size, height=round(size * _HEIGHT / 2) * 2)
        chosen = list(dict.fromkeys(names or RATS))
        seeds = {name: int(name.removeprefix("rat")) for name in chosen}
        subjects = {name: SimulatedSubject(scale=RATS[name][0], coat=RATS[name][1], seed=seeds[name]) for name in chosen}  # type: ignore[arg-type]
        sessions = {name: SimulatedSession(subject=name, rig=_RIG, frames=frames, seed=seeds[name]) for name in chosen}
    except ValueError as error:
        raise InputError(
            f"--size {size}, --frames {frames}: cannot be filmed; give an even size from 80 on, and at least 10 frames"
        ) from error
    return SimulationConfig(rigs={_RIG: rig}, subjects=subjects, sessions=sessions)


def simulate_laboratory(config: SimulationConfig, output: Path, workers: int = 1) -> None:
    """Write videos of all sessions and of the board to `output`, and what is true of them to its folder ``truth``."""
    with folder_when_complete(output) as folder:
        simulate_board(config, {config.rigs[_RIG].board: BOARD}, _RIG, folder, folder / "truth", workers)
        for name in config.sessions:
            simulate_session(config, name, folder, folder / "truth", workers)
    log.info("%s: %d sessions and the board; joints and behaviours in truth/", output, len(config.sessions))
