import numpy as np

from bkind3d.geometry.lenses import project_points
from bkind3d.survey.consensus import agree_on_point
from tests.unit.survey.conftest import make_camera, make_track

CAMERAS = [make_camera(f"c{i}", [1000 * np.cos(i), 1000 * np.sin(i), 500.0 + 50 * i]) for i in range(4)]


def see(points: np.ndarray, area: float = 300) -> np.ndarray:
    """(frame, view, 4 clusters, 7): the first cluster is at the points, the others are not there."""
    clusters = np.full((len(points), len(CAMERAS), 4, 7), np.nan)
    for view, camera in enumerate(CAMERAS):
        pixels = project_points(camera, points)
        clusters[:, view, 0] = np.concatenate([np.full((len(points), 1), area), pixels, pixels - 8, pixels + 8], axis=1)
    return clusters


def test_the_subject_is_found_where_all_agree() -> None:
    track = make_track()
    found = agree_on_point(CAMERAS, see(track), 0.05)
    assert np.abs(found.points - track).max() < 0.1
    assert (found.chosen == 0).all()
    assert found.residual.max() < 1e-3


def test_a_bystander_that_is_larger_in_two_views_does_not_steal_the_place() -> None:
    track, other = make_track(), np.tile([-250.0, 300, 100], (30, 1))
    subject, bystander = see(track), see(other, area=500)
    clusters = subject.copy()
    for view in (0, 1):
        clusters[:, view, 0], clusters[:, view, 1] = bystander[:, view, 0], subject[:, view, 0]
    found = agree_on_point(CAMERAS, clusters, 0.05)
    assert np.abs(found.points - track).max() < 0.1
    assert (found.chosen[:, :2] == 1).all()
    assert (found.chosen[:, 2:] == 0).all()


def test_a_view_that_sees_something_else_is_left_out() -> None:
    clusters = see(make_track())
    clusters[:, 2, 0, 1:3] += 60
    found = agree_on_point(CAMERAS, clusters, 0.05)
    assert np.abs(found.points - make_track()).max() < 0.1
    assert (found.chosen[:, 2] == -1).all()


def test_one_view_or_two_that_disagree_are_not_enough() -> None:
    clusters = see(make_track())
    clusters[:, 2:] = np.nan
    clusters[:10, 1] = np.nan
    clusters[10:20, 1, 0, 1:3] += 60 * np.array([-1, 1])
    found = agree_on_point(CAMERAS, clusters, 0.05)
    assert np.isnan(found.points[:20]).all()
    assert (found.chosen[:20] == -1).all()
    assert np.isnan(found.residual[:20]).all()
    assert np.abs(found.points[20:] - make_track()[20:]).max() < 0.1


def test_nothing_seen_is_no_error() -> None:
    found = agree_on_point(CAMERAS, np.full((5, 4, 4, 7), np.nan), 0.05)
    assert np.isnan(found.points).all()
