import numpy as np
import pytest

from bkind3d.report.contents import read_named_keypoints
from bkind3d.report.views import Moment, View, choose_frames, crop_to_keypoints, crop_view, iterate_moments

#: Pixels are x and y of a world point whose z is 1.
FLAT = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]])


def make_view(width=64, height=64, projection=FLAT):
    return View(np.zeros((height, width, 3), np.uint8), projection)


@pytest.mark.parametrize("share", [1.0, 0.7, 0.5])
def test_cropping_moves_the_matrix_along(share):
    view = make_view(width=60, height=41, projection=FLAT * [[2.0], [3.0], [1.0]])
    view.picture[21, 34] = 255
    cropped = crop_view(view, share)
    x, y = (cropped.projection @ [17.0, 7.0, 1.0, 1.0])[:2]
    assert cropped.picture[round(y), round(x)].tolist() == [255, 255, 255]
    assert cropped.picture.shape[1] == pytest.approx(60 * share, abs=1)


@pytest.mark.parametrize(("offset", "side"), [(0.0, 50), (15.0, 50), (30.0, 78), (45.0, 100)])
def test_views_are_cropped_as_far_as_keypoints_allow(offset, side):
    """A keypoint `offset` pixels beside the middle of 100 keeps room of 30 % beyond it; half of the view always stays."""
    views = {camera: make_view(width=100, height=100) for camera in ("cam1", "cam2")}
    points = np.array([[49.5, 49.5 + offset, 1.0], [49.5, 49.5, 1.0], [np.nan] * 3])
    (moment,) = crop_to_keypoints([Moment(0, 0.0, views, points)])
    assert {view.picture.shape for view in moment.views.values()} == {(side, side, 3)}


def test_moments_are_spread_over_the_recording():
    assert choose_frames(np.arange(0, 600, 2), 3) == [100, 300, 500]
    assert choose_frames(np.array([4, 5]), 6) == [4, 5]
    assert choose_frames(np.array([], dtype=np.int64), 6) == []


def test_moments_are_read_with_pictures_and_matrices(toy):
    toy.located = 0.5
    study = toy.write().open()
    keypoints = read_named_keypoints(study, "tiny", "test1")
    moments = list(iterate_moments(study, "tiny", "test1", keypoints, choose_frames(np.flatnonzero(keypoints.located), 4)))
    assert [moment.frame for moment in moments] == [0, 2, 3, 5]
    for moment in moments:
        assert list(moment.views) == ["cam1", "cam2"]
        for view in moment.views.values():
            pixels = moment.points @ view.projection[:, :3].T + view.projection[:, 3]
            columns, rows = np.rint(pixels[:, :2] / pixels[:, 2:]).astype(int).T
            # The body is brown on a bright ground: keypoints must lie on it.
            assert view.picture[rows, columns].mean() < 125 < view.picture.mean()
