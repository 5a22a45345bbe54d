import numpy as np
import pytest

from bkind3d.geometry.cameras import Camera, upright_rotation

AXES = {"x": [1, 0, 0], "y": [0, 1, 0], "z": [0, 0, 1], "-x": [-1, 0, 0], "-y": [0, -1, 0], "-z": [0, 0, -1]}


@pytest.mark.parametrize(("name", "axis"), AXES.items())
def test_what_points_up_becomes_z(name, axis):
    turn = upright_rotation(name)
    assert (turn @ axis).tolist() == [0, 0, 1]
    assert np.linalg.det(turn) == pytest.approx(1)


def test_z_stays_as_it_is():
    assert np.array_equal(upright_rotation("z"), np.eye(3))


def test_a_turned_camera_sees_turned_points_where_it_saw_them():
    camera = Camera("a", (100, 80), np.diag([90.0, 90, 1]), np.zeros(5), upright_rotation("y"), np.array([1.0, 2, 30]))
    points = np.random.default_rng(0).normal(size=(5, 3))
    turn = upright_rotation("-y")
    moved = camera.moved(turn, np.zeros(3))

    def see(projection, places):
        seen = np.c_[places, np.ones(len(places))] @ projection.T
        return seen[:, :2] / seen[:, 2:]

    assert see(moved.projection, points @ turn.T) == pytest.approx(see(camera.projection, points))
