import numpy as np
import pytest

from bkind3d.simulation.paths import Roaming, find_bearing, insert_rest, make_wander, pick_target, plan_bouts, plan_path

ROAMING = Roaming(
    {"rest": (0.8, 1.5), "walk": (1.0, 2.0), "trot": (1.0, 1.5), "turn": (0.7, 1.1)}, {"walk": (0.2, 0.3), "trot": (0.6, 0.8)}
)


def test_bouts_cover_the_recording_without_repeating_themselves():
    bouts = plan_bouts(np.random.default_rng(0), ROAMING, 1000, 30.0)
    assert bouts[0][1] == 0
    assert bouts[-1][2] == 1000
    assert all(first[2] == second[1] and first[0] != second[0] for first, second in zip(bouts, bouts[1:], strict=False))


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
    bouts = plan_bouts(np.random.default_rng(1), ROAMING, 300, 30.0)
    rested = insert_rest(bouts, ROAMING, 100, 200)
    assert [(first, last) for _, first, last in rested if first < 200 and last > 100] == [(100, 200)]
    assert rested[0][1] == 0
    assert rested[-1][2] == 300
    assert all(before[2] == after[1] for before, after in zip(rested, rested[1:], strict=False))
    assert ROAMING.behaviours[next(bout[0] for bout in rested if bout[1] == 100)] == "rest"


def test_each_pace_is_its_own_and_the_animal_stays_inside() -> None:
    rng = np.random.default_rng(2)
    path = plan_path(rng, ROAMING, plan_bouts(rng, ROAMING, 900, 30.0), 30.0, 1.0, radius=1.0)
    pace = {name: np.median(path["speed"][path["label"] == index]) for index, name in enumerate(ROAMING.behaviours)}
    assert pace["rest"] < 0.05 < pace["walk"] < 0.35 < pace["trot"]
    assert np.abs(path["turning"][path["label"] == 3]).mean() > 1
    assert np.hypot(path["x"], path["y"]).max() < 1.5
