"""The structural difference, the perceptual loss and VGG19: against scikit-image, by hand, by the published weights' layers and hash."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from bkind3d.config import InputError
from bkind3d.losses import perceptual
from bkind3d.losses.perceptual import N_LEVELS, GradientPyramid, PerceptualLoss, Vgg19Features, build_features, structural_difference
from bkind3d.losses.running_mean import commit_running_means


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


def save_weights(path: Path) -> None:
    """Save weights that are named and shaped like the published ones, with small numbers in them."""
    torch.manual_seed(0)
    weights = {f"features.{name}": value for name, value in build_features().state_dict().items()}
    torch.save({**weights, "classifier.0.weight": torch.zeros(1)}, path)


def accept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the hash of the file at `path` pass for the published one."""
    monkeypatch.setattr(perceptual, "WEIGHTS_SHA256", hashlib.sha256(path.read_bytes()).hexdigest()[:8])


def test_published_architecture() -> None:
    layers = build_features()
    assert sum(parameter.numel() for parameter in layers.parameters()) == 20_024_384
    published = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
    assert sorted({int(name.split(".")[0]) for name in layers.state_dict()}) == published
    assert layers[34].weight.shape == (512, 512, 3, 3)
    assert len(layers) == 37


def test_weights_are_read_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "vgg19.pth"
    save_weights(path)
    accept(path, monkeypatch)
    network = Vgg19Features(str(path))
    wanted = torch.load(path, weights_only=True)
    assert torch.equal(network.features[28].weight, wanted["features.28.weight"])
    images = torch.rand(2, 3, 32, 32, requires_grad=True)
    levels = network(images)
    assert [tuple(level.shape) for level in levels] == [
        (2, c, 32 // s, 32 // s) for c, s in ((64, 1), (128, 2), (256, 4), (512, 8), (512, 16))
    ]
    levels[-1].sum().backward()
    assert images.grad.abs().sum() > 0
    by_hand = torch.nn.functional.conv2d(
        (images[:1] - network.mean) / network.std, wanted["features.0.weight"], wanted["features.0.bias"], padding=1
    )
    by_hand = torch.nn.functional.conv2d(by_hand.relu(), wanted["features.2.weight"], wanted["features.2.bias"], padding=1).relu()
    assert torch.allclose(levels[0][:1], by_hand, atol=1e-5)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "vgg19.pth"
    path.write_bytes(b"other weights")
    with pytest.raises(InputError, match=r"is not the published VGG19 weights \(SHA-256 starts with [0-9a-f]{8}, not dcbb9e9d\)"):
        Vgg19Features(str(path))


def test_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent.pth: the VGG19 weights cannot be read \(No such file or directory\)"):
        Vgg19Features(str(tmp_path / "absent.pth"))


def test_offline_is_refused_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(perceptual, "WEIGHTS_URL", (tmp_path / "nowhere" / "vgg19.pth").as_uri())
    with pytest.raises(InputError, match=r"cannot be fetched .*set losses.perceptual to pyramid") as caught:
        Vgg19Features()
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*.pth"))


def test_fetched_weights_are_checked_and_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "vgg19.pth"
    source.write_bytes(b"weights")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(perceptual, "WEIGHTS_URL", source.as_uri())
    with pytest.raises(InputError, match="invalid hash value"):
        perceptual.find_weights("")
    assert not list((tmp_path / "cache").rglob("*.pth"))
    accept(source, monkeypatch)
    cached = perceptual.find_weights("")
    assert cached.read_bytes() == b"weights"
    cached.write_bytes(b"damaged")
    with pytest.raises(InputError, match="delete it and fetch it again"):
        perceptual.find_weights("")
