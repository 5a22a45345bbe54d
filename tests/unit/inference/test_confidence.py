"""Confidences say how often keypoints stay where they are; where nothing can be compared, they are left and named.

A network that answers by place agrees with itself; one that answers by the cube's axes does not.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch

from bkind3d.data.datasets import SessionFrames, Views
from bkind3d.inference.confidence import (
    MOST_MOMENTS,
    TURN_DEGREES,
    WITHIN,
    SecondLook,
    calibrate_confidences,
    choose_moments,
    drop_a_view,
    look_again,
)
from bkind3d.methods.discovery.model import DiscoveryModel
from bkind3d.methods.discovery.settings import DiscoveryModelConfig
from tests.unit import scenes
from tests.unit.scenes import write_session

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


def test_heatmaps_without_any_width_are_counted_as_narrow() -> None:
    spreads, _, moved = make_session(slope=1.0)
    spreads[::7] = 0.0  # all of it on one voxel
    moments = np.arange(0, N_FRAMES, 10)
    table, _ = calibrate_confidences(make_table(spreads), SecondLook(moments, moved[moments], moved[moments]), SIDE)
    found = table["confidence"].to_numpy()
    assert ((found > 0) & (found < 1)).all()


def test_with_two_cameras_the_networks_own_word_is_left_and_named() -> None:
    table = make_table(np.full((40, 2), 20.0))
    look = SecondLook(np.arange(20), np.zeros((20, 2)), np.full((20, 2), np.nan))
    found, details = calibrate_confidences(table, look, SIDE)
    pd.testing.assert_frame_equal(found, table)
    assert details == {"claim": "share of the heatmap within a tenth of the cube's side of its mean", "n_compared": 0}


@dataclass
class Answer:
    positions: torch.Tensor


class AxisDetector:
    """One keypoint at the cube's centre, one 10 ahead of it along the cube's first axis, one 3 higher for each view."""

    def __call__(self, views: Views, turns: torch.Tensor) -> Answer:
        ahead = torch.stack([turns.cos(), turns.sin(), torch.zeros_like(turns)], dim=1)
        up = torch.tensor([0.0, 0.0, 3.0]) * views.present.sum(dim=1, keepdim=True)
        return Answer(torch.stack([views.centres, views.centres + 10 * ahead, views.centres + up], dim=1))


@pytest.mark.parametrize("batch_size", [1, 16])
def test_distances_are_those_of_a_known_answer(tmp_path, batch_size) -> None:
    session = SessionFrames(write_session(tmp_path, "one", n_frames=70))
    agreement = look_again(AxisDetector(), session, np.zeros(70, np.float32), batch_size).summarise()
    chord = 2 * 10 * math.sin(math.radians(TURN_DEGREES) / 2)
    np.testing.assert_allclose(agreement["turned"], [0, chord, 0], atol=1e-3)
    np.testing.assert_allclose(agreement["fewer_views"], [0, 0, 3], atol=1e-3)
    assert agreement["n_moments"] == 3
    assert agreement["off_left_out"][0] < 0.05


class Below:
    """One keypoint in the middle of the body, and one far below it."""

    def __call__(self, views: Views, turns: torch.Tensor) -> Answer:
        return Answer(torch.stack([views.centres, views.centres - torch.tensor([0.0, 0.0, 60.0])], dim=1))


def test_what_lies_off_the_silhouette_of_the_view_that_was_left_out_is_told(tmp_path) -> None:
    session = SessionFrames(write_session(tmp_path, "one", n_frames=40))
    on, off = look_again(Below(), session, np.zeros(40, np.float32)).summarise()["off_left_out"]
    assert on < 0.1
    assert off > 0.2
    with_two = SessionFrames(write_session(tmp_path, "two", n_frames=40, n_views=2))
    assert look_again(Below(), with_two, np.zeros(40, np.float32)).summarise()["off_left_out"] is None


def test_two_views_leave_none_to_drop(tmp_path) -> None:
    session = SessionFrames(write_session(tmp_path, "one", n_frames=5, n_views=2))
    assert look_again(AxisDetector(), session, np.zeros(5, np.float32)).summarise()["fewer_views"] is None


def test_a_real_network_is_measured_in_world_units(tmp_path) -> None:
    config = DiscoveryModelConfig(n_keypoints=3, volume_size=8, volume_channels=4, volume_levels=1, encoder="none", reconstruction=False)
    model = DiscoveryModel(config).eval()
    session = SessionFrames(write_session(tmp_path, "one", n_frames=40))
    agreement = look_again(model, session, np.zeros(40, np.float32)).summarise()
    assert len(agreement["turned"]) == len(agreement["fewer_views"]) == 3
    assert all(0 < value < scenes.SIDE for value in (*agreement["turned"], *agreement["fewer_views"]))


@pytest.mark.parametrize(("n_usable", "number"), [(1, 1), (30, 1), (31, 2), (10_000, MOST_MOMENTS)])
def test_few_moments_evenly_spread(n_usable, number) -> None:
    moments = choose_moments(np.arange(n_usable) * 2)
    assert len(moments) == number
    assert set(moments) <= set(range(0, 2 * n_usable, 2))
    assert (np.diff(moments) > 0).all()


def test_every_view_is_left_out_in_turn() -> None:
    present = torch.tensor([[True, True, True], [True, True, True], [True, True, True], [True, False, True]])
    kept = drop_a_view(present, np.arange(4))
    assert kept.tolist() == [[False, True, True], [True, False, True], [True, True, False], [True, False, True]]
