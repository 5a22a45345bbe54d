import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from bkind3d.config import SimulatedSubject
from bkind3d.simulation import fly
from bkind3d.simulation.animals import Take
from bkind3d.simulation.filming import film_positions, find_headings
from bkind3d.simulation.fly import tethered
from bkind3d.simulation.fly.body import BALL, BALL_TOP

SUBJECT, RATE = SimulatedSubject(animal="fly", seed=2), 100.0


def perform(animal, behaviours, frames=120):
    model = animal.build_spec(SUBJECT).compile()
    motion = animal.move(model, SUBJECT, Take(frames, RATE, 20.0, seed=1, behaviours=behaviours))
    positions = film_positions(model, motion.qpos, animal.JOINTS)
    return motion, {name: positions[:, index] for index, name in enumerate(animal.JOINTS)}


def test_it_is_as_large_as_a_fly_and_walks_on_three_legs_at_a_time() -> None:
    motion, joints = perform(fly, ("walk",))
    length = np.linalg.norm(joints["AntennaL"] - joints["Abdomen"], axis=1)
    assert 1.8 < length.mean() < 3.2
    walking = np.array(motion.behaviours) == "walk"
    claws = np.stack([joints[name] for name in fly.JOINTS if name.startswith("Claw")], axis=1)
    standing = claws[walking][..., 2] < 0.1
    assert np.median(standing.sum(axis=1)) >= 3
    assert standing.mean() < 0.95
    assert claws[..., 2].min() > -0.05
    steps = np.linalg.norm(np.diff(claws, axis=0), axis=2)[:, :, None]
    still = (claws[1:, :, 2] < 0.06) & (claws[:-1, :, 2] < 0.06)
    assert np.median(steps[still]) < 0.03


def test_behaviours_look_like_their_names() -> None:
    _, rubbing = perform(fly, ("groom",), 60)
    apart = np.linalg.norm(rubbing["ClawT1L"] - rubbing["ClawT1R"], axis=1)
    assert np.median(apart[15:]) < 0.6
    motion, spreading = perform(fly, ("wing",), 60)
    wings = motion.qpos[:, 7:]
    assert np.ptp(wings, axis=0).max() > 1.0
    assert np.ptp(spreading["ClawT2L"], axis=0).max() < 0.3


def test_on_the_ball_the_thorax_stays_and_the_surface_goes_where_the_claws_take_it() -> None:
    motion, joints = perform(tethered, ("walk",))
    assert np.ptp(motion.qpos[:, :2], axis=0).max() == 0
    assert np.ptp(find_headings(motion.qpos, tethered.FRONT)) == pytest.approx(0, abs=1e-9)
    ball = motion.places["ball"]
    middle, radius = 1000 * ball[0, :3], 10 * BALL
    assert middle[2] + radius == pytest.approx(10 * BALL_TOP)
    slips, speeds = [], []
    for name in (name for name in tethered.JOINTS if name.startswith("Claw")):
        offsets = joints[name] - middle
        heights = np.linalg.norm(offsets, axis=1) - radius
        assert heights.min() > -0.15
        for frame in np.flatnonzero((heights[:-1] < 0.05) & (heights[1:] < 0.05)):
            before, after = (Rotation.from_quat(ball[frame + step, 3:], scalar_first=True) for step in (0, 1))
            carried = (after * before.inv()).apply(offsets[frame])
            slips.append(np.linalg.norm(carried - offsets[frame + 1]))
            speeds.append(np.linalg.norm(offsets[frame + 1] - offsets[frame]))
    assert np.mean(speeds) > 0.03
    assert np.mean(slips) < 0.35 * np.mean(speeds), "claws that stand move with the surface"
