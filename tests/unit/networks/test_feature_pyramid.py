"""The geometry decoder: shape, batch, and where on the image a cell looks."""

import pytest
import torch

from bkind3d.networks.encoders import ImageEncoder
from bkind3d.networks.feature_pyramid import FeaturePyramid, double_from_corner


def test_features_have_a_quarter_of_the_image_size() -> None:
    maps = [torch.rand(2, channels, size, size) for channels, size in ((8, 16), (16, 8), (24, 4), (32, 2))]
    assert FeaturePyramid((8, 16, 24, 32), 5, width=16)(maps).shape == (2, 5, 16, 16)


def test_sizes_that_do_not_halve_evenly_work() -> None:
    maps = [torch.rand(1, 8, size, size) for size in (13, 7, 4, 2)]
    assert FeaturePyramid((8, 8, 8, 8), 4, width=8)(maps).shape == (1, 4, 13, 13)


def test_doubling_puts_cell_i_at_2i_and_means_between() -> None:
    feature = torch.arange(4.0).expand(1, 1, 4, 4)
    doubled = double_from_corner(feature, (8, 8))
    assert doubled[0, 0, 3].tolist() == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5, 3, 3])


def test_batch_of_three_equals_three_of_one() -> None:
    pyramid = FeaturePyramid((8, 8), 4, width=16)
    maps = [torch.rand(3, 8, 8, 8), torch.rand(3, 8, 4, 4)]
    apart = torch.cat([pyramid([level[i : i + 1] for level in maps]) for i in range(3)])
    assert torch.allclose(pyramid(maps), apart, atol=1e-5)


def test_a_cell_looks_at_the_middle_of_its_area() -> None:
    """Over many random networks, the sensitivity of cell i is centred at pixel 4 i + 1: half a pixel from its area's middle."""
    size, cell = 67, 8
    axis = torch.arange(float(size))
    centres = []
    for seed in range(16):
        torch.manual_seed(seed)
        encoder = ImageEncoder("resnet18", "frozen", load=False)
        pyramid = FeaturePyramid(encoder.channels, 8, width=32)
        images = torch.rand(1, 3, size, size, requires_grad=True)
        (pyramid(encoder(images))[0, :, cell, cell] * torch.randn(8)).sum().backward()
        sensitivity = images.grad[0].square().sum(dim=0)
        centres.append((sensitivity.sum(dim=0) * axis).sum() / sensitivity.sum())
    # The picture is as wide as to have its own middle at 4 * 8 + 1, where it draws what normalisation spreads evenly.
    assert torch.stack(centres).mean().item() == pytest.approx(4 * cell + 1, abs=0.4)
