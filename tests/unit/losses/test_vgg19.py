"""VGG19: the published architecture, and weights that are the published ones or none."""

import hashlib
from pathlib import Path

import pytest
import torch

from bkind3d.config import InputError
from bkind3d.losses import vgg19
from bkind3d.losses.vgg19 import Vgg19Features, build_features


def save_weights(path: Path) -> None:
    """Save weights that are named and shaped like the published ones, with small numbers in them."""
    torch.manual_seed(0)
    weights = {f"features.{name}": value for name, value in build_features().state_dict().items()}
    torch.save({**weights, "classifier.0.weight": torch.zeros(1)}, path)


def accept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the hash of the file at `path` pass for the published one."""
    monkeypatch.setattr(vgg19, "WEIGHTS_SHA256", hashlib.sha256(path.read_bytes()).hexdigest()[:8])


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
    monkeypatch.setattr(vgg19, "WEIGHTS_URL", (tmp_path / "nowhere" / "vgg19.pth").as_uri())
    with pytest.raises(InputError, match=r"cannot be fetched .*set losses.perceptual to pyramid") as caught:
        Vgg19Features()
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*.pth"))


def test_fetched_weights_are_checked_and_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "vgg19.pth"
    source.write_bytes(b"weights")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(vgg19, "WEIGHTS_URL", source.as_uri())
    with pytest.raises(InputError, match="invalid hash value"):
        vgg19.find_weights("")
    assert not list((tmp_path / "cache").rglob("*.pth"))
    accept(source, monkeypatch)
    cached = vgg19.find_weights("")
    assert cached.read_bytes() == b"weights"
    cached.write_bytes(b"damaged")
    with pytest.raises(InputError, match="delete it and fetch it again"):
        vgg19.find_weights("")
