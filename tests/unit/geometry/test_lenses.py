import cv2
import numpy as np
import pytest

from bkind3d.geometry.cameras import Camera
from bkind3d.geometry.lenses import find_lens_limit, pixel_directions, project_through_lens, undistort_points, undistorted_window


def make_camera(distortion: list[float], fisheye: bool = False, skew: float = 0.0) -> Camera:
    matrix = np.array([[400, skew, 322.3], [0, 405, 233.1], [0, 0, 1.0]])
    rotation = cv2.Rodrigues(np.array([0.3, -0.2, 0.1]))[0]
    return Camera("a", (640, 480), matrix, np.array(distortion), rotation, np.array([10.0, -20, 1000]), fisheye)


CAMERAS = [
    make_camera([0, 0, 0, 0, 0]),
    make_camera([-0.25, 0.08, 0.001, -0.002, 0.01]),
    make_camera([0.05, -0.01, 0.002, 0.001], True),
    make_camera([-0.25, 0.08, 0.001, -0.002, 0.01], skew=20),
    make_camera([0.05, -0.01, 0.002, 0.001], True, skew=-20),
    make_camera([-0.25, 0.08, 0.001, -0.002, 0.01, 0, 0, 0, 0.002, -0.001, 0.003, 0.001]),
]


@pytest.mark.parametrize("camera", CAMERAS)
def test_points_come_back_from_their_pixels(camera: Camera) -> None:
    points = np.random.default_rng(0).uniform(-250, 250, (50, 3))
    pixels = project_through_lens(camera, points)
    undistorted = undistort_points(camera, pixels)
    homogeneous = np.concatenate([points, np.ones((50, 1))], axis=1) @ camera.projection.T
    assert np.abs(undistorted - homogeneous[:, :2] / homogeneous[:, 2:]).max() < 1e-3
    expected = points - camera.centre
    assert np.abs(pixel_directions(camera, pixels) - expected / np.linalg.norm(expected, axis=1, keepdims=True)).max() < 1e-5


