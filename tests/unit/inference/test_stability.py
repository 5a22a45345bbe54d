"""A network that answers by place agrees with itself; one that answers by the cube's axes does not."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from bkind3d.data.datasets import SessionFrames, Views
from bkind3d.inference.stability import MOST_MOMENTS, TURN_DEGREES, choose_moments, drop_a_view, look_again
from bkind3d.methods.discovery.model import DiscoveryModel
from bkind3d.methods.discovery.settings import DiscoveryModelConfig
from tests.unit.scenes import SIDE, write_session


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


def test_two_views_leave_none_to_drop(tmp_path) -> None:
    session = SessionFrames(write_session(tmp_path, "one", n_frames=5, n_views=2))
    assert look_again(AxisDetector(), session, np.zeros(5, np.float32)).summarise()["fewer_views"] is None


def test_a_real_network_is_measured_in_world_units(tmp_path) -> None:
    config = DiscoveryModelConfig(n_keypoints=3, volume_size=8, volume_channels=4, volume_levels=1, encoder="none", reconstruction=False)
    model = DiscoveryModel(config).eval()
    session = SessionFrames(write_session(tmp_path, "one", n_frames=40))
    agreement = look_again(model, session, np.zeros(40, np.float32)).summarise()
    assert len(agreement["turned"]) == len(agreement["fewer_views"]) == 3
    assert all(0 < value < SIDE for value in (*agreement["turned"], *agreement["fewer_views"]))


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
