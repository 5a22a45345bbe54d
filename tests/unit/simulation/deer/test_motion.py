import numpy as np
import pytest

from bkind3d.config import SimulatedSubject
from bkind3d.simulation.animals import Take
from bkind3d.simulation.deer import BEHAVIOURS, FRONT, JOINTS, build_spec, move
from bkind3d.simulation.filming import film_positions, find_headings


@pytest.fixture(scope="module")
def moved():
    subject = SimulatedSubject(animal="deer", seed=2)
    model = build_spec(subject).compile()
    motion = move(model, subject, Take(600, 30.0, 5000.0, seed=3))
    positions = film_positions(model, motion.qpos, JOINTS)
    return motion, {name: positions[:, index] for index, name in enumerate(JOINTS)}


def test_bones_keep_their_length_and_the_body_its_proportions(moved) -> None:
    _, joints = moved
    for first, second in (("ShoulderL", "ElbowL"), ("ElbowL", "CarpusL"), ("HipR", "StifleR"), ("StifleR", "HockR")):
        lengths = np.linalg.norm(joints[first] - joints[second], axis=1)
        assert np.ptp(lengths) < 1e-6
    leg, trunk = joints["Withers"][:, 2].mean(), np.linalg.norm(joints["Withers"] - joints["TailBase"], axis=1).mean()
    assert leg > trunk, "its legs are long"


def test_behaviours_look_like_their_names(moved) -> None:
    motion, joints = moved
    labels = np.array(motion.behaviours)
    assert set(labels) == set(BEHAVIOURS)
    speed = np.linalg.norm(np.gradient(joints["TailBase"][:, :2], axis=0), axis=1) * 30
    typical = {name: np.median(speed[labels == name]) for name in BEHAVIOURS}
    assert typical["stand"] < 60
    assert 300 < typical["walk"] < 1000 < typical["trot"]
    nose = {name: np.median(joints["Nose"][labels == name, 2]) for name in BEHAVIOURS}
    assert nose["graze"] < 350
    assert nose["stand"] > 800
    turning = np.abs(np.gradient(np.unwrap(find_headings(motion.qpos, FRONT)))) * 30
    assert np.median(turning[labels == "turn"]) > 2 * np.median(turning[labels == "walk"])


def test_hooves_on_the_floor_hardly_slide_and_none_is_below_it(moved) -> None:
    _, joints = moved
    for name in ("ForeHoofL", "ForeHoofR", "HindHoofL", "HindHoofR"):
        hoof = joints[name]
        standing = (hoof[1:, 2] < 32) & (hoof[:-1, 2] < 32)
        steps = np.linalg.norm(np.diff(hoof[:, :2], axis=0), axis=1)[standing]
        assert standing.mean() > 0.4
        assert np.percentile(steps, 80) < 12
        assert hoof[:, 2].min() > 0


def test_the_heading_is_along_the_trunk(moved) -> None:
    motion, joints = moved
    ahead = joints["Back"] - joints["TailBase"]
    turns = np.exp(1j * find_headings(motion.qpos, FRONT)) / (ahead[:, 0] + 1j * ahead[:, 1])
    assert np.abs(np.angle(turns)).max() < 0.3
