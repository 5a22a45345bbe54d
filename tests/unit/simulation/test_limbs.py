import mujoco
import numpy as np
import pytest

from bkind3d.simulation.limbs import find_lowest, find_swings, make_limb, place_paw, solve_limbs, step_joints


def make_arm():
    """A free block with an arm of two segments of 1 m in the plane y = 0; hinges about y, limited."""
    spec = mujoco.MjSpec()
    base = spec.worldbody.add_body(name="base")
    base.add_freejoint()
    base.add_geom(type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[0.1] * 3)
    upper = base.add_body(name="upper")
    upper.add_joint(name="shoulder", axis=[0, 1, 0], range=[-2, 2], limited=True)
    upper.add_geom(type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[0.1] * 3)
    lower = upper.add_body(name="lower", pos=[1, 0, 0])
    lower.add_joint(name="elbow", axis=[0, 1, 0], range=[-0.1, 2.5], limited=True)
    lower.add_geom(type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[0.1] * 3)
    spec.compiler.degree = False
    model = spec.compile()
    return model, mujoco.MjData(model), make_limb(model, ["shoulder", "elbow"], [("lower", np.array([1.0, 0, 0]), (1, 1, 1))])


@pytest.mark.parametrize("place", [(1.2, 0, -0.6), (0.5, 0, -1.0), (1.5, 0, -0.4)])
def test_an_arm_reaches_its_place_within_its_limits(place):
    model, data, limb = make_arm()
    solve_limbs(model, data, [limb], [np.array([place])], model.qpos0, iterations=80)
    tip = data.body("lower").xpos + data.body("lower").xmat.reshape(3, 3) @ [1, 0, 0]
    assert np.allclose(tip, place, atol=2e-3)
    assert (data.qpos[limb.qpos] >= limb.limits[:, 0]).all()
    assert (data.qpos[limb.qpos] <= limb.limits[:, 1]).all()


def test_the_other_joints_make_up_for_one_at_its_limit():
    jacobian, limits = np.array([[1.0, 1.0]]), np.array([[-1, 0.02], [-1, 1]])
    angles = step_joints(jacobian, np.array([0.1]), np.zeros(2), np.zeros(2), limits)
    assert angles[0] == pytest.approx(0.02)
    assert angles.sum() == pytest.approx(0.1, abs=1e-4)


def test_a_paw_swings_once_a_stride_and_lands_where_the_animal_stops():
    phase = np.minimum(np.arange(90) / 15, 3.1)  # three strides of half a second, then a stop
    swings = find_swings(phase, offset=0.0, rate=30, held=np.zeros(90, bool))
    assert len(swings) == 3
    assert [round(start) for start, _ in swings] == [15, 30, 45]
    assert all(3 <= end - start <= 7.2 for start, end in swings)


def test_a_held_paw_is_one_swing():
    held = np.zeros(60, bool)
    held[20:40] = True
    assert find_swings(np.arange(60) / 200, 0.0, 30, held) == [(20.0, 40.0)]
    stepping = find_swings(np.arange(60) / 15, 0.0, 30, held)
    assert sum(start < 40 and end > 20 for start, end in stepping) == 1


def test_a_paw_does_not_slide():
    frames = np.arange(60)
    home = np.stack([0.005 * frames, 0 * frames], axis=1)
    swings = find_swings(frames / 15, 0.0, 30, np.zeros(60, bool))
    path = place_paw(home, swings, lift=0.01)
    on_floor = path[:, 2] == 0
    both = on_floor[1:] & on_floor[:-1]
    assert both.mean() > 0.4
    assert np.linalg.norm(np.diff(path[:, :2], axis=0)[both], axis=1).max() < 1e-12
    assert np.abs(path[:, 0] - home[:, 0]).max() < 0.05
    assert path[:, 2].max() == pytest.approx(0.01, rel=0.1)


def test_lowest_point_of_capsules_and_ellipsoids():
    spec = mujoco.MjSpec()
    body = spec.worldbody.add_body()
    body.add_geom(type=mujoco.mjtGeom.mjGEOM_CAPSULE, size=[0.1, 0.5, 0], pos=[0, 0, 2])
    body.add_geom(type=mujoco.mjtGeom.mjGEOM_ELLIPSOID, size=[0.1, 0.2, 0.3], pos=[0, 0, 1.5], euler=[90, 0, 0])
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    assert find_lowest(model, data, np.array([0])) == pytest.approx(2 - 0.6)
    assert find_lowest(model, data, np.array([1])) == pytest.approx(1.5 - 0.2)
