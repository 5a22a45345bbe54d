"""The 3D encoder-decoder that turns a volume of features into one heatmap per keypoint (V2V-PoseNet's shape).

Group normalisation throughout: no layer depends on how many samples are computed together.
"""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bkind3d.geometry.projection import compute_precisely


def normalisation(channels: int) -> nn.GroupNorm:
    """Group normalisation with at most eight groups."""
    return nn.GroupNorm(max(groups for groups in (8, 4, 2, 1) if channels % groups == 0), channels)


class Convolution(nn.Conv3d):
    """A 3x3x3 convolution that keeps the size.

    Once its weights are in bf16 it multiplies in bf16, adds up in 32 bits, and gives what its volume is in.
    """

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__(channels_in, channels, 3, padding=1, bias=False)

    def forward(self, volume: Tensor) -> Tensor:
        if self.weight.dtype == volume.dtype or torch.is_autocast_enabled(volume.device.type):
            return super().forward(volume)
        return super().forward(volume.to(self.weight.dtype)).to(volume.dtype)


class ResidualBlock(nn.Module):
    """Two 3x3x3 convolutions around a shortcut.

    Volumes of two voxels a side are computed in 32 bits: there oneDNN's bf16 gradient of a convolution's weights is wrong, now
    and then infinite (seen with torch 2.13 on a CPU with AVX-512 bf16; sides of 1, 3 and 4 are right).
    """

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            Convolution(channels_in, channels),
            normalisation(channels),
            nn.ReLU(inplace=True),
            Convolution(channels, channels),
            normalisation(channels),
        )
        self.shortcut = nn.Identity() if channels_in == channels else nn.Conv3d(channels_in, channels, 1)

    def forward(self, volume: Tensor) -> Tensor:
        if volume.shape[-1] != 2:
            return self._compute(volume)
        with compute_precisely(volume.device):
            return self._compute(volume.float())

    def _compute(self, volume: Tensor) -> Tensor:
        out: Tensor = self.body(volume).add_(self.shortcut(volume)).relu_()
        return out


class VolumeNetwork(nn.Module):
    """An hourglass in 3D: `levels` halvings, doubling channels, with skip connections.

    Parameters
    ----------
    channels_in : channels of the input volume.
    channels_out : channels of the output volume.
    channels : channels at full resolution; doubled at each level, at most fourfold.
    levels : number of halvings; the volume's side must be divisible by ``2 ** levels``.
    """

    def __init__(self, channels_in: int, channels_out: int, channels: int, levels: int) -> None:
        super().__init__()
        widths = [channels * min(2**level, 4) for level in range(levels + 1)]
        self.stem = nn.Sequential(nn.Conv3d(channels_in, channels, 3, padding=1), normalisation(channels), nn.ReLU(inplace=True))
        pairs = [*pairwise(widths)]
        self.down = nn.ModuleList(nn.Sequential(nn.Conv3d(a, b, 2, stride=2), ResidualBlock(b, b)) for a, b in pairs)
        self.middle = ResidualBlock(widths[-1], widths[-1])
        self.up = nn.ModuleList(nn.ConvTranspose3d(b, a, 2, stride=2) for a, b in reversed(pairs))
        self.merge = nn.ModuleList(ResidualBlock(a, a) for a, _ in reversed(pairs))
        self.head = nn.Conv3d(channels, channels_out, 1)

    def round_products(self) -> None:
        """Multiply in bf16 from now on, but where that would show: in the first convolution, between them, and in the heatmaps."""
        for layer in self.modules():
            if isinstance(layer, Convolution):
                layer.bfloat16()

    def forward(self, volume: Float[Tensor, "batch channel x y z"]) -> Float[Tensor, "batch channel_out x y z"]:
        """Map a volume to a volume of the same size."""
        if not torch.is_grad_enabled():  # forward passes in this order take two thirds of the time, steps in bf16 half as long again
            volume = volume.contiguous(memory_format=torch.channels_last_3d)
        volume = self.stem(volume)
        skips = []
        for down in self.down:
            skips.append(volume)
            volume = down(volume)
        volume = self.middle(volume)
        for up, merge in zip(self.up, self.merge, strict=True):
            volume = merge(up(volume) + skips.pop())
        # A product of matrices: torch has no fast convolution of a single voxel for one thread.
        weights, bias = self.head.weight.flatten(1), self.head.bias[:, None]  # type: ignore[index]
        logits = torch.baddbmm(bias, weights.expand(len(volume), -1, -1), volume.flatten(2))
        return logits.view(len(volume), -1, *volume.shape[2:])
