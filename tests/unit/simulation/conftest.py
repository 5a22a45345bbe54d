"""Small rigs and subjects; tests that draw are skipped where no picture can be drawn."""

import pytest

import bkind3d.simulation  # noqa: F401  (chooses the off-screen backend before MuJoCo is imported)
from bkind3d.config import SimulatedRig, SimulatedSubject

mujoco = pytest.importorskip("mujoco", reason="the extra `simulation` is not installed")


def why_nothing_can_be_drawn() -> str:
    try:
        context = mujoco.GLContext(16, 16)
        context.make_current()
        context.free()
    except Exception as error:  # noqa: BLE001  (every driver fails in its own way)
        return f"no off-screen rendering here ({error}); install libegl1 and libgl1-mesa-dri"
    return ""


@pytest.fixture(scope="session")
def drawing() -> None:
    reason = why_nothing_can_be_drawn()
    if reason:
        pytest.skip(reason)


@pytest.fixture
def rig() -> SimulatedRig:
    return SimulatedRig(cameras=4, width=160, height=128, board_frames=12)


@pytest.fixture
def subject() -> SimulatedSubject:
    return SimulatedSubject(scale=1.1, coat="hooded", seed=3)
