import math

import pytest
import torch

from bkind3d.losses.joints import coordinate_distance, heatmap_entropy, mean_of_known, saturated_square

NAN = float("nan")


def test_distances_of_coordinates_are_those_by_hand_and_unknown_joints_have_no_say() -> None:
    joints = torch.tensor([[[0.0, 0, 0], [NAN, NAN, NAN]]])
    positions = torch.tensor([[[1.0, -2.0, 3.0], [5.0, 5.0, 5.0]]], requires_grad=True)
    loss = coordinate_distance(positions, joints, torch.tensor([500.0]))
    assert loss.item() == pytest.approx(250 / 500 * (1 + 2 + 3) / 3)
    loss.backward()
    assert torch.isfinite(positions.grad).all() and not positions.grad[0, 1].any()


def test_nothing_known_is_nothing_lost() -> None:
    assert mean_of_known(torch.full((3,), NAN), torch.zeros(3, dtype=torch.bool)) == 0


def test_entropy_is_that_of_the_share_at_the_joint() -> None:
    heatmaps = torch.tensor([[[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]])
    inside = torch.tensor([[True, False]])
    assert heatmap_entropy(heatmaps, torch.tensor([[1, 2]]), inside).item() == pytest.approx(-math.log(0.25), abs=1e-4)


def test_squares_bend_where_they_say_and_go_on_there() -> None:
    apart = torch.tensor([3.0, 20.0, 40.0, NAN], dtype=torch.float64)
    found = saturated_square(apart, 20.0)
    assert found.tolist() == pytest.approx([9, 400, 1600**0.1 * 400**0.9, 0])
    assert saturated_square(torch.tensor(20.0001), 20.0).item() == pytest.approx(400, rel=1e-4)


def test_gradients() -> None:
    joints = torch.randn(2, 3, 3, dtype=torch.float64)
    joints[0, 1] = NAN
    positions = torch.randn(2, 3, 3, dtype=torch.float64, requires_grad=True)
    sides = torch.tensor([2.0, 3.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: coordinate_distance(x, joints, sides), positions)
    assert torch.autograd.gradcheck(lambda x: saturated_square(30 * x, 20.0), positions)
