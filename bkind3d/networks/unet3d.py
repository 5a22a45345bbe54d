"""The 3D U-Net of DANNCE (Dunn et al. 2021): poolings, doubled channels, concatenated skips, normalisation of every channel by itself."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn


def convolve_twice(channels_in: int, channels: int) -> nn.Sequential:
    """Two convolutions, each with instance normalisation and ReLU."""
    layers = []
    for number in (channels_in, channels):
        layers += [nn.Conv3d(number, channels, 3, padding=1), nn.GroupNorm(channels, channels), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class UNet3d(nn.Module):
    """Map a volume to one of logits for every joint.

    Parameters
    ----------
    channels_in, channels_out : of the two volumes: RGB of every camera, and a channel per joint.
    channels : at full resolution: 64, or 32 in the compressed form; doubled at each level.
    levels : resolutions (4); the volume's side must be divisible by ``2 ** (levels - 1)``.
    """

    def __init__(self, channels_in: int, channels_out: int, channels: int = 64, levels: int = 4) -> None:
        super().__init__()
        widths = [channels * 2**level for level in range(levels)]
        self.down = nn.ModuleList(convolve_twice(a, b) for a, b in pairwise([channels_in, *widths]))
        self.pool = nn.MaxPool3d(2)
        self.widen = nn.ModuleList(nn.ConvTranspose3d(b, a, 2, stride=2) for a, b in pairwise(widths))
        self.up = nn.ModuleList(convolve_twice(2 * a, a) for a in widths[:-1])
        self.head = nn.Conv3d(channels, channels_out, 1)

    def forward(self, volume: Float[Tensor, "batch channel x y z"]) -> Float[Tensor, "batch channel_out x y z"]:
        """Give logits of the volume's size."""
        skipped = []
        for level, down in enumerate(self.down):
            volume = down(self.pool(volume) if level else volume)
            skipped.append(volume)
        skipped.pop()
        for widen, up in zip(reversed(self.widen), reversed(self.up), strict=True):
            volume = up(torch.cat([widen(volume), skipped.pop()], dim=1))
        logits: Tensor = self.head(volume)
        return logits
