import numpy as np
import pytest

from bkind3d.evaluation.bootstrap import make_units, percentile_interval, resample_means


def test_ten_sessions_are_units_and_nine_are_cut_into_seconds():
    time_s = np.tile(np.arange(50) / 25, 10)
    sessions = np.repeat(np.arange(10), 50)
    units = make_units(sessions, time_s)
    assert (units.kind, units.number) == ("session", 10)
    units = make_units(sessions[:450], time_s[:450])
    assert (units.kind, units.number) == ("second", 18)
    assert set(np.bincount(units.codes)) == {25}


def test_seconds_begin_with_each_session_and_do_not_suffer_from_rounding():
    time_s = np.concatenate([7.3 + np.arange(90) / 30, 0.1 + np.arange(60) / 30])
    units = make_units(np.repeat([4, 2], [90, 60]), time_s)
    assert sorted(np.bincount(units.codes)) == [30] * 5


def test_the_interval_of_a_mean_has_the_width_of_its_standard_error():
    generator = np.random.default_rng(0)
    per_second = generator.normal(10, 2, size=400)
    values = np.repeat(per_second, 25)
    units = make_units(np.zeros(10_000, dtype=int), np.arange(10_000) / 25)
    low, high = percentile_interval(resample_means(values[None], units, 2000, 0)[:, 0])
    assert low < values.mean() < high
    # Frames within a second are copies: resampling frames would give a fifth of this width.
    assert high - low == pytest.approx(2 * 1.96 * per_second.std() / np.sqrt(400), rel=0.08)


def test_differences_are_paired():
    generator = np.random.default_rng(1)
    hard = np.repeat(generator.normal(50, 20, size=40), 25)
    units = make_units(np.zeros(1000, dtype=int), np.arange(1000) / 25)
    means = resample_means(np.stack([hard - 1, hard]), units, 500, 0)
    low, high = percentile_interval(means[:, 0] - means[:, 1])
    assert (low, high) == (pytest.approx(-1), pytest.approx(-1))
    assert np.ptp(percentile_interval(means[:, 0])) > 5


def test_units_count_by_their_frames():
    units = make_units(np.repeat([0, 1], [75, 25]), np.concatenate([np.zeros(75), np.zeros(25)]))
    means = resample_means(np.repeat([[4.0, 8.0]], [75, 25], axis=1), units, 4000, 0)[:, 0]
    assert set(np.round(means, 6)) == {4.0, 5.0, 8.0}


def test_seeds_decide_and_chunks_do_not_matter(monkeypatch):
    values, units = np.random.default_rng(2).normal(size=(2, 500)), make_units(np.zeros(500, dtype=int), np.arange(500) / 25)
    means = resample_means(values, units, 300, 3)
    np.testing.assert_array_equal(means, resample_means(values, units, 300, 3))
    assert not np.array_equal(means, resample_means(values, units, 300, 4))
    monkeypatch.setattr("bkind3d.evaluation.bootstrap._CHUNK", 140)
    np.testing.assert_array_equal(means, resample_means(values, units, 300, 3))


def test_one_unit_gives_no_interval():
    units = make_units(np.zeros(10, dtype=int), np.arange(10) / 25)
    assert np.isnan(percentile_interval(resample_means(np.ones((1, 10)), units, 100, 0)[:, 0])).all()
