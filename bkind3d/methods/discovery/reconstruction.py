"""The reconstruction: from appearance at t and the edges at t and t + k to what changed between the two frames.

The paper's decoder (section 3.2) with five doublings. Widths are ours: the published code keeps a quarter of 2048
channels per halving of resolution, 37 billion multiplications a view; this one needs 3 billion.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bkind3d.networks.volume_network import normalisation

N_STAGES = 5

#: Pixels of the picture to a cell of the appearance feature.
STRIDE = 2**N_STAGES

#: Edge maps per view: of the first and of the second frame of a pair.
N_FRAMES = 2


class DifferenceDecoder(nn.Module):
    """Predict the difference map of a pair of frames.

    Parameters
    ----------
    channels_in : channels of the appearance feature, the deepest map of the image encoder.
    channels_out : 3 for one structural difference per colour channel, which is what a perceptual loss on an RGB network
        asks for; 1 for a difference of grey images.
    width : channels after the appearance feature has been reduced; halved from stage to stage, at least 32.
    """

    def __init__(self, channels_in: int, channels_out: int = 3, width: int = 256) -> None:
        super().__init__()
        widths = [max(width >> stage, 32) for stage in range(N_STAGES + 1)]
        self.reduce = nn.Sequential(nn.Conv2d(channels_in, widths[0], 1, bias=False), normalisation(widths[0]), nn.ReLU(inplace=True))
        self.stages = nn.ModuleList(_UpsamplingStage(widths[stage] + N_FRAMES, widths[stage + 1]) for stage in range(N_STAGES))
        self.head = nn.Conv2d(widths[-1], channels_out, 1)

    def forward(
        self,
        appearance: Float[Tensor, "image channel _ _"],
        edges: Sequence[Float[Tensor, "image 2 _ _"]],
        size: tuple[int, int] | None = None,
    ) -> Float[Tensor, "image channel_out height width"]:
        """Decode each view on its own; batch and views are flattened into the first axis.

        Parameters
        ----------
        appearance : deepest feature map at t.
        edges : edge maps of t and of t + k, at the sizes that :func:`edge_sizes` gives, coarsest first.
        size : (height, width) of the result; 32 times the appearance feature if not given.
        """
        if len(edges) != N_STAGES:
            raise ValueError(f"Expected edge maps at {N_STAGES} resolutions, got {len(edges)}")
        feature = self.reduce(appearance)
        for stage, maps in zip(self.stages, edges, strict=True):
            feature = stage(torch.cat([feature, maps], dim=1))
        difference: Tensor = self.head(feature)
        if size is not None and difference.shape[-2:] != size:
            difference = nn.functional.interpolate(difference, size=size, mode="bilinear", align_corners=False)
        return difference


def edge_sizes(deepest: int) -> tuple[int, ...]:
    """Sides of the edge maps for an appearance feature of side `deepest`: 8 to 128 for a picture of 256 pixels."""
    return tuple(deepest * 2**stage for stage in range(N_STAGES))


class _UpsamplingStage(nn.Module):
    """Double the resolution, then two 3x3 convolutions."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()

        def convolve(width: int) -> list[nn.Module]:
            return [nn.Conv2d(width, channels, 3, padding=1, bias=False), normalisation(channels), nn.ReLU(inplace=True)]

        double = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        self.body = nn.Sequential(double, *convolve(channels_in), *convolve(channels))

    def forward(self, feature: Tensor) -> Tensor:
        out: Tensor = self.body(feature)
        return out
