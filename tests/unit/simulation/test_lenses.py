import cv2
import numpy as np

from bkind3d.geometry.cameras import Camera
from bkind3d.geometry.lenses import project_through_lens
from bkind3d.simulation.lenses import make_lenses


def test_what_does_not_distort_is_drawn_as_it_is():
    camera = Camera("cam1", (20, 16), np.diag([30.0, 30, 1]), np.zeros(5), np.eye(3), np.zeros(3))
    lens, picture = make_lenses({"cam1": camera})["cam1"], np.zeros((16, 20, 3), np.uint8)
    assert lens.pinhole is camera
    assert lens.bend(picture) is picture


def test_points_drawn_without_distortion_come_to_lie_where_the_lens_has_them():
    matrix = np.array([[230.0, 0, 101], [0, 228, 97], [0, 0, 1]])
    cameras = {
        name: Camera(name, (200, 196), matrix, np.array([k1, 0.24, 0.001, -0.002, 0.0]), np.eye(3), np.zeros(3))
        for name, k1 in (("barrel", -0.2), ("cushion", 0.1))
    }
    lenses = make_lenses(cameras)
    assert len({lens.pinhole.size for lens in lenses.values()}) == 1
    points = np.array([[x, y, 1.0] for x in (-0.36, 0.0, 0.36) for y in (-0.36, 0.1, 0.36)])
    for name, lens in lenses.items():
        for point, expected in zip(points, project_through_lens(cameras[name], points), strict=True):
            straight = (lens.pinhole.projection @ np.append(point, 1))[:2]
            columns, rows = np.meshgrid(np.arange(lens.pinhole.size[0]), np.arange(lens.pinhole.size[1]))
            spot = np.exp(-((columns - straight[0]) ** 2 + (rows - straight[1]) ** 2) / 18)
            bent = lens.bend((250 * spot).astype(np.uint8)).astype(float)
            assert bent.shape == (196, 200)
            moments = cv2.moments(bent)
            found = np.array([moments["m10"], moments["m01"]]) / moments["m00"]
            assert np.abs(found - expected).max() < 0.15
