"""The perceptual loss: each level counts alike, averages are state, levels see what they should."""

import pytest
import torch

from bkind3d.losses.perceptual import N_LEVELS, GradientPyramid, PerceptualLoss
from bkind3d.losses.running_mean import commit_running_means


def make_images(n_images: int = 2, channels: int = 3, size: int = 20) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(n_images, channels, size, size, generator=generator), torch.rand(n_images, channels, size, size, generator=generator)


def test_it_starts_at_the_number_of_levels_and_is_quadratic() -> None:
    loss = PerceptualLoss(GradientPyramid())
    prediction, target = make_images()
    assert loss(prediction, target).item() == pytest.approx(1 + N_LEVELS, rel=1e-5)
    commit_running_means(loss)
    assert loss((prediction + target) / 2, target).item() == pytest.approx((1 + N_LEVELS) / 4, rel=1e-4)
    assert loss(target, target).item() == 0


def test_levels_are_divided_by_their_own_average() -> None:
    loss = PerceptualLoss(GradientPyramid())
    prediction, target = make_images()
    loss.averages.value.copy_(torch.tensor([1.0, 1e9, 1e9, 1e9, 1e9, 1e9]))
    loss.averages.steps += 1
    assert loss(prediction, target).item() == pytest.approx((prediction - target).square().mean().item(), rel=1e-4)


def test_grey_is_three_equal_colours() -> None:
    prediction, target = make_images(channels=1)
    grey, colour = PerceptualLoss(GradientPyramid()).eval(), PerceptualLoss(GradientPyramid()).eval()
    for loss in (grey, colour):
        loss.averages.first.fill_(0.5)
    assert grey(prediction, target).item() == pytest.approx(colour(prediction.repeat(1, 3, 1, 1), target.repeat(1, 3, 1, 1)).item())


def test_gradient_reaches_the_prediction_alone_and_a_perfect_one_is_finite() -> None:
    loss = PerceptualLoss(GradientPyramid())
    prediction, target = (image.requires_grad_() for image in make_images())
    loss(prediction, target).backward()
    assert prediction.grad.abs().sum() > 0
    assert target.grad is None
    still = torch.zeros(1, 3, 16, 16, requires_grad=True)
    fresh = PerceptualLoss(GradientPyramid())
    fresh(still, torch.zeros(1, 3, 16, 16)).backward()
    assert torch.isfinite(still.grad).all()


def test_state_holds_the_averages() -> None:
    loss, restored = PerceptualLoss(GradientPyramid()), PerceptualLoss(GradientPyramid())
    prediction, target = make_images()
    loss(prediction, target)
    commit_running_means(loss)
    assert set(loss.state_dict()) == {"averages.value", "averages.first", "averages.steps"}
    restored.load_state_dict(loss.state_dict())
    assert torch.equal(restored(prediction * 0.5, target), loss(prediction * 0.5, target))


def test_features_are_frozen_and_kept_out_of_checkpoints() -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)).eval()

    class Levels(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
            return [self.network(images)]

    prediction, target = (image.requires_grad_() for image in make_images())
    with torch.no_grad():
        wanted = network(prediction)
    loss = PerceptualLoss(Levels(), 1)
    assert not list(loss.parameters())
    assert set(loss.state_dict()) == {"averages.value", "averages.first", "averages.steps"}
    assert torch.equal(loss.levels(prediction)[1], wanted)
    error = loss(prediction, target)
    assert error.item() == pytest.approx(2)
    error.backward()
    assert prediction.grad.abs().sum() > 0


def test_pyramid_halves_resolution_and_holds_colour_and_differences() -> None:
    ramp = torch.arange(16.0).expand(1, 3, 16, 16)
    levels = GradientPyramid()(ramp)
    assert [tuple(level.shape) for level in levels] == [(1, 9, 16 // s, 16 // s) for s in (1, 2, 4, 8, 16)]
    assert levels[1][0, 0, 0].tolist() == [0.5, 2.5, 4.5, 6.5, 8.5, 10.5, 12.5, 14.5]
    assert levels[1][0, 3, :, :-1].unique().tolist() == [2]
    assert levels[1][0, 6].abs().max() == 0
    assert all(torch.isfinite(level).all() for level in GradientPyramid()(torch.rand(1, 3, 5, 5)))


def test_evaluation_measures_against_the_beginning() -> None:
    loss = PerceptualLoss(GradientPyramid())
    prediction, target = make_images()
    loss(prediction, target)
    commit_running_means(loss)
    for _ in range(3):
        loss((prediction + target) / 2, target)
        commit_running_means(loss)
    assert loss.eval()((prediction + target) / 2, target).item() == pytest.approx((1 + N_LEVELS) / 4, rel=1e-4)


def test_images_of_weight_zero_do_not_count() -> None:
    loss = PerceptualLoss(GradientPyramid())
    prediction, target = make_images(3)
    loss(prediction, target)
    commit_running_means(loss)
    weighted = loss(prediction, target, torch.tensor([0.5, 0.0, 0.5]))
    assert weighted.item() == pytest.approx(loss(prediction[[0, 2]], target[[0, 2]]).item(), rel=1e-5)
