import numpy as np
import pytest

from bkind3d.survey.smoothing import fill_gaps, smooth_track


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
