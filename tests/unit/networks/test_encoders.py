"""Image encoders: shapes, weights that are read or refused, independence of the batch."""

import hashlib
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoConfig, AutoModel, BertConfig, BertModel, ResNetForImageClassification

from bkind3d.config import InputError
from bkind3d.networks import encoders
from bkind3d.networks.encoders import FeaturePyramid, ImageEncoder, double_from_corner

TINY = {"model_type": "resnet", "depths": [1, 1, 1, 1], "hidden_sizes": [16, 16, 32, 32], "layer_type": "basic", "embedding_size": 16}

VIT = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
DINOV2 = {"model_type": "dinov2", **VIT, "patch_size": 14, "image_size": 56, "mlp_ratio": 2}
DINOV3 = {"model_type": "dinov3_vit", **VIT, "patch_size": 16, "intermediate_size": 64, "num_register_tokens": 4}


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the weights of a tiny classifier, which `tiny` names."""
    monkeypatch.setattr(encoders, "ENCODERS", {**encoders.ENCODERS, "tiny": TINY})
    torch.manual_seed(0)
    model = ResNetForImageClassification(AutoConfig.for_model(**TINY, num_labels=3))
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
    assert [tuple(feature.shape[1:]) for feature in maps] == [(c, 64 // s, 64 // s) for c, s in zip(channels, (4, 8, 16, 32), strict=True)]
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


@pytest.fixture(params=[DINOV2, DINOV3], ids=["dinov2", "dinov3"])
def transformer(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, AutoModel]:
    """A folder with the weights of a tiny vision transformer, which `tiny` names, and the transformer."""
    monkeypatch.setattr(encoders, "ENCODERS", {**encoders.ENCODERS, "tiny": request.param})
    torch.manual_seed(0)
    model = AutoModel.from_config(AutoConfig.for_model(**request.param)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "embeddings" in name:
                parameter.normal_(0, 0.2)
    model.save_pretrained(tmp_path / "transformer")
    return tmp_path / "transformer", model


@pytest.mark.parametrize(("name", "patch", "millions"), [("dinov2-small", 14, 22.1), ("dinov3-small", 16, 21.6)])
def test_transformers_are_those_of_the_published_size(name: str, patch: int, millions: float) -> None:
    encoder = ImageEncoder(name, "frozen", load=False)
    assert encoder.channels == (384,)
    assert encoder.unit == patch
    assert sum(parameter.numel() for parameter in encoder.parameters()) / 1e6 == pytest.approx(millions, abs=0.1)


@pytest.mark.parametrize("size", [(48, 48), (64, 64), (40, 90)])
def test_patches_of_a_transformer_come_back_as_a_map_of_the_whole_picture(transformer, size: tuple[int, int]) -> None:
    folder, reference = transformer
    encoder = ImageEncoder("tiny", str(folder)).train()
    images = torch.rand(2, 3, *size)
    pixels = (images - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    n_rows, n_columns = (-(-side // encoder.unit) for side in size)
    resampled = torch.nn.functional.interpolate(pixels, size=(n_rows * encoder.unit, n_columns * encoder.unit), mode="bilinear")
    with torch.no_grad():
        tokens = reference(resampled).last_hidden_state[:, -n_rows * n_columns :]
        found = encoder(images)
    assert len(found) == 1
    assert found[0].shape == (2, 32, n_rows, n_columns)
    assert torch.allclose(found[0], tokens.mT.reshape(found[0].shape), atol=1e-5)


def test_a_cell_of_a_transformer_looks_at_its_share_of_a_picture_of_any_size(transformer) -> None:
    folder, _ = transformer
    encoder = ImageEncoder("tiny", str(folder))
    images = torch.rand(1, 3, 50, 50)
    changed = images.clone()
    changed[..., 15:20, 40:45] += 2
    with torch.no_grad():
        difference = (encoder(images)[0] - encoder(changed)[0]).abs().sum(dim=1)[0]
    row, column = divmod(int(difference.argmax()), 4)
    assert (row, column) == (17.5 * 4 // 50, 42.5 * 4 // 50)


def test_nothing_in_a_transformer_is_left_to_chance_while_training(transformer) -> None:
    encoder = ImageEncoder("tiny", str(transformer[0])).train()
    images = torch.rand(2, 3, 48, 48)
    assert torch.equal(encoder(images)[0], encoder(images)[0])
    encoder(images)[0].square().sum().backward()
    without = {name for name, value in encoder.named_parameters() if value.grad is None}
    assert without <= {"backbone.embeddings.mask_token"}


def test_structure_of_a_transformer_takes_a_checkpoint_of_itself(transformer) -> None:
    encoder = ImageEncoder("tiny", str(transformer[0]))
    rebuilt = ImageEncoder("tiny", "/no/longer/there", load=False)
    rebuilt.load_state_dict(encoder.state_dict())
    images = torch.rand(1, 3, 30, 30)
    assert torch.allclose(encoder(images)[0], rebuilt(images)[0], atol=1e-5)


def test_revision_of_a_folder_is_the_hash_of_its_weights(published: Path) -> None:
    wanted = hashlib.sha256((published / "model.safetensors").read_bytes()).hexdigest()
    assert ImageEncoder("tiny", str(published)).revision == wanted
    assert ImageEncoder("tiny").revision == ""


def test_weights_of_the_hub_are_taken_from_its_cache_with_their_commit(published: Path, tmp_path: Path, hub_cache: Path) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = hub_cache / "models--lab--tiny"
    shutil.copytree(published, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    for source in ("hub:lab/tiny", f"hub:lab/tiny@{commit}"):
        encoder = ImageEncoder("tiny", source)
        assert encoder.revision == commit
        assert torch.equal(encoder.state_dict()["backbone.encoder.stages.0.layers.0.layer.0.convolution.weight"],
                           load_file(published / "model.safetensors")["resnet.encoder.stages.0.layers.0.layer.0.convolution.weight"])  # fmt: skip


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, which cannot be reached."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def test_a_hub_out_of_reach_is_refused_with_one_line(hub_cache: Path) -> None:
    with pytest.raises(InputError, match=r"model.pretrained 'hub:lab/tiny': no weights can be read .*; give a folder") as caught:
        ImageEncoder("resnet18", "hub:lab/tiny")
    assert "\n" not in str(caught.value)


def test_a_mistyped_folder_is_refused_and_never_looked_up_on_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.getaddrinfo", fail)
    with pytest.raises(
        InputError, match=r"model.pretrained 'lab/tiny': there is no folder 'lab/tiny'; give a folder .* hub:owner/name, or none"
    ):
        ImageEncoder("resnet18", "lab/tiny")


def test_a_folder_is_not_taken_for_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lab" / "tiny").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"model.pretrained 'hub:lab/tiny': there is a folder 'lab/tiny'"):
        ImageEncoder("resnet18", "hub:lab/tiny")


def test_a_folder_is_read_without_the_network(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.getaddrinfo", fail)
    ImageEncoder("tiny", str(published))


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"no weights can be read .*; give a folder with the config.json and model.safetensors of resnet18"
    ):
        ImageEncoder("resnet18", str(tmp_path))


def test_a_network_of_another_kind_is_refused(tmp_path: Path) -> None:
    BertModel(BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, vocab_size=8)).save_pretrained(
        tmp_path
    )
    with pytest.raises(InputError, match="model_type is bert, but resnet in resnet18; change model.encoder or model.pretrained"):
        ImageEncoder("resnet18", str(tmp_path))


def test_weights_of_another_network_are_refused(published: Path) -> None:
    with pytest.raises(InputError, match=r"depths is \[1, 1, 1, 1\], but \[2, 2, 2, 2\] in resnet18"):
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


def test_doubling_from_the_far_corner_puts_cell_i_at_2i_plus_1() -> None:
    feature = torch.arange(4.0).expand(1, 1, 4, 4)
    assert double_from_corner(feature, (8, 8), far=True)[0, 0, 3].tolist() == pytest.approx([0, 0, 0.5, 1, 1.5, 2, 2.5, 3])


@pytest.mark.parametrize("pretrained", ["none", "package"])
def test_efficientnet_learns_one_picture_at_a_time_whatever_its_size(pretrained: str) -> None:
    encoder = ImageEncoder("efficientnet-lite0", pretrained).train()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    images = torch.rand(3, 3, 50, 64)
    together = encoder(images)
    assert [tuple(feature.shape[1:]) for feature in together] == [(24, 16, 16), (40, 8, 8), (112, 4, 4), (320, 2, 2)]
    alone = [encoder(image[None]) for image in images]
    for level, feature in enumerate(together):
        assert torch.allclose(feature, torch.cat([maps[level] for maps in alone]), atol=1e-3)
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())
    together[-1].square().sum().backward()
    assert all(value.grad is not None for value in encoder.parameters())


def test_weights_of_the_package_are_taken_as_they_are_and_random_ones_are_random() -> None:
    published, rebuilt, random = (ImageEncoder("efficientnet-lite0", *given) for given in (("package",), ("package", False), ("none",)))
    assert published.revision == "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    assert random.revision == ""
    assert not any(isinstance(module, nn.BatchNorm2d) for module in random.modules())
    name = "backbone.stages.1.0.body.0.weight"
    assert not torch.equal(random.state_dict()[name], published.state_dict()[name])
    rebuilt.load_state_dict(published.state_dict())
    images = torch.rand(1, 3, 64, 64)
    assert torch.equal(published(images)[-1], rebuilt(images)[-1])


def test_pyramid_of_a_batch_of_three_equals_three_of_one() -> None:
    pyramid = FeaturePyramid((8, 8), 4, width=16)
    maps = [torch.rand(3, 8, 8, 8), torch.rand(3, 8, 4, 4)]
    apart = torch.cat([pyramid([level[i : i + 1] for level in maps]) for i in range(3)])
    assert torch.allclose(pyramid(maps), apart, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "size", "cells", "pixels"), [("resnet18", 67, [8], [4 * 8 + 1]), ("efficientnet-lite0", 64, [7, 8], [4 * 7 + 2, 4 * 8 + 2])]
)
def test_a_cell_looks_at_the_middle_of_its_area(name: str, size: int, cells: list[int], pixels: list[int]) -> None:
    """Over many random networks, the sensitivity of cell i is centred half a pixel from its area's middle: at pixel 4 i + 1, or 4 i + 2."""
    axis = torch.arange(float(size))
    centres = []
    for seed in range(16):
        torch.manual_seed(seed)
        encoder = ImageEncoder(name, "frozen", load=False)
        pyramid = FeaturePyramid(encoder.channels, 8, width=32, far=encoder.far)
        images = torch.rand(1, 3, size, size, requires_grad=True)
        sum((feature[:, cell, cell] * torch.randn(8)).sum() for cell in cells for feature in pyramid(encoder(images))).backward()
        sensitivity = images.grad[0].square().sum(dim=0)
        centres.append((sensitivity.sum(dim=0) * axis).sum() / sensitivity.sum())
    # The pictures are as wide as to have their own middle near the cells, where it draws what normalisation spreads evenly.
    assert torch.stack(centres).mean().item() == pytest.approx(sum(pixels) / len(pixels), abs=0.4)
