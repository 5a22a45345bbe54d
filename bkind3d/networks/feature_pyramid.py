"""The geometry decoder: from an encoder's maps to the features that are un-projected into the volume.

A feature pyramid as in cascaded pyramid networks (Chen et al. 2018), of which only the finest level is used.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from bkind3d.networks.volume_network import normalisation


class FeaturePyramid(nn.Module):
    """Bring the maps of all strides together at a quarter of the image's size.

    Parameters
    ----------
    channels_in : channels of the encoder's maps, finest first.
    channels_out : channels of the geometry features; 32 in the paper.
    width : channels inside.
    """

    def __init__(self, channels_in: Sequence[int], channels_out: int = 32, width: int = 256) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels, width, 1, bias=False), normalisation(width), nn.ReLU(inplace=True))
            for channels in channels_in
        )
        self.downward = nn.ModuleList(nn.Sequential(nn.Conv2d(width, width, 1, bias=False), normalisation(width)) for _ in channels_in[1:])
        self.predict = nn.Sequential(
            nn.Conv2d(width, width, 1, bias=False), normalisation(width), nn.ReLU(inplace=True), nn.Conv2d(width, channels_out, 1)
        )

    def forward(self, maps: Sequence[Float[Tensor, "image channel _ _"]]) -> Float[Tensor, "image channel_out height width"]:
        """Decode the `maps` of an encoder, finest first, into geometry features of the size of the first."""
        feature = self.laterals[-1](maps[-1])
        for level in reversed(range(len(maps) - 1)):
            coarse = double_from_corner(self.downward[level](feature), (maps[level].shape[-2], maps[level].shape[-1]))
            feature = self.laterals[level](maps[level]) + coarse
        features: Tensor = self.predict(feature)
        return features


def double_from_corner(feature: Float[Tensor, "image channel _ _"], size: tuple[int, int]) -> Float[Tensor, "image channel height width"]:
    """Double a map's resolution bilinearly so that cell i comes to lie on cell 2i: the centres of strided convolutions.

    ``interpolate`` knows this grid only with a cell more on the far side, which is repeated here and cut off again.
    """
    height, width = feature.shape[-2:]
    padded = nn.functional.pad(feature, (0, 1, 0, 1), mode="replicate")
    doubled = nn.functional.interpolate(padded, size=(2 * height + 1, 2 * width + 1), mode="bilinear", align_corners=True)
    return doubled[..., : size[0], : size[1]]
