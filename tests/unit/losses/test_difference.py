"""The structural difference against scikit-image and at its limits."""

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from bkind3d.losses.difference import structural_difference


def test_interior_agrees_with_scikit_image() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 40, 48))
    b = 0.5 * a + 0.5 * b
    _, similarity = structural_similarity(a, b, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True)
    found = structural_difference(torch.from_numpy(a)[None], torch.from_numpy(b)[None])[0].numpy()
    assert np.abs(found - (1 - similarity))[5:-5, 5:-5].max() < 1e-9
    assert found.std() > 0.05


def test_colour_channels_are_compared_on_their_own() -> None:
    a = torch.rand(2, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    b = a.clone()
    b[:, 1] = 1 - b[:, 1]
    found = structural_difference(a, b)
    assert found.shape == a.shape
    assert found[:, [0, 2]].abs().max() == 0
    assert found[:, 1].mean() > 0.9


def test_equal_images_have_no_difference_and_opposite_ones_less_than_two() -> None:
    image = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    assert structural_difference(image, image).abs().max() == 0
    assert 1.5 < structural_difference(image, 1 - image).max() < 2


def test_a_change_is_seen_only_as_far_as_the_window_reaches() -> None:
    a = torch.full((1, 1, 32, 32), 0.5)
    b = a.clone()
    b[..., 16, 16] = 1
    found = structural_difference(a, b)[0, 0]
    assert (found[11:22, 11:22] > 0).all()
    found[11:22, 11:22] = 0
    assert found.abs().max() < 1e-6


def test_half_precision_regions_do_not_spoil_the_variances() -> None:
    a, b = torch.rand(2, 1, 1, 16, 16, generator=torch.Generator().manual_seed(2))
    with torch.autocast("cpu", torch.bfloat16):
        inside = structural_difference(a, b)
    assert torch.equal(inside, structural_difference(a, b))


def test_gradients_in_float64_and_batches() -> None:
    a, b = torch.rand(2, 3, 1, 6, 6, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: structural_difference(x, b[:1], window=5), (a[:1].clone().requires_grad_(),))
    apart = torch.cat([structural_difference(a[i : i + 1], b[i : i + 1]) for i in range(3)])
    assert torch.allclose(structural_difference(a, b), apart)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        structural_difference(torch.rand(1, 8, 8), torch.rand(1, 8, 9))
    with pytest.raises(ValueError, match="odd window, got 10"):
        structural_difference(torch.rand(1, 8, 8), torch.rand(1, 8, 8), window=10)
