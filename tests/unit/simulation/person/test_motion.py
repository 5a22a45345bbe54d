import mujoco
import numpy as np
import pytest

from bkind3d.config import SimulatedSubject
from bkind3d.simulation.animals import Motion, Take
from bkind3d.simulation.filming import film_positions
from bkind3d.simulation.person.actions import ACTIONS, BASES, HANDS
from bkind3d.simulation.person.body import JOINTS, build_spec
from bkind3d.simulation.person.motion import move, plan_take, reach

PERSON = SimulatedSubject(animal="person", seed=2, scale=1.04)


@pytest.fixture(scope="module")
def model() -> mujoco.MjModel:
    return build_spec(PERSON).compile()


def perform(model: mujoco.MjModel, action: str, take: int, frames: int) -> Motion:
    return move(model, PERSON, Take(frames, 50.0, 4000.0, seed=take, behaviours=(action,)))


def place(model: mujoco.MjModel, action: str, take: int = 1, frames: int = 12) -> dict[str, np.ndarray]:
    """(frame, 3) of every joint, metres."""
    qpos = perform(model, action, take, frames).qpos
    return dict(zip(JOINTS, np.moveaxis(film_positions(model, qpos, [*JOINTS]), 1, 0) / 1000, strict=True))


def test_there_are_fifteen_actions_of_at_least_five_motions():
    assert len(ACTIONS) == 15
    assert {action.base for action in ACTIONS.values()} == {*BASES}
    assert {hand for action in ACTIONS.values() for hand in (action.left, action.right)} == {*HANDS}
    assert len({(action.base, action.right, action.left, action.look) for action in ACTIONS.values()}) == 15


@pytest.mark.parametrize("action", ACTIONS)
def test_hands_and_feet_are_where_the_plan_has_them(model: mujoco.MjModel, action: str) -> None:
    qpos = perform(model, action, 1, 6).qpos
    plan, data = plan_take(action, PERSON, Take(6, 50.0, 4000.0, seed=1)), mujoco.MjData(model)
    for frame in (0, 5):
        data.qpos[:] = qpos[frame]
        mujoco.mj_kinematics(model, data)
        places = reach(data, plan, frame, PERSON.scale)
        for body, (wanted, *_) in zip(("lfoot", "rfoot", "lwrist", "rwrist"), places, strict=True):
            assert np.linalg.norm(data.body(body).xpos - wanted) < 0.06, body
    # Nobody sinks into the floor or turns a joint by more than 15 degrees in a fiftieth of a second.
    positions = film_positions(model, qpos, [*JOINTS])
    assert positions[..., 2].min() > 10
    assert np.degrees(np.abs(np.diff(qpos[:, 7:], axis=0)).max()) < 15


def test_the_same_take_is_the_same_and_another_one_is_not(model: mujoco.MjModel) -> None:
    one, again, other = (perform(model, "Greeting", take, 4).qpos for take in (1, 1, 2))
    assert np.array_equal(one, again)
    assert np.abs(one - other).max() > 0.1


def test_walking_gets_along_and_its_feet_stand_in_turns(model: mujoco.MjModel) -> None:
    joints = place(model, "Walking", frames=60)
    way = np.linalg.norm(np.diff(joints["Pelvis"][:, :2], axis=0), axis=1).sum()
    assert 0.7 < way / 1.18 < 1.4
    speeds = np.stack([np.linalg.norm(np.diff(joints[side + "Toes"], axis=0), axis=1) * 50 for side in "LR"])
    assert (speeds.min(axis=0) < 0.35).mean() > 0.9
    assert (speeds.max(axis=1) > 1.5).all()


def test_who_sits_is_lower_and_who_waves_has_a_hand_above_the_shoulder(model: mujoco.MjModel) -> None:
    for action, (lowest, highest) in {"Waiting": (0.8, 1.0), "Sitting": (0.45, 0.65), "SittingDown": (0.08, 0.3)}.items():
        assert lowest < place(model, action, frames=2)["Pelvis"][0, 2] < highest
    joints = place(model, "Greeting", frames=2)
    assert max(joints[f"{side}Wrist"][0, 2] - joints[f"{side}Shoulder"][0, 2] for side in "LR") > 0.15


def test_the_stool_is_there_for_those_who_sit_on_it(model: mujoco.MjModel) -> None:
    motion = perform(model, "Sitting", 1, 2)
    stool = motion.places["stool"][0]
    assert stool[2] == 0
    assert np.linalg.norm(stool[:2] - film_positions(model, motion.qpos, ["Pelvis"])[0, 0, :2] / 1000) < 0.05
    assert perform(model, "Waiting", 1, 2).places["stool"][0, 2] < -0.5
