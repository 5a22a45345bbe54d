import mujoco
import numpy as np
import pytest

from bkind3d.config import SimulatedSubject
from bkind3d.simulation.animals import Take
from bkind3d.simulation.filming import film_positions
from bkind3d.simulation.rodent import BEHAVIOURS, JOINTS, build_spec
from bkind3d.simulation.rodent.motion import move


def perform(seed, scale=1.0, frames=360):
    subject = SimulatedSubject(seed=seed, scale=scale)
    model = build_spec(subject).compile()
    return model, move(model, subject, Take(frames, 30.0, 700.0, seed))


@pytest.fixture(scope="module")
def moved():
    return perform(seed=0, scale=1.1, frames=450)


@pytest.fixture(scope="module")
def joints(moved):
    model, motion = moved
    positions = film_positions(model, motion.qpos, JOINTS)
    return {name: positions[:, index] for index, name in enumerate(JOINTS)}


def test_joint_limits_are_kept(moved):
    model, motion = moved
    limits, angles = model.jnt_range[1:], motion.qpos[:, 7:]
    assert (angles >= limits[:, 0] - 1e-9).all()
    assert (angles <= limits[:, 1] + 1e-9).all()


def test_the_motion_is_smooth(moved):
    _, motion = moved
    assert np.abs(np.diff(motion.qpos[:, :3], axis=0)).max() < 0.02
    assert np.abs(np.diff(motion.qpos[:, :3], n=2, axis=0)).max() < 0.006
    assert np.abs(np.diff(motion.qpos[:, 7:], axis=0)).max() < 0.9


def test_the_lowest_paw_is_on_the_floor(moved):
    model, motion = moved
    data, paws = mujoco.MjData(model), [index for index in range(model.nbody) if model.body(index).name.startswith(("toe", "finger"))]
    lowest = []
    for qpos in motion.qpos:
        data.qpos[:] = qpos
        mujoco.mj_kinematics(model, data)
        lowest.append(1000 * data.xpos[paws, 2].min())
    assert np.percentile(lowest, 1) > -1.0
    assert np.percentile(lowest, 99) < 8.0


def test_hind_paws_on_the_floor_hardly_slide(joints):
    for side in "LR":
        paw = joints[f"Foot{side}"]
        step = np.linalg.norm(np.diff(paw[:, :2], axis=0), axis=1)
        standing = (paw[1:, 2] < 8) & (paw[:-1, 2] < 8)
        assert standing.mean() > 0.4
        assert np.median(step[standing]) < 0.5
        assert np.percentile(step[standing], 85) < 2.0


def test_behaviours_look_like_their_names(moved, joints):
    labels = np.array(moved[1].behaviours)
    height = {name: np.median(joints["SpineF"][labels == name, 2]) for name in BEHAVIOURS}
    assert height["rear"] > height["groom"] + 20 > height["walk"] + 40
    assert height["rest"] < height["walk"]
    snout = np.linalg.norm((joints["ArmL"] + joints["ArmR"]) / 2 - joints["HeadF"], axis=1)
    assert np.median(snout[labels == "groom"]) < 40
    assert np.median(snout[labels == "walk"]) > 60
    travel = np.linalg.norm(np.diff(joints["SpineM"][:, :2], axis=0), axis=1)
    assert np.median(travel[labels[1:] == "walk"]) > 3
    assert np.median(travel[labels[1:] == "rest"]) < 1


def test_the_motion_follows_from_the_seeds(moved):
    _, motion = moved
    again, other = perform(seed=0, scale=1.1, frames=450)[1], perform(seed=1, scale=1.1, frames=60)[1]
    assert np.array_equal(motion.qpos, again.qpos)
    assert motion.behaviours == again.behaviours
    assert not np.allclose(motion.qpos[:60], other.qpos)


def align(poses, targets):
    """Procrustes with scale: (frame, joint, 3) `poses` onto `targets`."""
    a, b = poses - poses.mean(axis=1, keepdims=True), targets - targets.mean(axis=1, keepdims=True)
    u, s, vt = np.linalg.svd(np.swapaxes(a, 1, 2) @ b)
    s[:, 2] *= (signs := np.sign(np.linalg.det(u @ vt)))
    u[:, :, 2] *= signs[:, None]
    return (s.sum(axis=1) / (a**2).sum(axis=(1, 2)))[:, None, None] * a @ (u @ vt) + targets.mean(axis=1, keepdims=True)


def test_eight_joints_tell_much_more_than_the_mean_pose():
    known = [list(JOINTS).index(name) for name in ("HeadF", "SpineF", "SpineM", "SpineL", "ArmL", "ArmR", "KneeL", "KneeR")]
    poses = []
    for seed, scale in ((1, 1.0), (2, 1.1), (3, 0.95)):
        model, motion = perform(seed, scale)
        poses.append(film_positions(model, motion.qpos, JOINTS))
    train, test = np.concatenate(poses[:2]), poses[2]
    mean = train[0] - train[0].mean(axis=0)
    for _ in range(5):
        mean = align(train, np.broadcast_to(mean, train.shape)).mean(axis=0)
    floor = np.linalg.norm(align(np.broadcast_to(mean, test.shape), test) - test, axis=2).mean()
    inputs, outputs = ([p - p[:, known].mean(axis=1, keepdims=True) for p in (train, test)] for _ in range(2))
    design = [np.c_[p[:, known].reshape(len(p), -1), np.ones(len(p))] for p in inputs]
    weights = np.linalg.lstsq(design[0], outputs[0].reshape(len(train), -1), rcond=None)[0]
    oracle = np.linalg.norm(align((design[1] @ weights).reshape(test.shape), test) - test, axis=2).mean()
    assert oracle < 0.5 * floor
