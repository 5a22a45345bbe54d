"""Heatmaps of joints in pictures: an image encoder with transposed convolutions (Xiao et al. 2018), and what heatmaps say.

Pictures are in normalised coordinates, from -1 to 1 between their edges; so are the points that are found in them.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bkind3d.config import HeatmapModelConfig
from bkind3d.geometry.projection import compute_precisely
from bkind3d.networks.volume_network import normalisation


class SmallEncoder(nn.Module):
    """Three strided convolutions with another one after each: an encoder that two processor cores train."""

    #: What sides of pictures have to be multiples of.
    unit = 8

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.channels = (width, 2 * width, 4 * width)
        layers = []
        for before, after in zip((3, *self.channels), self.channels, strict=False):
            for number, stride in ((before, 2), (after, 1)):
                layers += [nn.Conv2d(number, after, 3, stride, 1, bias=False), normalisation(after), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Float[Tensor, "image 3 height width"]) -> list[Float[Tensor, "image channel _ _"]]:
        """Give the map of an eighth of the pictures' size."""
        return [self.layers(2 * images - 1)]


class HeatmapEncoder(nn.Module):
    """Features of pictures at a quarter of their size (half, of the small encoder).

    Parameters
    ----------
    config : which encoder, and its weights.
    load : whether published weights are read.

    Attributes
    ----------
    channels, deepest : of the features, and of the encoder's last map.
    revision : of the encoder's published weights.
    """

    def __init__(self, config: HeatmapModelConfig, load: bool = True) -> None:
        super().__init__()
        self.revision = ""
        channels: tuple[int, ...]
        if config.encoder == "small":
            self.encoder: nn.Module = SmallEncoder()
            channels, number, self.channels = self.encoder.channels, 2, 32
            self.unit = self.encoder.unit
        else:
            from bkind3d.networks.encoders import ImageEncoder  # transformers takes seconds to import

            self.encoder = ImageEncoder(config.encoder, config.pretrained, load)
            channels, number, self.channels, self.unit = self.encoder.channels, 3, 256, 32
            self.revision = self.encoder.revision
        self.deepest = channels[-1]
        layers: list[nn.Module] = []
        for before in (self.deepest, *(self.channels,) * (number - 1)):
            layers += [nn.ConvTranspose2d(before, self.channels, 4, 2, 1, bias=False), normalisation(self.channels), nn.ReLU(inplace=True)]
        self.widen = nn.Sequential(*layers)

    def forward(self, images: Float[Tensor, "image 3 height width"]) -> tuple[Tensor, Tensor]:
        """Give features and the encoder's last map; pictures whose sides are no multiples of what it needs are resampled, edge on edge."""
        size = [-(-side // self.unit) * self.unit for side in images.shape[-2:]]
        if size != list(images.shape[-2:]):
            images = nn.functional.interpolate(images, size=size, mode="bilinear", align_corners=False)
        deepest = self.encoder(images)[-1]
        return self.widen(deepest), deepest


def make_cell_centres(height: int, width: int, like: Tensor) -> Float[Tensor, "cell 2"]:
    """Normalised coordinates (x, y) of the centres of a map's cells, row by row."""
    across, down = ((2 * torch.arange(number, dtype=like.dtype, device=like.device) + 1) / number - 1 for number in (width, height))
    grid = torch.meshgrid(down, across, indexing="ij")
    return torch.stack([grid[1], grid[0]], dim=-1).flatten(0, 1)


def expect_points(
    heatmaps: Float[Tensor, "image joint height width"], sharpness: float = 1.0
) -> tuple[Float[Tensor, "image joint 2"], Float[Tensor, "image joint"]]:
    """Mean places under the softmax of `sharpness` times the heatmaps, and their spreads (normalised coordinates)."""
    with compute_precisely(heatmaps.device):
        centres = make_cell_centres(heatmaps.shape[-2], heatmaps.shape[-1], heatmaps)
        shares = (sharpness * heatmaps.flatten(2)).softmax(dim=-1)
        means = shares @ centres
        second = shares @ centres.square().sum(dim=-1, keepdim=True)
    return means, (second[..., 0] - means.square().sum(dim=-1)).clamp_min(1e-12).sqrt()


def draw_targets(
    points: Float[Tensor, "image joint 2"], height: int, width: int, sigma: float
) -> Float[Tensor, "image joint height width"]:
    """Gaussians of a width of `sigma` cells around points (normalised coordinates), 1 at their middle; zero where a point is not known."""
    centres = make_cell_centres(height, width, points)
    known = torch.isfinite(points).all(dim=-1, keepdim=True)
    apart = (torch.where(known, points, 0.0)[:, :, None] - centres) * points.new_tensor([width / 2, height / 2])
    return (torch.exp(-apart.square().sum(dim=-1) / (2 * sigma**2)) * known).view(*points.shape[:2], height, width)
