import numpy as np
import pytest

from bkind3d.config import SimulatedSubject
from bkind3d.simulation.animals import Take
from bkind3d.simulation.rodent.plan import BEHAVIOURS, find_bearing, insert_rest, make_wander, pick_target, plan_bouts, plan_motion

ARENA = 700.0


def make_plan(seed=0, subject_seed=0, frames=900):
    return plan_motion(SimulatedSubject(seed=subject_seed), Take(frames, 30.0, ARENA, seed))


def test_bouts_cover_the_recording_without_repeating_themselves():
    bouts = plan_bouts(np.random.default_rng(0), 1000, 30.0)
    assert bouts[0][1] == 0
    assert bouts[-1][2] == 1000
    assert all(first[2] == second[1] and first[0] != second[0] for first, second in zip(bouts, bouts[1:], strict=False))


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


def test_wandering_has_unit_variance_and_its_own_pace():
    slow, quick = (make_wander(np.random.default_rng(0), 20_000, 30, seconds) for seconds in (0.5, 0.1))
    assert slow.std() == pytest.approx(1, rel=0.15)
    assert quick.std() == pytest.approx(1, rel=0.15)
    assert np.abs(np.diff(slow)).mean() < 0.5 * np.abs(np.diff(quick)).mean()


def test_bearing_is_positive_to_the_left():
    assert find_bearing(np.zeros(2), 0.0, np.array([1.0, 1.0])) == pytest.approx(np.pi / 4)
    assert find_bearing(np.zeros(2), np.pi, np.array([-1.0, 1.0])) == pytest.approx(-np.pi / 4)


def test_a_target_is_inside_and_not_too_near():
    rng, place = np.random.default_rng(0), np.array([0.15, 0.0])
    for _ in range(50):
        target = pick_target(rng, place, 0.0, 0.2)
        assert np.linalg.norm(target) <= 0.2
        assert np.linalg.norm(target - place) > 0.1


def test_a_long_rest_replaces_what_the_animal_did() -> None:
    bouts = plan_bouts(np.random.default_rng(1), 300, 30.0)
    rested = insert_rest(bouts, 100, 200)
    assert [(first, last) for _, first, last in rested if first < 200 and last > 100] == [(100, 200)]
    assert rested[0][1] == 0
    assert rested[-1][2] == 300
    assert all(before[2] == after[1] for before, after in zip(rested, rested[1:], strict=False))
    assert BEHAVIOURS[next(bout[0] for bout in rested if bout[1] == 100)] == "rest"
