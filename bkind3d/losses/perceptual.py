"""How different two pictures look: what changed between two, and differences of features at several depths, those of VGG19 say (Johnson et al. 2016)."""

import hashlib
import logging
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bkind3d.config import InputError
from bkind3d.losses.running_mean import RunningMean

log = logging.getLogger(__name__)

#: Of the structural difference: width of its window, and what keeps its quotient finite.
_SIGMA, _C1, _C2 = 1.5, 0.01**2, 0.03**2
#: Levels of features that are compared.
N_LEVELS = 5
#: The published ImageNet weights; the name ends in the first digits of the file's SHA-256.
WEIGHTS_URL = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"
WEIGHTS_SHA256 = "dcbb9e9d"

#: Convolutions and channels of each block; a block ends with a pooling that halves the resolution.
BLOCKS = ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))

#: Layers whose outputs are the five levels: the second ReLU of every block.
LEVELS = (3, 8, 13, 22, 31)

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def structural_difference(
    image_a: Float[Tensor, "*batch channel height width"], image_b: Float[Tensor, "*batch channel height width"], window: int = 11
) -> Float[Tensor, "*batch channel height width"]:
    """Compute ``1 - SSIM`` at every pixel, for each channel on its own (Wang et al. 2004; paper, section 3.3).

    Equal images give exactly 0; the largest value is below 2. Beyond its border an image is continued by its border.

    Parameters
    ----------
    image_a, image_b : values in [0, 1].
    window : side in pixels of the Gaussian window (sigma 1.5), odd.

    Raises
    ------
    ValueError : where the images differ in shape, or the window is even.
    """
    if image_a.shape != image_b.shape:
        raise ValueError(f"Expected images of one shape, got {tuple(image_a.shape)} and {tuple(image_b.shape)}")
    if window % 2 == 0:
        raise ValueError(f"Expected an odd window, got {window}")
    # Variances are differences of large numbers: bf16 would leave nothing of them.
    # The device meta, on which training is checked, knows no autocast.
    with torch.autocast("cpu" if image_a.is_meta else image_a.device.type, enabled=False):
        a, b = (image if image.dtype == torch.float64 else image.float() for image in (image_a, image_b))
        mean_a, mean_b, square_a, square_b, product = _blur(torch.stack([a, b, a * a, b * b, a * b]), window)
        variances = (square_a - mean_a * mean_a) + (square_b - mean_b * mean_b)
        covariance = product - mean_a * mean_b
        numerator = (2 * mean_a * mean_b + _C1) * (2 * covariance + _C2)
        denominator = (mean_a * mean_a + mean_b * mean_b + _C1) * (variances + _C2)
        difference: Tensor = 1 - numerator / denominator
        return difference


