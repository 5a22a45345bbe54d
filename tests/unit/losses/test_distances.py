"""Separation: values that can be computed by hand, its units, its direction."""

import math

import pytest
import torch

from bkind3d.losses.distances import disagreement, separation


def test_two_points_at_a_known_distance() -> None:
    points = torch.tensor([[[0.0, 0.0, 0.0], [0.03, 0.0, 0.04]]])
    assert separation(points, 0.05).item() == pytest.approx(2 * math.exp(-0.5))


def test_coinciding_points_give_the_number_of_ordered_pairs_and_far_ones_nothing() -> None:
    assert separation(torch.zeros(2, 5, 3), 0.1).item() == pytest.approx(20)
    assert separation(torch.eye(3)[None] * 10, 0.1).item() == 0


def test_mean_over_the_batch() -> None:
    points = torch.rand(3, 6, 3, generator=torch.Generator().manual_seed(0))
    apart = sum(separation(moment[None], 0.3).item() for moment in points) / 3
    assert separation(points, 0.3).item() == pytest.approx(apart)


def test_it_pushes_apart_and_its_gradient_is_right() -> None:
    points = torch.tensor([[[0.0, 0.0, 0.0], [0.1, 0.0, 0.0]]], dtype=torch.float64, requires_grad=True)
    separation(points, 0.1).backward()
    assert points.grad[0, 0, 0] > 0 > points.grad[0, 1, 0]
    assert torch.autograd.gradcheck(lambda x: separation(x, 0.2), (torch.rand(2, 4, 3, dtype=torch.float64).requires_grad_(),))


def test_disagreement_is_a_distance() -> None:
    points = torch.zeros(2, 3, 3)
    assert torch.allclose(disagreement(points, points + torch.tensor([0.3, 0.4, 0.0])), torch.tensor(0.5), atol=1e-3)
    assert disagreement(points, points) < 0.011
