"""Averages over time: what they keep, what they blur, and that the spread says so."""

import numpy as np
import pandas as pd
import pytest

from bkind3d.inference.smoothing import average_over_time, smooth_keypoints

RATE = 50.0


def make_table(positions: np.ndarray, spread: float = 4.0) -> pd.DataFrame:
    """A keypoints table; a keypoint whose position is NaN is not known."""
    n_frames, n_keypoints = positions.shape[:2]
    known = np.isfinite(positions).all(axis=2).ravel()
    table = pd.DataFrame(
        {"frame": np.repeat(np.arange(n_frames), n_keypoints), "time_s": np.repeat(np.arange(n_frames) / RATE, n_keypoints)}
    )
    table["keypoint"] = [f"k{index:02d}" for index in range(n_keypoints)] * n_frames
    table[["x", "y", "z"]] = positions.reshape(-1, 3)
    return table.assign(
        confidence=np.where(known, 0.8, 0.0), spread=np.where(known, spread, np.nan), reprojection_px=np.where(known, 1.0, np.nan)
    )


def read(table: pd.DataFrame, names: list[str], n_keypoints: int) -> np.ndarray:
    return table[names].to_numpy(np.float64).reshape(-1, n_keypoints, len(names)).squeeze()


def test_zero_seconds_change_nothing() -> None:
    table = make_table(np.random.default_rng(0).normal(size=(20, 2, 3)))
    assert smooth_keypoints(table, 0.0) is table


def test_a_moment_at_which_no_view_shows_the_keypoint_spoils_no_neighbours_distance() -> None:
    table = make_table(np.zeros((40, 1, 3)))
    table.loc[20, "reprojection_px"] = np.nan
    smooth = smooth_keypoints(table, 0.2)["reprojection_px"].to_numpy()
    assert np.flatnonzero(np.isnan(smooth)).tolist() == [20]
    assert np.allclose(np.delete(smooth, 20), 1)


def test_a_still_keypoint_keeps_position_and_spread() -> None:
    smooth = smooth_keypoints(make_table(np.full((40, 3, 3), 250.0)), 0.2)
    assert np.allclose(read(smooth, ["x", "y", "z"], 3), 250)
    assert np.allclose(read(smooth, ["spread"], 3), 4)


def test_a_moving_keypoint_keeps_its_path_and_its_spread_grows_by_what_it_moves() -> None:
    velocity = np.array([3.0, -2.0, 1.0])
    path = np.arange(200)[:, None, None] * velocity + 1000
    smooth = smooth_keypoints(make_table(path), 0.2)
    sigma = 0.2 * RATE / 2.3548
    inner = slice(40, 160)
    assert np.allclose(read(smooth, ["x", "y", "z"], 1)[inner], path[inner, 0], atol=1e-3)
    expected = np.sqrt(4.0**2 + np.square(velocity).sum() * sigma**2)
    assert np.allclose(read(smooth, ["spread"], 1)[inner], expected, rtol=1e-3)


def test_trembling_is_averaged_out_and_still_told_by_the_spread() -> None:
    noise = np.random.default_rng(1).normal(scale=6.0, size=(4000, 1, 3))
    sigma = 3.0
    means, spreads = average_over_time(noise + 500, np.full((4000, 1), 4.0), sigma)
    # Variance of a normal average of independent numbers: 1 / (2 sqrt(pi) sigma).
    remaining = 6.0 * np.sqrt(1 / (2 * np.sqrt(np.pi) * sigma))
    assert np.std(means - 500) == pytest.approx(remaining, rel=0.1)
    assert np.sqrt(np.mean(np.square(spreads))) == pytest.approx(np.sqrt(4.0**2 + 3 * (6.0**2 - remaining**2)), rel=0.05)
    assert np.sqrt(np.mean(np.sum(np.square(means - 500), axis=2))) < np.mean(spreads)


def test_gaps_stay_gaps_and_pull_nothing() -> None:
    positions = np.full((60, 2, 3), 300.0)
    positions[20:25, 0] = np.nan
    table = make_table(positions)
    smooth = smooth_keypoints(table, 0.3)
    x, spread, confidence = (read(smooth, [name], 2) for name in ("x", "spread", "confidence"))
    assert np.isnan(x[20:25, 0]).all() and np.isnan(spread[20:25, 0]).all() and (confidence[20:25, 0] == 0).all()
    assert np.allclose(np.delete(x[:, 0], range(20, 25)), 300)
    assert np.allclose(x[:, 1], 300)
    assert list(smooth.columns) == list(table.columns)


def test_a_session_without_any_keypoint_stays_empty() -> None:
    smooth = smooth_keypoints(make_table(np.full((10, 2, 3), np.nan)), 0.3)
    assert smooth[["x", "spread", "reprojection_px"]].isna().all().all()
