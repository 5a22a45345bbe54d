"""Soft lines: values at pixels whose distance is known, gradients, visibility, batches."""

import math

import pytest
import torch

from bkind3d.methods.discovery.edges import EDGE_SIGMA2, EdgeWeights, draw_edges, draw_points, keypoint_pairs


def draw_slowly(points: torch.Tensor, weights: torch.Tensor, size: int, sigma2: float) -> torch.Tensor:
    """The definition, pixel by pixel and pair by pair, for one view."""
    pairs = keypoint_pairs(len(points)).T.tolist()
    result = torch.zeros(size, size, dtype=points.dtype)
    for row in range(size):
        for column in range(size):
            pixel = torch.tensor([(2 * column + 1) / size - 1, (2 * row + 1) / size - 1], dtype=points.dtype)
            values = []
            for weight, (i, j) in zip(weights, pairs, strict=True):
                shares = torch.linspace(0, 1, 2001, dtype=points.dtype)[:, None]
                distance = (pixel - (points[i] * (1 - shares) + points[j] * shares)).norm(dim=-1).min()
                values.append(weight * torch.exp(-(distance**2) / (2 * sigma2)))
            result[row, column] = torch.stack(values).max()
    return result


def test_line_has_known_values_beside_beyond_and_on_the_segment() -> None:
    points = torch.tensor([[[[-0.375, -0.125], [0.375, -0.125]]]])
    drawn = draw_edges(points, torch.tensor([2.0]), size=8, sigma2=0.05)[0, 0]
    # Pixel centres of 8 pixels lie at -0.875, -0.625, -0.375, -0.125, 0.125, ...: column and row 3 at -0.125.
    assert drawn[3, 2:6] == pytest.approx([2.0] * 4)
    assert drawn[4, 4] == pytest.approx(2 * math.exp(-(0.25**2) / 0.1))
    assert drawn[3, 7] == pytest.approx(2 * math.exp(-(0.5**2) / 0.1))
    assert drawn[5, 6] == pytest.approx(2 * math.exp(-(0.25**2 + 0.5**2) / 0.1))


def test_x_is_the_column() -> None:
    points = torch.tensor([[[[0.8, -0.9], [0.8, 0.9]]]])
    drawn = draw_edges(points, torch.ones(1), size=16, sigma2=0.001)[0, 0]
    assert drawn.sum(dim=0).argmax() == 14
    assert drawn.sum(dim=1).std() < 0.2


@pytest.mark.parametrize("sigma2", [0.1, 0.001])
def test_agrees_with_the_definition(sigma2: float) -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(4, 2, generator=generator, dtype=torch.float64) * 2.4 - 1.2
    weights = torch.rand(6, generator=generator, dtype=torch.float64)
    drawn = draw_edges(points[None, None], weights, 9, sigma2)[0, 0]
    assert torch.allclose(drawn, draw_slowly(points, weights, 9, sigma2), atol=1e-4)


def test_gradients_in_float64() -> None:
    generator = torch.Generator().manual_seed(1)
    points = (torch.rand(2, 2, 4, 2, generator=generator, dtype=torch.float64) * 2.4 - 1.2).requires_grad_()
    weights = torch.rand(6, generator=generator, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda p, w: draw_edges(p, w, 6, 0.05), (points, weights))


def test_keypoints_in_one_place_are_a_dot_with_finite_gradients() -> None:
    points = torch.full((1, 1, 3, 2), 0.125, requires_grad=True)
    drawn = draw_edges(points, torch.ones(3), size=8, sigma2=0.01)
    assert drawn[0, 0].argmax() == 4 * 8 + 4
    assert drawn[0, 0, 4, 4].item() == pytest.approx(1.0)
    assert drawn[0, 0, 0, 0] < 1e-6
    drawn.sum().backward()
    assert torch.isfinite(points.grad).all()


