"""Length: variance around a running mean, of the edges in use only."""

import pytest
import torch

from bkind3d.losses.length import LengthVariance
from bkind3d.losses.running_mean import commit_running_means


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
