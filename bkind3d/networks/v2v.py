"""V2V-PoseNet as learnable triangulation uses it (Moon et al. 2018; Iskakov et al. 2019): an hourglass in 3D with additive skips."""

from jaxtyping import Float
from torch import Tensor, nn

from bkind3d.networks.volume_network import ResidualBlock, normalisation


def convolve(channels_in: int, channels: int, kernel: int) -> nn.Sequential:
    """A convolution that keeps the size, normalisation and ReLU."""
    return nn.Sequential(nn.Conv3d(channels_in, channels, kernel, padding=kernel // 2), normalisation(channels), nn.ReLU(inplace=True))


class V2VNetwork(nn.Module):
    """Map a volume of features to one of logits for every joint.

    Parameters
    ----------
    channels_in, channels_out : of the two volumes; 32 and a channel per joint in the paper.
    channels : at full resolution (32); twice as many after the first pooling, four times as many from the second on.
    levels : poolings (5); the volume's side must be divisible by ``2 ** levels``.
    kernel : of the first convolution (7).
    """

    def __init__(self, channels_in: int, channels_out: int, channels: int = 32, levels: int = 5, kernel: int = 7) -> None:
        super().__init__()
        widths = [channels * min(2**level, 4) for level in range(levels + 1)]
        self.front = nn.Sequential(
            convolve(channels_in, channels // 2, kernel),
            ResidualBlock(channels // 2, channels),
            ResidualBlock(channels, channels),
            ResidualBlock(channels, channels),
        )
        self.skips = nn.ModuleList(ResidualBlock(width, width) for width in widths[:-1])
        self.down = nn.ModuleList(
            nn.Sequential(nn.MaxPool3d(2), ResidualBlock(width, deeper)) for width, deeper in zip(widths, widths[1:], strict=False)
        )
        self.middle = ResidualBlock(widths[-1], widths[-1])
        self.up = nn.ModuleList(
            nn.Sequential(
                ResidualBlock(deeper, deeper), nn.ConvTranspose3d(deeper, width, 2, stride=2), normalisation(width), nn.ReLU(inplace=True)
            )
            for width, deeper in zip(widths, widths[1:], strict=False)
        )
        self.back = nn.Sequential(ResidualBlock(channels, channels), convolve(channels, channels, 1), convolve(channels, channels, 1))
        self.head = nn.Conv3d(channels, channels_out, 1)

    def forward(self, volume: Float[Tensor, "batch channel x y z"]) -> Float[Tensor, "batch channel_out x y z"]:
        """Give logits of the volume's size."""
        volume = self.front(volume)
        skipped = []
        for skip, down in zip(self.skips, self.down, strict=True):
            skipped.append(skip(volume))
            volume = down(volume)
        volume = self.middle(volume)
        for up in reversed(self.up):
            volume = up(volume) + skipped.pop()
        logits: Tensor = self.head(self.back(volume))
        return logits
