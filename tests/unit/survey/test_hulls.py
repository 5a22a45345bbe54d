import cv2
import numpy as np
import pytest

from bkind3d.geometry.health import AGREED
from bkind3d.geometry.lenses import project_through_lens
from bkind3d.survey.hulls import Body, measure_body, move_to_bodies
from tests.unit.survey.conftest import RADIUS, draw_ball, make_cameras, make_track


def measure(spoil: bool = False, tail: float = 0.0, hole: bool = False) -> Body:
    cameras, track = list(make_cameras().values()), make_track(12)
    clusters = np.full((12, 3, 1, 7), np.nan)
    masks = []
    for view, camera in enumerate(cameras):
        masks.append([])
        for frame, centre in enumerate(track):
            mask = np.zeros((144, 192, 3), np.uint8)
            draw_ball(mask, camera, centre, (255, 255, 255))
            if tail:
                line = project_through_lens(camera, centre + np.array([[0.0, 0, 0], [tail, 0, 0]])).round().astype(int)
                cv2.line(mask, tuple(line[0].tolist()), tuple(line[1].tolist()), (255, 255, 255), 1)
            if hole and view == 0:
                x, y = project_through_lens(camera, centre[None])[0].round().astype(int)
                mask[int(y) :] = 0
            if spoil and view == 0:
                x, y = project_through_lens(camera, centre[None])[0].round().astype(int)
                cv2.rectangle(mask, (int(x), int(y) - 2), (int(x) + 60, int(y) + 2), (255, 255, 255), -1)
            mask = mask[..., 0] // 255 * 255
            x, y, width, height = cv2.boundingRect(mask)
            clusters[frame, view, 0] = [cv2.countNonZero(mask), 0, 0, x, y, x + width - 1, y + height - 1]
            masks[-1].append(mask)
    chosen = np.zeros((12, 3), int)
    return measure_body(cameras, track, chosen, clusters, lambda view, frames: [masks[view][frame] for frame in frames])


def test_the_cube_fits_the_ball() -> None:
    assert 2 * RADIUS < measure().extent < 2 * RADIUS * 1.2


def test_what_one_view_alone_sees_hardly_counts() -> None:
    # The bar is 300 mm long; the other two views alone cannot tell the ball from what is 95 mm long.
    assert measure(spoil=True).extent < 2 * 1.2 * 95


def test_a_tail_may_stick_out_of_the_cube() -> None:
    assert 2 * RADIUS < measure(tail=2.5 * RADIUS).extent < 2 * RADIUS * 1.5


def test_the_centre_of_mass_hardly_feels_a_tail() -> None:
    body = measure(tail=2.5 * RADIUS)
    assert body.moments.tolist() == list(range(12))
    assert np.linalg.norm(body.centres - make_track(12), axis=1).max() < 0.2 * RADIUS


def test_points_between_measured_moments_move_with_their_neighbours() -> None:
    points = np.arange(15.0).reshape(5, 3)
    body = Body(np.array([0, 4]), points[[0, 4]] + [[0, 0, 0], [4, 0, 8]], 1.0, np.ones(3))
    assert move_to_bodies(points, body) - points == pytest.approx(np.arange(5)[:, None] * [1.0, 0, 2])


def test_views_agree_on_a_ball_but_not_where_one_of_them_lacks_half_of_it() -> None:
    assert measure().agreement.min() > 0.95
    agreement = measure(hole=True).agreement
    assert agreement[2] < AGREED < agreement[1] < 0.9 < agreement[0]
