"""Losses of keypoints: on cases worked out by hand, with exact gradients."""

import math

import pytest
import torch

from bkind3d.losses.keypoints import LengthVariance, coverage, disagreement, outside, separation, silhouette_error
from bkind3d.losses.running_mean import commit_running_means


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


def triangle(length: float) -> torch.Tensor:
    """Keypoints with edges (0, 1) of `length`, (0, 2) of 1 and (1, 2) of the hypotenuse."""
    return torch.tensor([[[0.0, 0.0, 0.0], [length, 0.0, 0.0], [0.0, 1.0, 0.0]]])


ONLY_FIRST = torch.tensor([1.0, 0.0, 0.0])


def test_deviation_from_the_running_mean_is_squared() -> None:
    loss = LengthVariance(3)
    loss(triangle(0.5), ONLY_FIRST)
    commit_running_means(loss)
    assert loss(triangle(0.7), ONLY_FIRST).item() == pytest.approx(0.04)
    assert loss(triangle(0.5), ONLY_FIRST).item() == pytest.approx(0, abs=1e-9)


def test_first_step_is_the_variance_within_the_batch() -> None:
    loss = LengthVariance(3)
    assert loss(torch.cat([triangle(0.4), triangle(0.6)]), ONLY_FIRST).item() == pytest.approx(0.01)


def test_edges_below_the_threshold_do_not_count_and_the_mean_is_over_those_in_use() -> None:
    loss = LengthVariance(3, threshold=0.3)
    weights = torch.tensor([2.0, 1.0, 0.5])
    assert loss.edges_in_use(weights).tolist() == [True, True, False]
    loss(triangle(0.5), weights)
    commit_running_means(loss)
    points = triangle(0.7).requires_grad_()
    found = loss(points, weights)
    assert found.item() == pytest.approx(0.02)
    found.backward()
    assert points.grad[0, 1, 0] > 0
    assert points.grad[0, 2].abs().max() < 1e-6


def test_no_gradient_reaches_the_weights_and_coinciding_keypoints_are_harmless() -> None:
    weights = torch.ones(3, requires_grad=True)
    points = torch.zeros(2, 3, 3, requires_grad=True)
    LengthVariance(3)(points, weights).backward()
    assert weights.grad is None
    assert torch.isfinite(points.grad).all()


def test_gradient_in_float64() -> None:
    loss = LengthVariance(4).double().eval()
    loss.means.value.uniform_(0.2, 0.8)
    loss.means.steps += 1
    points = torch.rand(2, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(x, torch.ones(6, dtype=torch.float64)), (points,))


def test_running_mean_is_part_of_the_state() -> None:
    loss, restored = LengthVariance(3), LengthVariance(3)
    loss(triangle(0.5), ONLY_FIRST)
    commit_running_means(loss)
    restored.load_state_dict(loss.state_dict())
    assert restored(triangle(0.7), ONLY_FIRST).item() == pytest.approx(0.04)


def test_coverage_is_the_mean_squared_distance_to_the_nearest_keypoint() -> None:
    points = torch.tensor([[[0.0, 0, 0], [0.4, 0, 0]]])
    voxels = torch.tensor([[[0.1, 0, 0], [0.3, 0, 0], [-0.2, 0, 0], [0.5, 0.5, 0.5]]])
    hull = torch.tensor([[1.0, 0.9, 0.8, 0.1]])
    assert torch.allclose(coverage(points, voxels, hull), torch.tensor((0.01 + 0.01 + 0.04) / 3))


def test_coverage_of_an_empty_hull_is_zero_and_finite() -> None:
    assert coverage(torch.zeros(1, 2, 3), torch.rand(1, 5, 3), torch.zeros(1, 5)) == 0


def test_gradient_of_coverage_is_exact() -> None:
    torch.manual_seed(0)
    points = torch.rand(2, 3, 3, dtype=torch.float64, requires_grad=True)
    voxels, hull = torch.rand(2, 20, 3, dtype=torch.float64), torch.rand(2, 20, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda value: coverage(value, voxels, hull.float()), points)


def test_outside_counts_projections_off_the_silhouette_in_views_that_exist() -> None:
    projections = torch.tensor([[[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]]]).expand(1, 2, 3, 4)
    masks = torch.zeros(1, 2, 1, 10, 10)
    masks[:, :, :, 2:5, 2:5] = 1
    points = torch.tensor([[[3.0, 3, 0], [8.0, 8, 0], [3.0, 20, 0]]])
    assert torch.allclose(outside(points, masks, projections, torch.tensor([[True, False]])), torch.tensor(2 / 3))


def test_silhouette_error_ignores_absent_views_and_caps_heavy_edges() -> None:
    masks = torch.ones(1, 2, 1, 8, 8)
    maps = torch.stack([torch.full((4, 4), 3.0), torch.zeros(4, 4)])[None]
    assert silhouette_error(maps, masks, torch.tensor([[True, False]])) == 0
    assert torch.allclose(silhouette_error(maps, masks, torch.tensor([[True, True]])), torch.tensor(0.5))
