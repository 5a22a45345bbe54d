"""The convolutions of VGG19 (Simonyan and Zisserman 2015, configuration E) with the published weights."""

import hashlib
import logging
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bkind3d.config import InputError

#: The published ImageNet weights; the name ends in the first digits of the file's SHA-256.
WEIGHTS_URL = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"
WEIGHTS_SHA256 = "dcbb9e9d"

#: Convolutions and channels of each block; a block ends with a pooling that halves the resolution.
BLOCKS = ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))

#: Layers whose outputs are the five levels: the second ReLU of every block.
LEVELS = (3, 8, 13, 22, 31)

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

log = logging.getLogger(__name__)


class Vgg19Features(nn.Module):
    """Features of five depths of a network that has seen a million photographs.

    Parameters
    ----------
    weights : file with the published weights, or empty to fetch it once into torch's cache.

    Raises
    ------
    InputError
        If the file cannot be read or fetched, or is not the published one.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, weights: str = "") -> None:
        super().__init__()
        path = find_weights(weights)
        self.features = build_features()
        published = torch.load(path, map_location="cpu", weights_only=True)
        self.load_state_dict({name: value for name, value in published.items() if not name.startswith("classifier.")})
        self.register_buffer("mean", torch.tensor(_IMAGENET_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_IMAGENET_STD).view(3, 1, 1), persistent=False)

    def forward(self, images: Float[Tensor, "image 3 height width"]) -> list[Float[Tensor, "image channel _ _"]]:
        """Features of `images`, RGB in [0, 1], at full, 1/2, 1/4, 1/8 and 1/16 resolution."""
        feature = (images - self.mean) / self.std
        levels = []
        for index, layer in enumerate([*self.features.children()][: LEVELS[-1] + 1]):
            feature = layer(feature)
            if index in LEVELS:
                levels.append(feature)
        return levels


def build_features() -> nn.Sequential:
    """Build the 16 convolutions with their ReLUs and poolings; layers are numbered as in the published weights."""
    layers: list[nn.Module] = []
    channels_in = 3
    for n_convolutions, channels in BLOCKS:
        for _ in range(n_convolutions):
            layers += [nn.Conv2d(channels_in, channels, 3, padding=1), nn.ReLU(inplace=True)]
            channels_in = channels
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


def find_weights(weights: str) -> Path:
    """Give the file with the published weights, fetched if `weights` is empty, after checking its hash."""
    path = Path(weights) if weights else Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS_URL.rsplit("/", 1)[-1]
    if not weights and not path.exists():
        log.info("fetching the VGG19 weights (550 MB) from %s", WEIGHTS_URL)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(WEIGHTS_URL, str(path), hash_prefix=WEIGHTS_SHA256, progress=False)
        except (OSError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            advice = "give the file as losses.vgg19_weights, or set losses.perceptual to pyramid"
            raise InputError(f"{WEIGHTS_URL}: the VGG19 weights cannot be fetched ({reason}); {advice}") from None
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        advice = "set losses.vgg19_weights to their file, or leave it empty to fetch them"
        raise InputError(f"{path}: the VGG19 weights cannot be read ({error.strerror}); {advice}") from None
    if not digest.startswith(WEIGHTS_SHA256):
        found = f"SHA-256 starts with {digest[:8]}, not {WEIGHTS_SHA256}"
        raise InputError(f"{path}: is not the published VGG19 weights ({found}); delete it and fetch it again")
    return path
