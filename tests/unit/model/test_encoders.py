"""Image encoders: shapes, weights that are read or refused, independence of the batch."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import ResNetConfig, ResNetForImageClassification

from bkind3d.config import InputError
from bkind3d.model import encoders
from bkind3d.model.encoders import STRIDES, ImageEncoder

TINY = {"depths": (1, 1, 1, 1), "hidden_sizes": (16, 16, 32, 32), "layer_type": "basic", "embedding_size": 16}


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the weights of a tiny classifier, which `tiny` names."""
    monkeypatch.setattr(encoders, "ENCODERS", {**encoders.ENCODERS, "tiny": TINY})
    torch.manual_seed(0)
    model = ResNetForImageClassification(ResNetConfig(**TINY, num_labels=3))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2)
    model.save_pretrained(tmp_path / "weights")
    return tmp_path / "weights"


@pytest.mark.parametrize(
    ("name", "channels", "millions"), [("resnet18", (64, 128, 256, 512), 11.2), ("resnet50", (256, 512, 1024, 2048), 23.5)]
)
def test_architectures_and_strides(name: str, channels: tuple[int, ...], millions: float) -> None:
    encoder = ImageEncoder(name)
    assert encoder.channels == channels
    with torch.no_grad():
        maps = encoder(torch.rand(1, 3, 64, 64))
    assert [tuple(feature.shape[1:]) for feature in maps] == [(c, 64 // s, 64 // s) for c, s in zip(channels, STRIDES, strict=True)]
    assert sum(parameter.numel() for parameter in encoder.parameters()) / 1e6 == pytest.approx(millions, abs=0.1)


@pytest.mark.parametrize("pretrained", ["none", "weights"])
def test_no_layer_depends_on_the_batch(pretrained: str, published: Path) -> None:
    encoder = ImageEncoder("tiny", pretrained if pretrained == "none" else str(published)).train()
    images = torch.rand(3, 3, 64, 64)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    together = encoder(images)
    alone = [encoder(image[None]) for image in images]
    for level, feature in enumerate(together):
        assert torch.allclose(feature, torch.cat([maps[level] for maps in alone]), atol=1e-4)
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())


def test_published_weights_give_the_published_features(published: Path) -> None:
    encoder = ImageEncoder("tiny", str(published))
    reference = ResNetForImageClassification.from_pretrained(published).eval()
    images = torch.rand(2, 3, 64, 64)
    pixels = (images - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    moved = torch.cat([pixels[..., 1:], pixels[..., -1:]], dim=-1)
    moved = torch.cat([moved[..., 1:, :], moved[..., -1:, :]], dim=-2)
    with torch.no_grad():
        wanted = reference.resnet(moved, output_hidden_states=True).hidden_states[1:]
        found = encoder(images)
    for feature, want in zip(found, wanted, strict=True):
        assert torch.allclose(feature, want, atol=1e-5)


def test_structure_without_weights_takes_a_checkpoint_of_itself(published: Path) -> None:
    encoder = ImageEncoder("tiny", str(published))
    rebuilt = ImageEncoder("tiny", "/no/longer/there", load=False)
    rebuilt.load_state_dict(encoder.state_dict())
    images = torch.rand(1, 3, 32, 32)
    assert torch.allclose(encoder(images)[-1], rebuilt(images)[-1], atol=1e-5)


def test_missing_folder_is_refused_with_one_line() -> None:
    with pytest.raises(InputError, match=r"model.pretrained '/no/such/folder': no weights can be read .*; give a folder") as caught:
        ImageEncoder("resnet18", "/no/such/folder")
    assert "\n" not in str(caught.value)


def test_weights_of_another_network_are_refused(published: Path) -> None:
    with pytest.raises(InputError, match=r"depths is .*1, 1, 1, 1.*, but .*2, 2, 2, 2.* in resnet18"):
        ImageEncoder("resnet18", str(published))


def test_incomplete_weights_are_refused_and_never_filled_at_random(published: Path) -> None:
    weights = load_file(published / "model.safetensors")
    del weights["resnet.encoder.stages.2.layers.0.layer.0.convolution.weight"]
    save_file(weights, published / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        InputError, match="1 weights of tiny are not in it, among them encoder.stages.2.layers.0.layer.0.convolution.weight"
    ):
        ImageEncoder("tiny", str(published))


def test_weights_that_are_not_weights_are_refused(published: Path) -> None:
    (published / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(InputError, match="no weights can be read"):
        ImageEncoder("tiny", str(published))
