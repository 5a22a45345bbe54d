from dataclasses import replace

import mujoco
import numpy as np
import pytest

from bkind3d.config import SimulatedRig
from bkind3d.geometry.lenses import project_through_lens
from bkind3d.simulation.animals import Motion
from bkind3d.simulation.filming import Stage, find_headings
from bkind3d.simulation.rigs import make_cameras
from bkind3d.simulation.scenes import add_arena


@pytest.mark.usefixtures("drawing")
def test_true_silhouettes_are_bent_as_the_pictures_are() -> None:
    rig = SimulatedRig(cameras=3, width=160, height=128, room="infrared")
    spec, place = mujoco.MjSpec(), np.array([-300.0, 0.0, 30.0])
    body = spec.worldbody.add_body()
    body.add_freejoint()
    body.add_geom(type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[0.03] * 3)
    add_arena(spec, rig)
    cameras, offsets = make_cameras(rig), []
    with Stage(spec.compile(), cameras) as stage:
        for _ in stage.play(Motion(np.array([[*(place / 1000), 1, 0, 0, 0]]))):
            for name, camera in cameras.items():
                mask = stage.outline(name)
                assert mask.shape == (128, 160)
                middle = np.argwhere(mask > 0).mean(axis=0)[::-1]
                ways = (camera, replace(camera, distortion=np.zeros(5)))
                offsets.append([np.linalg.norm(project_through_lens(one, place[None])[0] - middle) for one in ways])
    bent, straight = np.array(offsets).T
    assert bent.max() < 1.0
    assert straight.max() > 2.0


def test_the_heading_is_where_the_front_points_in_the_floors_plane() -> None:
    # A quarter turn to the left, without and with the nose 45 degrees up.
    left, up = [np.sqrt(0.5), 0, 0, np.sqrt(0.5)], [np.cos(np.pi / 8), 0, -np.sin(np.pi / 8), 0]
    both = np.zeros(4)
    mujoco.mju_mulQuat(both, np.array(left), np.array(up))
    qpos = np.array([[0, 0, 0, 1, 0, 0, 0], [1, 2, 3, *left], [0, 0, 0, *both]], float)
    assert find_headings(qpos, (1.0, 0.0, 0.0)) == pytest.approx([0, np.pi / 2, np.pi / 2])
    assert find_headings(qpos, (0.0, -1.0, 0.0))[:2] == pytest.approx([-np.pi / 2, 0])
