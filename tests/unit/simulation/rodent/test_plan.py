import numpy as np
import pytest

from bkind3d.config import SimulatedSubject
from bkind3d.simulation.animals import Take
from bkind3d.simulation.rodent.plan import BEHAVIOURS, plan_motion

ARENA = 700.0


def make_plan(seed=0, subject_seed=0, frames=900):
    return plan_motion(SimulatedSubject(seed=subject_seed), Take(frames, 30.0, ARENA, seed))


@pytest.mark.parametrize("seed", range(5))
def test_every_behaviour_occurs_within_nine_seconds_and_the_animal_stays_inside(seed):
    plan = make_plan(seed, frames=260)
    assert set(plan.labels) == set(range(len(BEHAVIOURS)))
    assert np.hypot(plan.x, plan.y).max() < ARENA / 2000 - 0.06


def test_walking_moves_turning_turns_and_the_rest_stays_in_place():
    plan = make_plan()
    speed, turning = np.hypot(np.gradient(plan.x), np.gradient(plan.y)) * 30, np.abs(plan.turning)
    means = {name: (speed[plan.labels == index].mean(), turning[plan.labels == index].mean()) for index, name in enumerate(BEHAVIOURS)}
    assert means["walk"][0] > 0.08 > 3 * means["turn"][0] / 2
    assert means["turn"][1] > max(1.0, 1.5 * means["walk"][1])
    for name in ("rest", "rear", "groom"):
        assert means[name][0] < 0.04
        assert means[name][1] < 0.5


def test_headings_and_postures_vary():
    plan = make_plan()
    assert len(np.unique(np.floor(plan.yaw % (2 * np.pi) / (np.pi / 4)))) == 8
    assert plan.posture["bend"].std() > 0.15
    assert plan.posture["bend"].min() < -0.4
    assert plan.posture["bend"].max() > 0.4


def test_seeds_of_session_and_subject_matter_and_nothing_else():
    plan, again, other, brother = make_plan(), make_plan(), make_plan(seed=1), make_plan(subject_seed=1)
    assert np.array_equal(plan.x, again.x)
    assert all(np.array_equal(plan.posture[name], again.posture[name]) for name in plan.posture)
    assert not np.allclose(plan.x, other.x)
    assert not np.allclose(plan.x, brother.x)
