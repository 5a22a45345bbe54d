"""EfficientNet-Lite0 (Liu 2020, after Tan and Le 2019, table 1): separable convolutions without squeeze-and-excitation, and its published weights."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers.modeling_outputs import BackboneOutput

from bkind3d.config.network import find_packaged_weights

#: Of every stage: kernel, stride, how many times wider blocks are inside, channels, blocks.
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)

#: Stages after which a map is given: the last ones at strides 4, 8, 16 and 32.
MAPS = (1, 2, 4, 6)

#: The deepest stride. Sides of pictures have to be multiples of it.
STRIDE = 32

#: Of pixels in [0, 1]: the published weights were trained on (x - 127) / 128 of pixels up to 255.
MEAN, STD = 127 / 255, 128 / 255

_STEM_CHANNELS = 32


def convolve(channels_in: int, channels: int, kernel: int, stride: int = 1, groups: int = 1, active: bool = True) -> list[nn.Module]:
    """A convolution with batch normalisation, and ReLU6 if it is `active`.

    Padded as TensorFlow's "same": where pixels are halved, a side that is even has one pixel less before it than behind it.
    """
    before, behind = (kernel - stride) // 2, (kernel - stride + 1) // 2
    padding = [nn.ZeroPad2d((before, behind, before, behind))] if before != behind else []
    convolution = nn.Conv2d(channels_in, channels, kernel, stride, 0 if padding else before, groups=groups, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    return [*padding, convolution, nn.BatchNorm2d(channels, eps=1e-3), *([nn.ReLU6(inplace=True)] if active else [])]


class InvertedResidual(nn.Module):
    """Widen, convolve every channel alone, narrow; added to the input where that has the same shape (Sandler et al. 2018)."""

    def __init__(self, channels_in: int, channels: int, kernel: int, stride: int, widening: int) -> None:
        super().__init__()
        width = widening * channels_in
        widen = convolve(channels_in, width, 1) if widening > 1 else []
        alone = convolve(width, width, kernel, stride, groups=width)
        self.body = nn.Sequential(*widen, *alone, *convolve(width, channels, 1, active=False))
        self.adds = stride == 1 and channels_in == channels

    def forward(self, feature: Tensor) -> Tensor:
        found: Tensor = self.body(feature)
        return feature + found if self.adds else found


class EfficientNetLite0(nn.Module):
    """The network without its classifier.

    Attributes
    ----------
    channels : channels of the maps, finest first.
    """

    channels: Sequence[int] = tuple(STAGES[stage][3] for stage in MAPS)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*convolve(3, _STEM_CHANNELS, 3, 2))
        self.stages = nn.ModuleList()
        channels_in = _STEM_CHANNELS
        for kernel, stride, widening, channels, n_blocks in STAGES:
            first = InvertedResidual(channels_in, channels, kernel, stride, widening)
            others = (InvertedResidual(channels, channels, kernel, 1, widening) for _ in range(n_blocks - 1))
            self.stages.append(nn.Sequential(first, *others))
            channels_in = channels

    def forward(self, pixels: Float[Tensor, "image 3 height width"]) -> BackboneOutput:
        """Give the maps at strides 4, 8, 16 and 32 of normalised pictures whose sides are multiples of 32.

        Cell i at stride s is centred on pixel ``s * i + s - 1``, because of the padding.
        """
        feature, maps = self.stem(pixels), []
        for number, stage in enumerate(self.stages):
            feature = stage(feature)
            if number in MAPS:
                maps.append(feature)
        return BackboneOutput(feature_maps=tuple(maps))


def load_published(network: EfficientNetLite0) -> str:
    """Fill a network with the published weights; give their SHA-256.

    Raises
    ------
    InputError
        If they are not installed, or others than the published ones.
    """
    path, digest = find_packaged_weights()
    published = torch.load(path, map_location="cpu", weights_only=True)
    # The file has other names but, as its hash is known, the same order; the classifier comes last in it.
    network.load_state_dict(dict(zip(network.state_dict(), published.values(), strict=False)))
    return digest
