import numpy as np
import pytest

from bkind3d.survey.consensus import Candidates
from bkind3d.survey.tracking import fill_gaps, follow_subject, smooth_track

N_VIEWS = 4


def make_candidates(*seen: tuple[np.ndarray, float | np.ndarray, float]) -> Candidates:
    """Candidates at the points (frame, 3) with the given support (0: not there) and size, the best of a frame first."""
    n_frames = len(seen[0][0])
    points = np.stack([place for place, _, _ in seen], axis=1).astype(float)
    support = np.stack([np.broadcast_to(given, n_frames) for _, given, _ in seen], axis=1).astype(float)
    sizes = np.broadcast_to([size for _, _, size in seen], support.shape).copy()
    chosen = np.where(np.arange(N_VIEWS) < np.ceil(support)[..., None], 0, -1)
    points[support == 0], sizes[support == 0] = np.nan, np.nan
    order = np.argsort(-support, axis=1)
    rows = np.arange(n_frames)[:, None]
    return Candidates(points[rows, order], chosen[rows, order], np.zeros(support.shape), support[rows, order], sizes[rows, order])


def walk(n_frames: int = 120, start: float = 0.0) -> np.ndarray:
    return np.stack([start + 5.0 * np.arange(n_frames), np.zeros(n_frames), np.zeros(n_frames)], axis=1)


TIMES = np.arange(120) / 30
ELSEWHERE = np.tile([0.0, 900, 0], (120, 1))


def places(candidates: Candidates, chosen: np.ndarray) -> np.ndarray:
    return candidates.points[np.arange(len(chosen)), np.maximum(chosen, 0)]


def test_the_one_that_most_views_see_is_the_subject() -> None:
    candidates = make_candidates((walk(), 3.5, 100.0), (ELSEWHERE, 2.0, 100.0))
    track = follow_subject(candidates, TIMES)
    assert np.array_equal(places(candidates, track.candidate), walk())
    assert track.size == pytest.approx(100)


def test_a_bystander_that_more_views_see_for_a_moment_is_not_followed() -> None:
    support = np.full(120, 2.0)
    support[40:55] = 3.8
    candidates = make_candidates((walk(), 3.0, 100.0), (ELSEWHERE, support, 100.0))
    track = follow_subject(candidates, TIMES)
    assert np.array_equal(places(candidates, track.candidate), walk())


def test_where_the_subject_is_hidden_nobody_else_is_taken_for_it() -> None:
    support = np.full(120, 3.5)
    support[50:80] = 0
    candidates = make_candidates((walk(), support, 100.0), (ELSEWHERE, 2.0, 100.0))
    track = follow_subject(candidates, TIMES)
    assert (track.candidate[50:80] == -1).all()
    assert np.array_equal(places(candidates, track.candidate)[support > 0], walk()[support > 0])


def test_a_candidate_of_another_size_counts_less() -> None:
    """Two ghosts of one frame each lie on the way; the subject is unseen there."""
    support, ghost = np.full(120, 3.5), np.zeros(120)
    support[60:62], ghost[60:62] = 0, 2.2
    candidates = make_candidates((walk(), support, 100.0), (walk() + [0, 40, 0], ghost, 8.0))
    assert (follow_subject(candidates, TIMES).candidate[60:62] == -1).all()


def test_a_subject_that_comes_back_elsewhere_is_found_again() -> None:
    points = walk()
    points[60:] += [0, 700, 0]
    support = np.full(120, 3.5)
    support[45:60] = 0
    track = follow_subject(make_candidates((points, support, 100.0)), TIMES)
    assert (track.candidate[support > 0] == 0).all()


def test_a_region_leaves_the_others_out() -> None:
    candidates = make_candidates((walk(), 2.0, 100.0), (ELSEWHERE, 3.5, 100.0))
    track = follow_subject(candidates, TIMES, candidates.points[..., 1] < 500)
    assert np.array_equal(places(candidates, track.candidate), walk())


def test_nothing_at_all_is_no_track() -> None:
    track = follow_subject(make_candidates((walk(), 0.0, 100.0)), TIMES)
    assert (track.candidate == -1).all()
    assert np.isnan(track.size)


def test_a_straight_track_stays_straight_and_noise_shrinks() -> None:
    line = np.stack([np.arange(60.0), 2 * np.arange(60.0), np.zeros(60)], axis=1)
    assert np.allclose(smooth_track(line, 5)[15:-15], line[15:-15])
    noisy = line + np.random.default_rng(0).normal(0, 1, line.shape)
    assert np.std(smooth_track(noisy, 8)[15:-15] - line[15:-15]) < 0.6
    assert np.array_equal(smooth_track(noisy, 0), noisy)


def test_gaps_weigh_nothing_and_stay() -> None:
    track = np.full((30, 3), 7.0)
    track[10:14] = np.nan
    smooth = smooth_track(track, 6)
    assert np.isnan(smooth[10:14]).all()
    assert np.allclose(smooth[[9, 14, 0, -1]], 7)


def test_short_gaps_are_filled_and_long_ones_are_not() -> None:
    track = np.repeat(np.arange(20.0)[:, None], 3, axis=1)
    track[3:6] = np.nan
    track[10:15] = np.nan
    track[18:] = np.nan
    filled = fill_gaps(track, 3)
    assert filled[3:6, 0] == pytest.approx([3, 4, 5])
    assert np.isnan(filled[10:15]).all()
    assert np.isnan(filled[18:]).all()