@pytest.mark.parametrize(
    "distortion",
    [
        [0.0] * 5,
        [-0.25, 0.08, 0.001, -0.002, 0.01],
        [-0.25, 0.08, 0.001, -0.002, 0.01, 0.1, -0.02, 0.003],
        [-0.25, 0.08, 0.001, -0.002, 0.01, 0.1, -0.02, 0.003, 0.002, -0.001, 0.003, 0.001],
        [-0.25, 0.08, 0.001, -0.002, 0.01, 0.1, -0.02, 0.003, 0.002, -0.001, 0.003, 0.001, 0.02, -0.01],
    ],
)
def test_points_are_projected_as_opencv_does(distortion: list[float]) -> None:
    camera, points = make_camera(distortion), np.random.default_rng(0).uniform(-250, 250, (50, 3))
    turned = cv2.Rodrigues(camera.rotation)[0]
    expected = cv2.projectPoints(points, turned, camera.translation, camera.matrix, camera.distortion)[0].reshape(-1, 2)
    np.testing.assert_allclose(project_through_lens(camera, points), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("camera", CAMERAS)
def test_points_behind_the_camera_have_no_pixel(camera: Camera) -> None:
    ahead, behind = camera.centre + 500 * camera.rotation[2], camera.centre - 500 * camera.rotation[2]
    pixels = project_through_lens(camera, np.stack([ahead, behind, np.full(3, np.nan)]))
    assert np.isfinite(pixels).all(axis=1).tolist() == [True, False, False]
    assert np.isnan(undistort_points(camera, pixels)[1:]).all()
    assert np.isnan(pixel_directions(camera, pixels)[1:]).all()


@pytest.mark.parametrize("camera", CAMERAS)
def test_no_points_have_no_pixels(camera: Camera) -> None:
    assert project_through_lens(camera, np.empty((0, 3))).shape == (0, 2)


def test_the_skew_is_applied_after_the_distortion() -> None:
    points = np.random.default_rng(0).uniform(-250, 250, (50, 3))
    straight, skewed = (project_through_lens(make_camera([-0.25, 0.08, 0.001, -0.002, 0.01], skew=skew), points) for skew in (0.0, 20.0))
    assert np.allclose(skewed[:, 1], straight[:, 1])
    assert np.allclose(skewed[:, 0] - straight[:, 0], 20 * (straight[:, 1] - 233.1) / 405)


def test_a_polynomial_is_not_followed_beyond_its_turning_point() -> None:
    camera = make_camera([-0.3, 0, 0, 0, 0])
    limit = find_lens_limit(camera)
    assert limit == pytest.approx(np.sqrt(1 / 0.9))
    in_camera = np.array([[0.99 * limit, 0, 1], [1.01 * limit, 0, 1]])
    pixels = project_through_lens(camera, (in_camera - camera.translation) @ camera.rotation)
    assert np.isfinite(pixels).all(axis=1).tolist() == [True, False]
    assert find_lens_limit(CAMERAS[0]) == np.inf
    # A white picture, and a window that looks far beyond it: without the limit, it would appear again outside.
    wide = np.array([[100, 0, 319.5], [0, 100, 319.5], [0, 0, 1.0]])
    window = undistorted_window(np.full((480, 640), 255, np.uint8), camera, wide, (640, 640))
    assert window[320, 320] == 255
    assert window[320, int(319.5 + 100 * 1.2) :].max() == 0


def draw_dot(camera: Camera, pixel: np.ndarray, radius: float) -> np.ndarray:
    columns, rows = np.meshgrid(np.arange(camera.size[0]), np.arange(camera.size[1]))
    dot = 255 * np.exp(-((columns - pixel[0]) ** 2 + (rows - pixel[1]) ** 2) / (2 * radius**2))
    return np.repeat(np.round(dot).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize("focal", [60.0, 150.0, 390.0, 900.0])
def test_a_point_of_the_video_lands_at_its_pixel_of_the_window(camera: Camera, focal: float) -> None:
    size = (96, 80)
    for point in (np.array([0.0, 0, 0]), np.array([180.0, -90, 60]), np.array([-200.0, 150, -100])):
        x, y, depth = camera.rotation @ (point + [12.0, -7, 5]) + camera.translation
        matrix = np.array([[focal, 0, 47.5 - focal * x / depth], [0, focal, 39.5 - focal * y / depth], [0, 0, 1]])
        picture = draw_dot(camera, project_through_lens(camera, point[None])[0], max(2.0, 1.5 * 400 / focal))
        window = undistorted_window(picture, camera, matrix, size).astype(float)[..., 0]
        projected = matrix @ (camera.rotation @ point + camera.translation)
        expected = projected[:2] / projected[2]
        found = [(window * axis).sum() / window.sum() for axis in np.meshgrid(np.arange(size[0]), np.arange(size[1]))]
        assert found == pytest.approx(expected, abs=0.15)


def test_what_is_too_fine_for_the_window_is_averaged() -> None:
    camera = make_camera([0, 0, 0, 0, 0])
    picture = np.zeros((480, 640), np.uint8)
    picture[:, ::2] = 255
    for shrink in (2.0, 3.0, 6.5):
        matrix = np.diag([1 / shrink, 1 / shrink, 1.0]) @ camera.matrix
        window = undistorted_window(picture, camera, matrix, (70, 60))[5:-5, 5:-5]
        assert np.abs(window.astype(float) - 127.5).max() < 45


def test_outside_of_the_picture_is_the_border() -> None:
    camera = make_camera([0, 0, 0, 0, 0])
    matrix = camera.matrix + np.array([[0, 0, 400], [0, 0, 0], [0, 0, 0]])
    window = undistorted_window(np.full((480, 640, 3), 255, np.uint8), camera, matrix, (640, 480), border=7)
    assert (window[:, :395] == 7).all()
    assert (window[:, 405:] == 255).all()
