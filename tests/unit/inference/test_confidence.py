"""Confidences say how often keypoints stay where they are; where nothing can be compared, they are left and named."""

import numpy as np
import pandas as pd
import pytest

from bkind3d.inference.confidence import WITHIN, calibrate_confidences
from bkind3d.inference.stability import SecondLook

SIDE, N_FRAMES, N_KEYPOINTS = 100.0, 3000, 4


def make_table(spreads: np.ndarray) -> pd.DataFrame:
    """A keypoints table in which the network is equally sure of everything that is there."""
    return pd.DataFrame({"spread": spreads.ravel(), "confidence": np.where(np.isfinite(spreads), 0.5, 0.0).ravel()})


def make_session(slope: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Widths of heatmaps, chances of staying that fall with the width by `slope` and differ between keypoints, and distances."""
    rng = np.random.default_rng(seed)
    spreads = np.exp(rng.normal(3, 0.3, (N_FRAMES, N_KEYPOINTS)))
    logits = 1.5 - slope * (np.log(spreads) - 3) / 0.3 + np.array([-2.0, -1, 0, 1])
    chances = 1 / (1 + np.exp(-logits))
    moved = np.where(rng.random(chances.shape) < chances, 0.5, 1.5) * WITHIN * SIDE
    return spreads, chances, moved


def test_confidences_are_the_chances_of_staying() -> None:
    spreads, chances, moved = make_session(slope=1.0)
    moments = np.arange(0, N_FRAMES, 10)
    look = SecondLook(moments, moved[moments], moved[moments])
    table, details = calibrate_confidences(make_table(spreads), look, SIDE)
    found = table["confidence"].to_numpy().reshape(chances.shape)
    assert np.abs(found - chances).mean() < 0.04
    assert np.corrcoef(found.ravel(), chances.ravel())[0, 1] > 0.95
    assert details["n_compared"] == len(moments) * N_KEYPOINTS
    assert details["within"] == pytest.approx(5.0)
    assert details["agreed"] == pytest.approx(chances.mean(), abs=0.05)


def test_a_width_that_speaks_against_its_meaning_does_not_count() -> None:
    spreads, chances, moved = make_session(slope=-1.0)
    moments = np.arange(0, N_FRAMES, 10)
    table, _ = calibrate_confidences(make_table(spreads), SecondLook(moments, moved[moments], moved[moments]), SIDE)
    found = table["confidence"].to_numpy().reshape(chances.shape)
    assert np.ptp(found, axis=0).max() < 1e-6
    assert np.abs(found[0] - chances.mean(axis=0)).max() < 0.08


def test_gaps_keep_confidence_zero_and_certainty_is_never_complete() -> None:
    spreads = np.full((40, 2), 20.0)
    spreads[7] = np.nan
    moments = np.arange(0, 40, 4)
    still = np.zeros((len(moments), 2))
    table, details = calibrate_confidences(make_table(spreads), SecondLook(moments, still, still), SIDE)
    found = table["confidence"].to_numpy().reshape(-1, 2)
    assert (found[7] == 0).all()
    assert np.allclose(np.delete(found, 7, axis=0), 20.5 / 21)
    assert details["agreed"] == 1


def test_with_two_cameras_the_networks_own_word_is_left_and_named() -> None:
    table = make_table(np.full((40, 2), 20.0))
    look = SecondLook(np.arange(20), np.zeros((20, 2)), np.full((20, 2), np.nan))
    found, details = calibrate_confidences(table, look, SIDE)
    pd.testing.assert_frame_equal(found, table)
    assert details == {"claim": "share of the heatmap within a tenth of the cube's side of its mean", "n_compared": 0}
