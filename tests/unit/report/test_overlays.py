import base64

import cv2
import numpy as np
import pytest

from bkind3d.report.overlays import DARK, LEGEND_ROW, TILE, draw_mosaic, draw_view, encode_jpeg
from bkind3d.report.palette import SHAPES, mark_of
from bkind3d.report.views import Moment, View

#: Pixels are x and y of a world point whose z is 1.
FLAT = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]])


def make_view(width=64, height=64, projection=FLAT):
    return View(np.zeros((height, width, 3), np.uint8), projection)


def find_colour(picture, index):
    """Centre (x, y) of the pixels that have the colour of a keypoint."""
    found = np.argwhere(np.abs(picture.astype(int) - mark_of(index).rgb).max(axis=-1) < 8)
    return found.mean(axis=0)[::-1] if len(found) else None


@pytest.mark.parametrize("index", range(4))
@pytest.mark.parametrize("round_of_colours", range(len(SHAPES)))
def test_keypoint_is_drawn_at_its_pixel(index, round_of_colours):
    points = np.full((8 * len(SHAPES), 3), np.nan)
    place = [10.0 + 9.3 * index, 50.0 - 7.7 * index]
    points[8 * round_of_colours + index] = [*place, 1.0]
    picture = draw_view(make_view(), points, [])
    assert find_colour(picture, index) == pytest.approx((np.array(place) + 0.5) * TILE / 64 - 0.5, abs=0.6)


def test_a_picture_that_is_not_square_is_centred():
    picture = draw_view(make_view(width=64, height=32), np.array([[20.0, 8.0, 1.0]]), [])
    assert picture.shape == (TILE, TILE, 3)
    assert find_colour(picture, 0) == pytest.approx([20.5 * 4 - 0.5, 8.5 * 4 - 0.5 + 64], abs=0.6)


def test_enlarging_moves_picture_and_keypoint_alike():
    view = make_view()
    view.picture[20, 45] = 255
    enlarged = draw_view(view, np.full((1, 3), np.nan), []).mean(axis=-1)
    rows, columns = np.indices(enlarged.shape)
    centre = np.array([(columns * enlarged).sum(), (rows * enlarged).sum()]) / enlarged.sum()
    marked = draw_view(make_view(), np.array([[45.0, 20.0, 1.0]]), [])
    assert centre == pytest.approx(find_colour(marked, 0), abs=0.6)


def test_points_that_no_camera_sees_are_not_drawn():
    points = np.array([[20.0, 20.0, -1.0], [np.nan, 1.0, 1.0], [1e9, 1e9, 1.0]])
    assert not draw_view(make_view(), points, [(0, 1, 1.0), (0, 2, 1.0)]).any()


def test_edges_join_their_keypoints():
    points = np.array([[10.0, 32.0, 1.0], [50.0, 32.0, 1.0]])
    middle = round(30.5 * 4 - 0.5), round(32.5 * 4 - 0.5)
    assert draw_view(make_view(), points, [(0, 1, 1.0)])[middle[1], middle[0]].min() > 100
    assert draw_view(make_view(), points, [])[middle[1], middle[0]].max() == 0


def test_mosaic_shows_all_views_and_a_legend_of_all_keypoints():
    points = np.array([[10.0, 10.0, 1.0], [50.0, 50.0, 1.0]])
    moments = [Moment(3, 0.1, {"cam1": make_view(), "cam2": make_view()}, points), Moment(9, 0.3, {"cam1": make_view()}, points)]
    mosaic = draw_mosaic(moments, ["cam1", "cam2"], [f"k{i:02d}" for i in range(12)], [(0, 1, 1.0)])
    legend = mosaic[-3 * LEGEND_ROW :]
    assert mosaic.shape[1] > 2 * TILE
    assert all(find_colour(legend, index) is not None for index in range(8))
    assert (mosaic[0, 0] == DARK.ground).all()


def test_pictures_become_data_uris_that_keep_small_dots_of_colour():
    picture = draw_view(make_view(), np.array([[30.0, 30.0, 1.0]]), [])
    source = encode_jpeg(picture)
    assert source.startswith("data:image/jpeg;base64,")
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(source.split(",")[1]), np.uint8), cv2.IMREAD_COLOR_RGB)
    x, y = np.rint(find_colour(picture, 0)).astype(int)
    assert np.abs(decoded[y, x].astype(int) - mark_of(0).rgb).max() < 25
