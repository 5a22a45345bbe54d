import numpy as np
import pytest

from bkind3d.geometry.lenses import project_through_lens
from bkind3d.survey.consensus import MAX_CANDIDATES, find_candidates
from tests.unit.survey.conftest import make_camera, make_track

CAMERAS = [make_camera(f"c{i}", [1000 * np.cos(i), 1000 * np.sin(i), 500.0 + 50 * i]) for i in range(4)]


def see(points: np.ndarray, area: float = 300) -> np.ndarray:
    """(frame, view, 4 clusters, 7): the first cluster is at the points, the others are not there."""
    clusters = np.full((len(points), len(CAMERAS), 4, 7), np.nan)
    for view, camera in enumerate(CAMERAS):
        pixels = project_through_lens(camera, points)
        clusters[:, view, 0] = np.concatenate([np.full((len(points), 1), area), pixels, pixels - 8, pixels + 8], axis=1)
    return clusters


def test_the_subject_is_found_where_all_agree() -> None:
    track = make_track()
    found = find_candidates(CAMERAS, see(track), 0.05)
    assert np.abs(found.points[:, 0] - track).max() < 0.1
    assert (found.chosen[:, 0] == 0).all()
    assert found.residual[:, 0].max() < 1e-3
    assert found.support[:, 0] == pytest.approx(np.full(len(track), 4), abs=0.01)
    assert (found.support[:, 1:] == 0).all()
    assert np.isnan(found.points[:, 1:]).all()


def test_the_size_is_that_of_the_square_it_would_cover() -> None:
    track = make_track(3)
    clusters = see(track)
    for view, camera in enumerate(CAMERAS):
        depth = track @ camera.rotation[2] + camera.translation[2]
        clusters[:, view, 0, 0] = (80 * camera.matrix[0, 0] / depth) ** 2
    assert find_candidates(CAMERAS, clusters, 0.05).sizes[:, 0] == pytest.approx([80, 80, 80], rel=1e-6)


def test_a_bystander_is_another_candidate_though_it_is_larger_in_two_views() -> None:
    track, other = make_track(), np.tile([-250.0, 300, 100], (30, 1))
    subject, bystander = see(track), see(other, area=500)
    clusters = subject.copy()
    for view in (0, 1):
        clusters[:, view, 0], clusters[:, view, 1] = bystander[:, view, 0], subject[:, view, 0]
    found = find_candidates(CAMERAS, clusters, 0.05)
    assert np.abs(found.points[:, 0] - track).max() < 0.1
    assert (found.chosen[:, 0, :2] == 1).all()
    assert (found.chosen[:, 0, 2:] == 0).all()
    assert np.abs(found.points[:, 1] - other).max() < 0.1
    assert (found.chosen[:, 1] == [0, 0, -1, -1]).all()


def test_a_view_that_sees_something_else_is_left_out() -> None:
    clusters = see(make_track())
    clusters[:, 2, 0, 1:3] += 60
    found = find_candidates(CAMERAS, clusters, 0.05)
    assert np.abs(found.points[:, 0] - make_track()).max() < 0.1
    assert (found.chosen[:, 0, 2] == -1).all()


def test_a_view_whose_cluster_is_melted_with_another_hardly_counts() -> None:
    clusters = see(make_track())
    clusters[:, 2, 0, 1] += 8
    found = find_candidates(CAMERAS, clusters, 0.05)
    assert (found.chosen[:, 0, 2] == 0).all(), "it is near enough not to be rejected"
    # 8 pixels are about 40 mm here, a quarter of which an equal vote would give.
    assert np.linalg.norm(found.points[:, 0] - make_track(), axis=1).max() < 4


def test_one_view_or_two_that_disagree_are_not_enough() -> None:
    clusters = see(make_track())
    clusters[:, 2:] = np.nan
    clusters[:10, 1] = np.nan
    clusters[10:20, 1, 0, 1:3] += 60 * np.array([-1, 1])
    found = find_candidates(CAMERAS, clusters, 0.05)
    assert np.isnan(found.points[:20]).all()
    assert (found.chosen[:20] == -1).all()
    assert np.isnan(found.residual[:20]).all()
    assert (found.support[:20] == 0).all()
    assert np.abs(found.points[20:, 0] - make_track()[20:]).max() < 0.1


def test_nothing_seen_is_no_error() -> None:
    found = find_candidates(CAMERAS, np.full((5, 4, 4, 7), np.nan), 0.05)
    assert found.points.shape == (5, MAX_CANDIDATES, 3)
    assert np.isnan(found.points).all()


@pytest.mark.parametrize("n_views", [2, 12])
def test_any_number_of_views_agrees(n_views: int) -> None:
    cameras = [make_camera(f"c{i}", [900 * np.cos(2.4 * i), 900 * np.sin(2.4 * i), 400.0 + 40 * i]) for i in range(n_views)]
    track = make_track(5)
    clusters = np.full((5, n_views, 4, 7), np.nan)
    for view, camera in enumerate(cameras):
        clusters[:, view, 0, 0], clusters[:, view, 0, 1:3] = 300, project_through_lens(camera, track)
    found = find_candidates(cameras, clusters, 0.05)
    assert np.abs(found.points[:, 0] - track).max() < 0.1
    assert (found.chosen[:, 0] == 0).all()
