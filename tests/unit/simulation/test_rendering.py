import mujoco
import numpy as np
import pytest

from bkind3d.simulation.filming import build_model
from bkind3d.simulation.rendering import Renderer
from bkind3d.simulation.rigs import make_cameras

pytestmark = pytest.mark.usefixtures("drawing")


def make_sphere(place, radius):
    """A lamp and one glowing sphere (mm) in the dark."""
    spec = mujoco.MjSpec()
    spec.worldbody.add_light(pos=[0, 0, 3])
    spec.add_material(name="glow", emission=1, rgba=[1, 1, 1, 1])
    body = spec.worldbody.add_body(pos=np.array(place) / 1000)
    body.add_geom(type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[radius / 1000] * 3, material="glow")
    body.add_freejoint()
    model = spec.compile()
    return model, mujoco.MjData(model)


@pytest.mark.parametrize("place", [(0, 0, 0), (150, -80, 60), (-200, 120, 10)])
def test_a_point_appears_where_the_camera_projects_it(rig, place):
    model, data = make_sphere(place, radius=12)
    with Renderer(model, (rig.width, rig.height)) as renderer:
        renderer.update(data)
        for camera in make_cameras(rig).values():
            picture = renderer.render(camera).astype(float).sum(axis=2)
            rows, columns = np.mgrid[: rig.height, : rig.width]
            found = np.array([(picture * columns).sum(), (picture * rows).sum()]) / picture.sum()
            projected = camera.projection @ [*place, 1]
            assert np.linalg.norm(found - projected[:2] / projected[2]) < 0.05


def test_a_silhouette_has_the_size_of_its_sphere(rig):
    model, data = make_sphere((20, 30, 40), radius=60)
    camera = make_cameras(rig)["cam1"]
    with Renderer(model, (rig.width, rig.height)) as renderer:
        renderer.keep_background(data, camera)
        renderer.update(data)
        silhouette = renderer.render_silhouette(camera)
    distance = np.linalg.norm(camera.centre - [20, 30, 40])
    radius = camera.matrix[0, 0] * 60 / np.sqrt(distance**2 - 60**2)
    assert set(np.unique(silhouette)) == {0, 255}
    assert (silhouette > 0).sum() == pytest.approx(np.pi * radius**2, rel=0.05)


def test_drawing_only_what_moves_gives_the_whole_picture(rig, subject):
    model = build_model(rig, subject)
    data = mujoco.MjData(model)
    with Renderer(model, (rig.width, rig.height)) as renderer:
        for camera in make_cameras(rig).values():
            renderer.keep_background(data, camera)
            for x in (-0.2, 0.15):
                data.qpos[:3] = [x, 0.1, 0.07]
                renderer.update(data)
                whole, quick = renderer.render(camera).astype(int), renderer.render_moving(camera)
                assert (np.abs(whole - quick).max(axis=2) > 2).sum() <= 3
                background = renderer._backgrounds[camera.name]
                assert (np.abs(whole - background).max(axis=2) > 10).sum() > 100


def test_what_is_clear_hides_nothing_and_is_drawn(rig):
    pictures, silhouettes = [], []
    for alpha in (None, 0.2, 1.0):
        spec = mujoco.MjSpec()
        spec.worldbody.add_light(pos=[0, 0, 3])
        body = spec.worldbody.add_body(pos=[0, 0, 0.05])
        body.add_geom(type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[0.05] * 3, rgba=[0.9, 0.2, 0.2, 1])
        body.add_freejoint()
        if alpha:
            spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=[0.3, 0.3, 0.001], pos=[0, 0, 0.2], rgba=[0.2, 0.9, 0.9, alpha])
        model = spec.compile()
        with Renderer(model, (rig.width, rig.height)) as renderer:
            renderer.update(mujoco.MjData(model))
            camera = make_cameras(rig)["cam2"]
            pictures.append(renderer.render(camera).astype(int))
            silhouettes.append(renderer.render_silhouette(camera))
    assert np.array_equal(silhouettes[0], silhouettes[1])
    assert np.abs(pictures[0] - pictures[1]).max() > 20
    assert silhouettes[2].sum() < 0.5 * silhouettes[0].sum()
