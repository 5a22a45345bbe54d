import cv2
import numpy as np
import pytest

from bkind3d.geometry.lenses import project_points
from bkind3d.survey.extent import measure_side
from tests.unit.survey.conftest import RADIUS, draw_ball, make_cameras, make_track


def measure(spoil: bool = False) -> float:
    cameras, track = list(make_cameras().values()), make_track(12)
    clusters = np.full((12, 3, 1, 7), np.nan)
    masks = []
    for view, camera in enumerate(cameras):
        masks.append([])
        for frame, centre in enumerate(track):
            mask = np.zeros((144, 192, 3), np.uint8)
            draw_ball(mask, camera, centre, (255, 255, 255))
            if spoil and view == 0:
                x, y = project_points(camera, centre[None])[0].round().astype(int)
                cv2.rectangle(mask, (int(x), int(y) - 2), (int(x) + 60, int(y) + 2), (255, 255, 255), -1)
            mask = mask[..., 0] // 255 * 255
            x, y, width, height = cv2.boundingRect(mask)
            clusters[frame, view, 0] = [cv2.countNonZero(mask), 0, 0, x, y, x + width - 1, y + height - 1]
            masks[-1].append(mask)
    chosen = np.zeros((12, 3), int)
    return measure_side(cameras, track, chosen, clusters, lambda view, frames: [masks[view][frame] for frame in frames])


def test_the_cube_fits_the_ball() -> None:
    # Three views leave corners that the ball does not fill, and voxels are 4 mm.
    assert 2 * RADIUS < measure() < 2 * RADIUS * 1.35


def test_what_one_view_alone_sees_does_not_count() -> None:
    assert measure(spoil=True) == pytest.approx(measure(), rel=0.15)
