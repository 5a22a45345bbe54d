import mujoco
import numpy as np

from bkind3d.archives.human36m import JOINTS as HUMAN36M_JOINTS
from bkind3d.config import SimulatedSubject
from bkind3d.simulation.person.body import JOINTS, build_spec


def make_person(seed: int, scale: float = 1.0) -> SimulatedSubject:
    return SimulatedSubject(animal="person", seed=seed, scale=scale)


def place_joints(person: SimulatedSubject):
    model = build_spec(person).compile()
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    return model, {name: data.site(name).xpos.copy() for name in JOINTS}


def test_joints_are_those_of_human36m_in_its_order_and_mirrored():
    assert [*JOINTS][:17] == [*HUMAN36M_JOINTS.values()]
    _, places = place_joints(make_person(0))
    for name, place in places.items():
        if name.startswith("L"):
            assert np.allclose(place * [-1, 1, 1], places["R" + name[1:]], atol=3e-3)
            assert place[0] > 0.05
    heights = [places[name][1] for name in ("LToes", "LAnkle", "LKnee", "LHip", "Spine", "Thorax", "Head")]
    assert (np.diff(heights) > 0).all()
    assert places["Nose"][2] > places["Head"][2]


def test_the_scale_scales_everything():
    small, places = place_joints(make_person(0, 0.9))
    large, larger_places = place_joints(make_person(0, 1.2))
    for name, place in places.items():
        assert np.allclose(larger_places[name], place * 4 / 3, atol=1e-9)
    of_body = small.geom_bodyid < small.body("stool").id
    assert np.allclose(large.geom_size[of_body], small.geom_size[of_body] * 4 / 3)


def test_people_look_different_and_their_skin_does_not_change_with_size():
    looks = {tuple(build_spec(make_person(seed)).compile().geom("thorax").rgba) for seed in range(6)}
    assert len(looks) == 6
    one, other = (build_spec(make_person(3, scale)).compile().geom_rgba for scale in (0.9, 1.2))
    assert np.array_equal(one, other)
