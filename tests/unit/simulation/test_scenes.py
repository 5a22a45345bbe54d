import cv2
import mujoco
import numpy as np
import pytest

from bkind3d.config import BoardConfig, SimulatedRig
from bkind3d.simulation.filming import build_model
from bkind3d.simulation.rendering import Renderer
from bkind3d.simulation.rigs import make_cameras, pose_board
from bkind3d.simulation.scenes import make_charuco

BOARD = BoardConfig(squares_x=7, squares_y=5, square_length=60, marker_length=45)


@pytest.mark.usefixtures("drawing")
def test_the_corners_of_the_board_are_found_where_they_are():
    rig = SimulatedRig(cameras=4, board_frames=10)
    cameras, model, charuco = make_cameras(rig), build_model(rig, BOARD), make_charuco(BOARD)
    detector, data, distances = cv2.aruco.CharucoDetector(charuco), mujoco.MjData(model), []
    with Renderer(model, (rig.width, rig.height)) as renderer:
        for pose in pose_board(rig, BOARD, cameras)[:3]:
            mujoco.mju_mat2Quat(data.mocap_quat[0], pose.rotation.ravel())
            data.mocap_pos[0] = pose.translation / 1000
            renderer.update(data)
            for camera in cameras.values():
                grey = cv2.cvtColor(renderer.render(camera), cv2.COLOR_RGB2GRAY)
                corners, ids, _, _ = detector.detectBoard(grey)
                if ids is not None:
                    world = charuco.getChessboardCorners()[ids.ravel()] @ pose.rotation.T + pose.translation
                    projected = np.c_[world, np.ones(len(world))] @ camera.projection.T
                    distances += list(np.linalg.norm(projected[:, :2] / projected[:, 2:] - corners.reshape(-1, 2), axis=1))
    assert len(distances) > 60
    assert np.mean(distances) < 0.4
