"""Measured motion on simulated bodies: made from an animal's own motion, where the truth is known, and real where there is some."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.motions import MOTIONS, write_motion
from bkind3d.config import InputError, SimulatedSubject
from bkind3d.data.joint_files import make_joints
from bkind3d.data.parquet import write_table
from bkind3d.simulation import deer
from bkind3d.simulation.animals import Take, get_animal
from bkind3d.simulation.filming import film_positions, find_headings
from bkind3d.simulation.measured import Follower, follow_motion, smooth_jumps

SUBJECT = SimulatedSubject(animal="deer", seed=1)
RATE, FRAMES = 30.0, 60


@pytest.fixture(scope="module")
def model():
    return deer.build_spec(SUBJECT).compile()


@pytest.fixture(scope="module")
def motion(model):
    return deer.move(model, SUBJECT, Take(FRAMES, RATE, 5000.0, seed=4, behaviours=("walk",)))


def write_markers(path: Path, positions: np.ndarray, names, units: str = "m") -> Path:
    write_table(make_joints(np.arange(len(positions)), names, positions), "joints", path, {"units": units, "rate": RATE})
    return path


def test_an_animals_own_motion_is_found_again_from_some_joints_at_another_size_and_place(tmp_path, model, motion) -> None:
    names = [name for name in deer.JOINTS if not name.startswith(("Ear", "TailTip", "Elbow"))]
    truth = film_positions(model, motion.qpos, deer.JOINTS)
    measured = 0.001 * film_positions(model, motion.qpos, names) * 0.7 + [3.0, -2.0, 0.4]
    measured[20, 3] += 0.3
    path = write_markers(tmp_path / "motion.parquet", measured, names)
    followed = follow_motion(path, deer, model, Take(FRAMES, RATE, 5000.0))
    found = film_positions(model, followed.qpos, deer.JOINTS)
    moved = found - truth
    errors = np.linalg.norm(moved - np.median(moved, axis=(0, 1)), axis=2)
    assert np.median(errors) < 6
    assert np.percentile(errors, 95) < 25
    turns = find_headings(followed.qpos, deer.FRONT) - find_headings(motion.qpos, deer.FRONT)
    assert np.abs(np.angle(np.exp(1j * turns))).max() < 0.1
    assert np.abs(found[..., 2].min() - truth[..., 2].min()) < 15
    assert followed.behaviours.count("moving") > 0.8 * FRAMES


def test_a_marker_beside_its_joint_gets_an_offset(model, motion) -> None:
    follower = Follower(model, tuple(deer.JOINTS))
    markers = np.stack([follower.find_points(qpos) for qpos in motion.qpos[::6]])
    index = list(deer.JOINTS).index("Withers")
    markers[:, index] += [0, 0, 0.05]
    follower.learn_offsets(markers)
    assert follower.offsets[index] == pytest.approx([0, 0, 0.05], abs=0.015)
    assert np.linalg.norm(np.delete(follower.offsets, index, axis=0), axis=1).max() < 0.02


def test_jumps_are_taken_out_and_the_rest_stays() -> None:
    time = np.arange(200) / 50.0
    calm = np.stack([np.sin(time), np.cos(time), 0 * time], axis=1)[:, None]
    jumping = calm.copy()
    jumping[[40, 41, 120]] += 0.5
    smooth = smooth_jumps(jumping, 50.0)
    assert np.abs(smooth - calm)[10:-10].max() < 0.03
    assert np.abs(smooth - calm)[60:100].max() < 0.005


def test_while_the_animal_rests_the_motion_stands_still(tmp_path, model, motion) -> None:
    measured = 0.001 * film_positions(model, motion.qpos, deer.JOINTS)
    path = write_markers(tmp_path / "motion.parquet", measured, deer.JOINTS)
    rested = follow_motion(path, deer, model, Take(45, RATE, 5000.0, rest_seconds=1.0, rest="begin"))
    places = film_positions(model, rested.qpos, deer.JOINTS)
    assert np.ptp(places[8:25], axis=0).max() < 8
    assert np.ptp(places[32:], axis=0).max() > 100
    assert set(rested.behaviours[5:22]) == {"still"}


@pytest.mark.parametrize(
    ("names", "frames", "arena", "message"),
    [
        (("Nose", "Poll", "Snout"), FRAMES, 5000.0, "has 2 joints of this animal, and 6 are needed"),
        (deer.JOINTS, 4 * FRAMES, 5000.0, "lasts 2.0 s, and the session moves for 8.0 s"),
        (deer.JOINTS, FRAMES, 500.0, "mm from the middle; give the rig an arena of"),
    ],
)
def test_motion_that_cannot_be_followed_is_refused_in_one_line(tmp_path, model, motion, names, frames, arena, message) -> None:
    sites = [name if name in deer.JOINTS else "Withers" for name in names]
    path = write_markers(tmp_path / "motion.parquet", 0.001 * film_positions(model, motion.qpos, sites), names)
    with pytest.raises(InputError, match=message) as refusal:
        follow_motion(path, deer, model, Take(frames, RATE, arena))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "frames", "rate", "within"), [("rat", 40, 25.0, 3.0), ("person-walk", 40, 30.0, 12.0), ("fly", 40, 165.0, 0.05)]
)
def test_real_motion_is_followed(tmp_path, real_data, name, frames, rate, within) -> None:
    kind = MOTIONS[name][0]
    animal, subject = get_animal(kind), SimulatedSubject(animal=kind, seed=1)
    write_motion(name, real_data / "motion", tmp_path / "motion.parquet")
    model, take = animal.build_spec(subject).compile(), Take(frames, rate, 9000.0, seed=2)
    motion = follow_motion(tmp_path / "motion.parquet", animal, model, take)
    lowest = film_positions(model, motion.qpos, animal.JOINTS)[..., 2].min(axis=1)
    rest = film_positions(model, model.qpos0[None], animal.JOINTS)[..., 2].min()
    assert np.median(np.abs(lowest - rest)) < 10 * within
    assert (model.jnt_range[1:, 0] - 1e-6 <= motion.qpos[:, 7:]).all()
    assert (motion.qpos[:, 7:] <= model.jnt_range[1:, 1] + 1e-6).all()
