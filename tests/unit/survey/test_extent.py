import cv2
import numpy as np

from bkind3d.geometry.lenses import project_through_lens
from bkind3d.survey.extent import measure_side
from tests.unit.survey.conftest import RADIUS, draw_ball, make_cameras, make_track


def measure(spoil: bool = False, tail: float = 0.0) -> float:
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
            if spoil and view == 0:
                x, y = project_through_lens(camera, centre[None])[0].round().astype(int)
                cv2.rectangle(mask, (int(x), int(y) - 2), (int(x) + 60, int(y) + 2), (255, 255, 255), -1)
            mask = mask[..., 0] // 255 * 255
            x, y, width, height = cv2.boundingRect(mask)
            clusters[frame, view, 0] = [cv2.countNonZero(mask), 0, 0, x, y, x + width - 1, y + height - 1]
            masks[-1].append(mask)
    chosen = np.zeros((12, 3), int)
    return measure_side(cameras, track, chosen, clusters, lambda view, frames: [masks[view][frame] for frame in frames])


def test_the_cube_fits_the_ball() -> None:
    assert 2 * RADIUS < measure() < 2 * RADIUS * 1.2


def test_what_one_view_alone_sees_hardly_counts() -> None:
    # The bar is 300 mm long; the other two views alone cannot tell the ball from what is 95 mm long.
    assert measure(spoil=True) < 2 * 1.2 * 95


def test_a_tail_may_stick_out_of_the_cube() -> None:
    assert 2 * RADIUS < measure(tail=2.5 * RADIUS) < 2 * RADIUS * 1.5
