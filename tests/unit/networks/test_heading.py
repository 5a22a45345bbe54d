"""Headings: all shifts at once, and a path that turns as a body can."""

import math

import numpy as np
import torch

from bkind3d.data.datasets import SessionFrames
from bkind3d.networks.heading import N_ANGLES, HeadingFinder, follow_headings, make_cylinder, residuals
from tests.unit.scenes import make_body, write_session


def some_shapes(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, N_ANGLES, 5, generator=torch.Generator().manual_seed(seed))


def test_residuals_of_all_shifts_are_those_of_each_shift_computed_by_itself() -> None:
    frames, mean = some_shapes(3), some_shapes(1, 1)[0]
    components = torch.linalg.qr(some_shapes(2, 2).flatten(1).T).Q.T.reshape(2, N_ANGLES, 5)
    found = residuals(frames, mean, components)
    for shift in (0, 1, 17, 63):
        centred = (frames.roll(-shift, dims=1) - mean).flatten(1)
        expected = centred.square().sum(1) - (centred @ components.flatten(1).T).square().sum(1)
        assert torch.allclose(found[:, shift], expected, rtol=1e-4, atol=1e-3)


def test_a_frame_that_looks_the_wrong_way_round_does_not_turn_the_path() -> None:
    costs = np.full((30, N_ANGLES), 10.0)
    true = (np.arange(30) // 3 + 60) % N_ANGLES  # passes the seam of the circle
    costs[np.arange(30), true] = 0
    costs[12], costs[12, (true[12] + 32) % N_ANGLES] = 10, 0
    found = follow_headings(costs, np.arange(30) / 30)
    assert np.abs((found - true + 32) % N_ANGLES - 32).max() <= 1


def test_a_gap_in_time_allows_a_turn() -> None:
    costs = np.full((20, N_ANGLES), 3.0)
    costs[:10, 0], costs[10:, 32] = 0, 0
    together, apart = np.arange(20) / 30, np.arange(20) / 30 + 2 * (np.arange(20) >= 10)
    assert len(set(follow_headings(costs[9:11], together[9:11]))) == 1  # not within a thirtieth of a second
    assert set(follow_headings(costs[9:11], apart[9:11])) == {0, 32}


def test_cylinder_lies_around_the_vertical_axis_and_weighs_by_area() -> None:
    points, weights = make_cylinder()
    assert torch.allclose(points[:, :2].norm(dim=1), weights, atol=1e-6)
    assert points[:, 2].abs().max() < 0.5


def test_hull_on_the_cylinder_lies_along_the_body(tmp_path) -> None:
    session = SessionFrames(write_session(tmp_path, "one", n_frames=6, n_views=5))
    finder, body = HeadingFinder(), make_body(6)
    directions = 2 * np.arange(N_ANGLES) * 2 * math.pi / N_ANGLES  # doubled: an axis has no front
    for index in range(6):
        unrolled = finder.unroll(session.decode(np.array([index])))[0].sum(dim=1).numpy()
        axis = np.angle((unrolled * np.exp(1j * directions)).sum())
        long = body[index, 3] - body[index, 0]
        assert math.cos(axis - 2 * math.atan2(long[1], long[0])) > math.cos(math.radians(30))
