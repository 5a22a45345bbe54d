"""The network of keypoint discovery: views in, 3D keypoints out, and from them what moved between two frames.

The decoder is the paper's (section 3.2) with five doublings: from appearance at t and the edges at t and t + k to what changed. Widths are
ours: the published code keeps a quarter of 2048 channels per halving of resolution, 37 billion multiplications a view; this one needs 3 billion.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from bkind3d.config import TrainingConfig
from bkind3d.data.datasets import SessionFrames
from bkind3d.methods.discovery.edges import EDGE_SIGMA2, EdgeWeights, draw_edges, draw_points
from bkind3d.methods.discovery.places import find_places
from bkind3d.methods.discovery.settings import DiscoveryModelConfig
from bkind3d.methods.volume import VolumeModel
from bkind3d.networks.detector import run_economically
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


class DiscoveryModel(VolumeModel):
    """Everything that is learned: the detector, the edges' weights, and the decoder of what moved. The settings name the keypoints."""

    remedy: ClassVar[str] = "raise losses.separation or losses.coverage, or lower losses.consistency"

    def __init__(self, config: DiscoveryModelConfig, names: Sequence[str] = (), load: bool = True) -> None:
        super().__init__(config, config.keypoint_names, load, config.mirror_order, config.place_spread)
        self.edges = EdgeWeights(config.n_keypoints)
        self.drawing, self.n_pairs = config.drawing, config.n_symmetric_pairs
        self.decoder: nn.Module | None = None
        if config.reconstruction and self.detector.encoder is not None:
            self.decoder = DifferenceDecoder(self.detector.encoder.channels[-1])

    def prepare(self, sessions: Sequence[SessionFrames], settings: TrainingConfig) -> dict[str, Float[NDArray, "frame"]]:
        """Find the body's shape and the headings, and with them the keypoints' places on the body."""
        headings = super().prepare(sessions, settings)
        if self.detector.place_spread is not None:
            learned = [session for session in sessions if session.session not in settings.validation_sessions]
            find_places(self.detector, learned, headings, self.n_pairs, settings.seed)
        return headings

    def list_edges(self) -> list[tuple[str, str, float]]:
        """The learned weight of every pair of keypoints."""
        first, second = self.edges.pairs.tolist()
        weights = self.edges().detach().cpu().tolist()
        return [(self.names[i], self.names[j], weight) for i, j, weight in zip(first, second, weights, strict=True)]

    def group_parameters(self, settings: TrainingConfig) -> list[dict[str, Any]]:
        """Larger steps for the edges' weights, which nothing pulls to 0."""
        others = [value for name, value in self.named_parameters() if not name.startswith("edges.")]
        rate = settings.learning_rate * settings.edge_learning_rate_factor  # type: ignore[attr-defined]
        return [{"params": others}, {"params": list(self.edges.parameters()), "lr": rate, "weight_decay": 0.0}]

    def draw(self, points: Float[Tensor, "batch view keypoint 2"], sizes: Sequence[int]) -> list[Float[Tensor, "batch view _ _"]]:
        """What the decoder sees of the keypoints (normalised coordinates), at each of the `sizes`: as ``drawing`` says."""
        if self.drawing == "none":
            return [points.new_zeros(*points.shape[:2], size, size) for size in sizes]
        draw = draw_points if self.drawing == "points" else partial(draw_edges, weights=self.edges())
        return [draw(points, size=size, sigma2=sigma2) for size, sigma2 in zip(sizes, EDGE_SIGMA2, strict=True)]

    def reconstruct_difference(
        self,
        appearance: Float[Tensor, "image channel height width"],
        points: Float[Tensor, "batch view keypoint 2"],
        later_points: Float[Tensor, "batch view keypoint 2"],
        size: tuple[int, int],
    ) -> Float[Tensor, "image 3 height width"]:
        """Predict the spatiotemporal difference from the appearance at t and the edges at t and t + k.

        Points are projections in normalised coordinates; `size` is (height, width) of the result.
        """
        # A ResNet's deepest map is of this size already; a transformer's is finer.
        appearance = adaptive_avg_pool2d(appearance, (-(-size[0] // STRIDE), -(-size[1] // STRIDE)))
        sizes = edge_sizes(appearance.shape[-1])
        maps = zip(self.draw(points, sizes), self.draw(later_points, sizes), strict=True)
        edges = [torch.stack(pair, dim=2).flatten(0, 1) for pair in maps]
        assert self.decoder is not None
        difference: Tensor = run_economically(self.decoder, appearance, edges, size, economical=self.detector.economical)
        return difference
