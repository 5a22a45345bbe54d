import mujoco
import numpy as np
import pytest

from bkind3d.config import SimulatedSubject
from bkind3d.simulation.rodent.body import COATS, JOINTS, build_spec, paint_coat


def place_joints(scale=1.0):
    model = build_spec(SimulatedSubject(scale=scale)).compile()
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    return model, np.array([data.site(name).xpos for name in JOINTS])


def test_joints_are_named_mirrored_and_on_the_body():
    model, places = place_joints()
    by_name = dict(zip(JOINTS, places, strict=True))
    assert len(by_name) >= 17
    for name in JOINTS:
        if name.endswith("L") and name[:-1] + "R" in by_name:
            assert np.allclose(by_name[name] * [1, -1, 1], by_name[name[:-1] + "R"], atol=1e-3)
            assert by_name[name][1] > 0
    assert by_name["HeadF"][0] > by_name["SpineF"][0] > by_name["SpineM"][0] > by_name["SpineL"][0] > by_name["TailBase"][0]
    nearest = np.linalg.norm(places[:, None] - model.skin_vert[None], axis=2).min(axis=1)
    assert nearest.max() < 0.012


def test_the_scale_scales_everything():
    small, places = place_joints(0.8)
    large, larger_places = place_joints(1.2)
    assert np.allclose(larger_places, 1.5 * places, atol=1e-6)
    assert np.allclose(large.skin_vert, 1.5 * small.skin_vert, atol=1e-6)
    assert np.allclose(large.geom_size, 1.5 * small.geom_size, atol=1e-9)


def test_the_skin_fits_the_skeleton():
    model, _ = place_joints()
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    bodies = {model.body(body).name: index for index, body in enumerate(model.skin_bonebodyid)}
    for name in ("torso", "pelvis", "upper_leg_L", "upper_arm_R"):
        assert np.allclose(model.skin_bonebindpos[bodies[name]], data.body(name).xpos, atol=1e-3)


@pytest.mark.parametrize("coat", COATS)
def test_coats(coat):
    texture = paint_coat(SimulatedSubject(coat=coat)).astype(float)
    front, rear, bare = texture[-40:, -60:].mean(axis=(0, 1)), texture[-40:, :60].mean(axis=(0, 1)), texture[:20].mean(axis=(0, 1))
    assert np.allclose(bare, (206, 158, 148), atol=3)
    assert np.allclose(front, COATS[coat][0], atol=12)
    assert np.allclose(rear, COATS[coat][1], atol=12)
    assert not np.array_equal(texture, paint_coat(SimulatedSubject(coat=coat, seed=1)))
