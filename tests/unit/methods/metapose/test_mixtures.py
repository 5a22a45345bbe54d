import math

import torch

from bkind3d.methods.metapose.mixtures import Mixtures, fit_mixtures
from bkind3d.networks.heatmaps import draw_targets


def test_two_peaks_are_found_with_their_shares() -> None:
    one, other = torch.tensor([[[-0.5, -0.5]]]), torch.tensor([[[0.5, 0.25]]])
    heatmap = draw_targets(one, 32, 32, 1.5) + 0.5 * draw_targets(other, 32, 32, 1.5)
    found = fit_mixtures(heatmap[0, 0])
    torch.testing.assert_close(found.weights.sum(), torch.tensor(1.0))
    near = [(found.weights * ((found.means - place[0, 0]).norm(dim=-1) < 0.15)).sum().item() for place in (one, other)]
    assert abs(near[0] - 2 / 3) < 0.05 and abs(near[1] - 1 / 3) < 0.05
    torch.testing.assert_close(found.places, (2 * one[0, 0] + other[0, 0]) / 3, atol=0.03, rtol=0)


def test_one_peak_has_its_width() -> None:
    found = fit_mixtures(draw_targets(torch.tensor([[[0.1, -0.2]]]), 48, 48, 3.0)[0, 0])
    variance = (found.weights * (found.variances + (found.means - found.places).square().sum(dim=-1) / 2)).sum()
    assert abs(variance.sqrt() / (3 * 2 / 48) - 1) < 0.1


def test_what_is_left_everywhere_does_not_pull_a_place_to_the_middle() -> None:
    place = torch.tensor([0.6, -0.5])
    rest = 0.015 * torch.rand(32, 32, generator=torch.Generator().manual_seed(0))
    found = fit_mixtures(0.4 * draw_targets(place[None, None], 32, 32, 1.5)[0, 0] + rest)
    torch.testing.assert_close(found.places, place, atol=0.02, rtol=0)


def test_the_likelihood_is_that_by_hand() -> None:
    mixture = Mixtures(torch.tensor([0.25, 0.75]), torch.tensor([[0.0, 0.0], [1.0, 0.0]]), torch.tensor([0.1, 0.2]))
    expected = 0.25 / (2 * math.pi * 0.1) * math.exp(-0.25 / 0.2) + 0.75 / (2 * math.pi * 0.2) * math.exp(-0.25 / 0.4)
    torch.testing.assert_close(mixture.measure(torch.tensor([0.5, 0.0])), torch.tensor(-math.log(expected)))


def test_gradients_of_the_likelihood() -> None:
    weights = torch.rand(3, 4, dtype=torch.float64).softmax(dim=-1)
    mixtures = Mixtures(weights, torch.randn(3, 4, 2, dtype=torch.float64), 0.3 + torch.rand(3, 4, dtype=torch.float64))
    assert torch.autograd.gradcheck(mixtures.measure, torch.randn(3, 2, dtype=torch.float64, requires_grad=True))