def _blur(images: Float[Tensor, "*batch height width"], window: int) -> Float[Tensor, "*batch height width"]:
    """Convolve the last two axes with a Gaussian, one axis after the other."""
    offsets = torch.arange(window, dtype=images.dtype, device=images.device) - window // 2
    kernel = torch.softmax(-offsets.square() / (2 * _SIGMA**2), dim=0)
    flat = images.reshape(1, -1, *images.shape[-2:])
    flat = torch.nn.functional.pad(flat, (window // 2,) * 4, mode="replicate")
    # One group per picture: as pictures of one channel in a batch, the same takes eighteen times as long.
    kernels = kernel.expand(flat.shape[1], 1, 1, window)
    flat = torch.nn.functional.conv2d(flat, kernels, groups=len(kernels))
    return torch.nn.functional.conv2d(flat, kernels.mT, groups=len(kernels)).view(images.shape)


class PerceptualLoss(nn.Module):
    """Squared differences of pixels and of several levels of features (Johnson et al. 2016; paper, section 3.3).

    Each level is divided by a running average of itself, so that all count alike however large their features are: with the five levels of
    VGG19 the loss is about 6 while nothing improves. ``commit_running_means`` has to be called after each step of the optimiser. In
    evaluation mode a level is divided by what its average began with, so that losses at different steps compare.

    Parameters
    ----------
    features : gives a list of feature maps for RGB pictures in [0, 1]. It is frozen: it learns nothing, and checkpoints do
        not hold its weights (80 MB), which are read again when a training is resumed.
    n_levels : how many maps it gives.
    """

    def __init__(self, features: nn.Module, n_levels: int = N_LEVELS) -> None:
        super().__init__()
        self.features = freeze(features)
        self.averages = RunningMean(1 + n_levels)

    def forward(
        self,
        prediction: Float[Tensor, "image channel height width"],
        target: Float[Tensor, "image channel height width"],
        weights: Float[Tensor, "image"] | None = None,
    ) -> Float[Tensor, ""]:
        """Sum over pixels and levels of the mean squared difference over its running average.

        Parameters
        ----------
        prediction, target : images with values around [0, 1], of 3 channels, or of 1 that is taken as grey. Batch and
            views are flattened into the first axis; the target gets no gradient.
        weights : of the images, with sum 1; equal if not given.
        """
        if weights is None:
            weights = prediction.new_full((len(prediction),), 1 / len(prediction))
        with torch.no_grad():
            wanted = self.levels(target)
        levels = zip(self.levels(prediction), wanted, strict=True)
        terms = torch.stack([(found - want).float().square().flatten(1).mean(dim=1) @ weights.float() for found, want in levels])
        averages: Tensor = self.averages(terms, len(prediction)) if self.training else self.averages.first
        return (terms / averages.clamp_min(1e-12)).sum()

    def levels(self, images: Float[Tensor, "image channel height width"]) -> list[Float[Tensor, "image _ _ _"]]:
        """Give the pixels, values around [0, 1], and the features of each level."""
        colour = images.expand(-1, 3, -1, -1)
        return [colour, *self.features(colour)]


def freeze(network: nn.Module) -> nn.Module:
    """Turn all weights of a network, in place, into buffers that no checkpoint holds."""
    for layer in network.modules():
        for name, value in [*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)]:
            delattr(layer, name)
            layer.register_buffer(name, value.detach(), persistent=False)
    return network


class GradientPyramid(nn.Module):
    """Features without weights, our own: colour in [0, 1] and its differences to the right and below, at five resolutions."""

    def forward(self, images: Float[Tensor, "image 3 height width"]) -> list[Float[Tensor, "image 9 _ _"]]:
        """Features of `images` at full, 1/2, 1/4, 1/8 and 1/16 resolution."""
        levels = []
        for level in range(N_LEVELS):
            if level:
                images = nn.functional.avg_pool2d(images, 2, ceil_mode=True)
            right = nn.functional.pad(images.diff(dim=-1), (0, 1))
            below = nn.functional.pad(images.diff(dim=-2), (0, 0, 0, 1))
            levels.append(torch.cat([images, right, below], dim=1))
        return levels


class Vgg19Features(nn.Module):
    """Features of five depths of a network that has seen a million photographs; its file of `weights` is fetched into torch's cache if empty.

    Raises
    ------
    InputError : if the file cannot be read or fetched, or is not the published one.
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
    """Give the file with the published weights, fetched if `weights` is empty, after checking its hash.

    Raises
    ------
    InputError : if the file cannot be read or fetched, or is not the published one.
    """
    path = Path(weights) if weights else Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS_URL.rsplit("/", 1)[-1]
    if not weights and not path.exists():
        log.info("fetching the VGG19 weights (550 MB) from %s", WEIGHTS_URL)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(WEIGHTS_URL, str(path), hash_prefix=WEIGHTS_SHA256, progress=False)
        except (OSError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            advice = "give the file as losses.vgg19_weights, or set losses.perceptual to pyramid"
            raise InputError(WEIGHTS_URL, f"the VGG19 weights cannot be fetched ({reason})", advice) from None
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        advice = "set losses.vgg19_weights to their file, or leave it empty to fetch them"
        raise InputError(path, f"the VGG19 weights cannot be read ({error.strerror})", advice) from None
    if not digest.startswith(WEIGHTS_SHA256):
        found = f"SHA-256 starts with {digest[:8]}, not {WEIGHTS_SHA256}"
        raise InputError(path, f"is not the published VGG19 weights ({found})", "delete it and fetch it again")
    return path