def test_batch_of_three_equals_three_of_one_and_slices_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    points = torch.rand(3, 2, 5, 2, generator=torch.Generator().manual_seed(2)) * 2 - 1
    weights = torch.linspace(0.1, 1, 10)
    together = draw_edges(points, weights, 16, 0.01)
    monkeypatch.setattr("bkind3d.methods.discovery.edges._SLICE_NUMBERS", 1)
    apart = torch.cat([draw_edges(moment[None], weights, 16, 0.01) for moment in points])
    assert torch.allclose(together, apart, atol=1e-6)


def test_coarse_maps_are_wide() -> None:
    points = torch.tensor([[[[-0.2, 0.0], [0.2, 0.0]]]])
    maps = [draw_edges(points, torch.ones(1), size, sigma2) for size, sigma2 in zip((8, 16, 32, 64, 128), EDGE_SIGMA2, strict=True)]
    assert [len(drawn[0, 0]) for drawn in maps] == [8, 16, 32, 64, 128]
    areas = [float(drawn.mean()) for drawn in maps]
    assert areas[0] > areas[2] > areas[4]
    assert EDGE_SIGMA2 == (0.1, 0.1, 0.01, 0.01, 0.001)


def test_every_resolution_has_the_width_of_the_paper() -> None:
    # Along a line that runs through pixel centres of every size, d from there to the centre of a pixel is known.
    points = torch.tensor([[[[0.0, -2.0], [0.0, 2.0]]]])
    for size, sigma2, expected in zip((8, 16, 32, 64, 128), EDGE_SIGMA2, (0.1, 0.1, 0.01, 0.01, 0.001), strict=True):
        drawn = draw_edges(points, torch.tensor([0.7]), size, sigma2)
        distances = (2 * torch.arange(size) + 1) / size - 1
        assert torch.allclose(drawn[0, 0, size // 2], 0.7 * torch.exp(-distances.square() / (2 * expected)), atol=1e-6)


def test_only_the_strongest_pair_counts_at_a_pixel() -> None:
    # Two lines cross: at the crossing the heavier one counts, and not their sum.
    points = torch.tensor([[[[-1.0, 0.1], [1.0, 0.1], [0.1, -1.0], [0.1, 1.0]]]])
    weights = torch.tensor([2.0, 0.0, 0.0, 0.0, 0.0, 3.0])
    drawn = draw_edges(points, weights, size=10, sigma2=0.01)[0, 0]
    assert drawn[5, 5].item() == pytest.approx(3.0)
    assert drawn[5, 1].item() == pytest.approx(2.0)
    assert drawn[1, 5].item() == pytest.approx(3.0)


def test_a_wrong_number_of_weights_is_refused() -> None:
    with pytest.raises(ValueError, match="Expected 3 weights for 3 keypoints"):
        draw_edges(torch.zeros(1, 1, 3, 2), torch.ones(4), 8, 0.1)


def test_edge_weights_are_parameters_in_the_order_of_pairs() -> None:
    edges = EdgeWeights(4)
    assert edges.pairs.T.tolist() == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    assert list(edges.state_dict()) == ["raw"]
    assert torch.allclose(edges(), torch.log1p(edges.raw.exp()))
    edges().sum().backward()
    assert (edges.raw.grad > 0).all()


def test_points_are_dots_and_their_gradient_is_exact() -> None:
    points = torch.tensor([[0.1, -0.3], [-0.6, 0.5]], dtype=torch.float64)
    drawn = draw_points(points[None, None], 8, 0.05)[0, 0]
    axis = (torch.arange(8) * 2 + 1) / 8 - 1
    pixels = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1).double()
    distances2 = (pixels[:, :, None] - points).square().sum(-1)
    assert torch.allclose(drawn, torch.exp(-distances2 / 0.1).amax(dim=-1))
    batch = (torch.rand(2, 2, 3, 2, dtype=torch.float64) - 0.5).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: draw_points(p, 6, 0.05), (batch,))
    assert torch.equal(draw_points(batch, 6, 0.05)[1:, 1:], draw_points(batch[1:, 1:], 6, 0.05))
