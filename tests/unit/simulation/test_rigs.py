import numpy as np
import pytest

from bkind3d.config import ROOMS, BoardConfig, SimulatedRig
from bkind3d.geometry.lenses import project_through_lens
from bkind3d.simulation.rigs import make_cameras, pose_board

BOARD = BoardConfig(squares_x=7, squares_y=5, square_length=60, marker_length=45)


def project(camera, points):
    homogeneous = np.c_[points, np.ones(len(points))] @ camera.projection.T
    return homogeneous[:, :2] / homogeneous[:, 2:]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_camera_sees_the_whole_arena(seed):
    rig = SimulatedRig(seed=seed)
    angles = np.linspace(0, 2 * np.pi, 50)
    rim = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1) * rig.arena / 2
    for camera in make_cameras(rig).values():
        pixels = project(camera, np.concatenate([rim, rim + [0, 0, rig.arena_height]]))
        assert (pixels > -0.5).all()
        assert (pixels < np.array(camera.size) - 0.5).all()


def test_cameras_are_rotations_and_vary_with_the_seed(rig):
    cameras, others = make_cameras(rig), make_cameras(rig.model_copy(update={"seed": 1}))
    assert list(cameras) == ["cam1", "cam2", "cam3", "cam4"]
    for name, camera in cameras.items():
        assert np.allclose(camera.rotation @ camera.rotation.T, np.eye(3))
        assert np.linalg.det(camera.rotation) == pytest.approx(1)
        assert camera.matrix[0, 2] == (rig.width - 1) / 2
        assert camera.matrix[1, 2] == (rig.height - 1) / 2
        assert not np.allclose(camera.centre, others[name].centre)
        assert not np.isclose(camera.matrix[0, 0], others[name].matrix[0, 0])
        assert np.array_equal(camera.projection, make_cameras(rig)[name].projection)


def test_in_the_first_frame_the_board_defines_the_world(rig):
    pose = pose_board(rig, BOARD, make_cameras(rig))[0]
    x, down, into = pose.rotation.T
    up = -into  # the printed side of OpenCV's board faces along -z
    assert np.array_equal(pose.translation, np.zeros(3))
    assert np.array_equal(x, [1, 0, 0])
    assert np.array_equal(up, [0, 0, 1])
    assert np.array_equal(np.cross(up, x), -down)
    assert np.array_equal(np.cross(up, x), [0, 1, 0])


def test_the_board_stays_above_the_floor_and_is_shown_to_several_cameras():
    rig = SimulatedRig()
    cameras = make_cameras(rig)
    corners = np.array([[x, y, 0] for x in (0, 420) for y in (0, 300)], float)
    seen = []
    for pose in pose_board(rig, BOARD, cameras)[1:]:
        points = corners @ pose.rotation.T + pose.translation
        assert points[:, 2].min() > 4.9
        centre, normal = points.mean(axis=0), -pose.rotation[:, 2]
        facing = []
        for camera in cameras.values():
            away = camera.centre - centre
            pixel = project(camera, centre[None])[0]
            facing.append(away @ normal > 0.4 * np.linalg.norm(away) and (pixel > 0).all() and (pixel < camera.size).all())
        seen.append(sum(facing))
    assert np.mean(np.array(seen) >= 2) > 0.9


@pytest.mark.parametrize("room", ROOMS)
def test_in_every_room_the_cameras_stand_as_it_has_them_and_see_the_arena(room: str) -> None:
    rig, kind = SimulatedRig(cameras=4, room=room), ROOMS[room]
    angles = np.linspace(0, 2 * np.pi, 50)
    rim = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1) * rig.arena / 2
    cameras = list(make_cameras(rig).values())
    wanted = [kind.elevations[index % len(kind.elevations)] for index in range(4)]
    wanted[3] = kind.overhead or wanted[3]
    for camera, (low, high) in zip(cameras, wanted, strict=True):
        pixels = project_through_lens(camera, np.concatenate([rim, rim + [0, 0, rig.arena_height]]))
        assert (pixels > -0.5).all()
        assert (pixels < np.array(camera.size) - 0.5).all()
        assert low - 0.1 <= np.degrees(np.arcsin(camera.centre[2] / np.linalg.norm(camera.centre))) <= high + 0.1
        assert kind.distortion[0] <= camera.distortion[0] <= kind.distortion[1]
