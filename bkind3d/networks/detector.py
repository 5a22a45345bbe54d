"""Find points in a cube: un-project the views into voxels, and take the means of heatmaps over them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from bkind3d.config import VolumeModelConfig
from bkind3d.data.datasets import Views
from bkind3d.geometry.voxels import (
    average_views,
    carve_hull,
    cube_to_world,
    expected_positions,
    fuse_views,
    look_up_views,
    make_orientations,
    make_voxel_centres,
    sample_views,
    view_cubes,
)
from bkind3d.networks.heading import HeadingFinder
from bkind3d.networks.volume_network import VolumeNetwork

if TYPE_CHECKING:
    from bkind3d.networks.encoders import ImageEncoder


@dataclass(frozen=True)
class Estimate:
    """Points and how sure they are.

    Attributes
    ----------
    positions : world units.
    spreads : world units; root of the trace of each heatmap's covariance.
    confidences : in [0, 1]; share of a heatmap within a tenth of the cube's side of its mean.
    """

    positions: Float[Tensor, "batch point 3"]
    spreads: Float[Tensor, "batch point"]
    confidences: Float[Tensor, "batch point"]


#: Channels of a volume without an image encoder: colour, hull occupancy, share of views that see the voxel, height.
N_PLAIN_CHANNELS = 6

#: Further channels where the cube is turned to the subject: how far ahead, how far to the left.
N_PLACE_CHANNELS = 2

#: Voxels whose features are un-projected together: all views' samples of a volume of 64 voxels a side would fill a gigabyte.
N_CHUNK_VOXELS = 2**16


@dataclass(frozen=True, kw_only=True)
class VolumeEstimate(Estimate):
    """What a network that looks into a cube says of a batch of moments.

    Attributes
    ----------
    cube_positions : cube coordinates of the cube that was used (after mirroring).
    hull : occupancy of the visual hull at the voxels, in [0, 1].
    appearance : deepest map of the image encoder, views flattened into the batch; none without an encoder.
    """

    cube_positions: Float[Tensor, "batch keypoint 3"]
    hull: Float[Tensor, "batch voxel"]
    appearance: Float[Tensor, "image channel height width"] | None = None


def run_economically(function: Callable[..., Any], *inputs: Any, economical: bool) -> Any:
    """Call `function`; if `economical`, keep nothing of it for the backward pass, which calls it again."""
    if economical and torch.is_grad_enabled():
        return checkpoint(function, *inputs, use_reentrant=False, preserve_rng_state=False)
    return function(*inputs)


class KeypointDetector(nn.Module):
    """Un-project, fuse, find heatmaps, take their mean (paper, section 3.2).

    The network can be asked to look at a turned or a mirrored cube; it answers in world coordinates all the same. In a mirrored cube a left
    limb looks like a right one: keypoint pairs are swapped back, so that a network whose answers agree has learned which side is which.

    Parameters
    ----------
    config : the network's settings.
    n_points : keypoints, or joints.
    mirror_order : for every point, which one takes its place in a mirrored body; itself if not given.
    place_spread : if given, points stay within about this share of the cube's side of their `places`.
    load : whether published weights of the encoder are read; not for a model that is filled from its own checkpoint.

    Attributes
    ----------
    places : cube coordinates of where on the body each point starts.
    """

    voxel_centres: Tensor
    mirror_order: Tensor
    places: Tensor

    def __init__(
        self,
        config: VolumeModelConfig,
        n_points: int,
        mirror_order: Sequence[int] | None = None,
        place_spread: float | None = None,
        load: bool = True,
    ) -> None:
        super().__init__()
        self.config, self.n_points, self.place_spread = config, n_points, place_spread
        #: Compute the large parts once more in the backward pass in place of keeping what they computed: a third slower, half the memory.
        self.economical = False
        self.register_buffer("voxel_centres", make_voxel_centres(config.volume_size), persistent=False)
        self.register_buffer("mirror_order", torch.tensor(mirror_order or range(n_points)), persistent=False)
        self.register_buffer("places", torch.zeros(n_points, 3))
        self.encoder: ImageEncoder | None = None
        self.headings = HeadingFinder() if config.heading else None
        channels = (N_PLAIN_CHANNELS + N_PLACE_CHANNELS * config.heading) * (config.plain_features or config.encoder == "none")
        if config.encoder != "none":
            from bkind3d.networks import encoders  # transformers takes seconds to import

            self.encoder = encoders.ImageEncoder(config.encoder, config.pretrained, load)
            self.pyramid = encoders.FeaturePyramid(self.encoder.channels, config.feature_channels, far=self.encoder.far)
            channels += config.feature_channels
        self.volume_network = VolumeNetwork(channels, n_points, config.volume_channels, config.volume_levels)
        nn.init.normal_(self.volume_network.head.weight, std=0.3)

    def forward(
        self,
        views: Views,
        turns: Float[Tensor, "batch"],
        mirrored: Bool[Tensor, "batch"] | None = None,
        shifts: Float[Tensor, "batch 3"] | None = None,
    ) -> VolumeEstimate:
        """Find the keypoints of each moment.

        Parameters
        ----------
        views : the moments.
        turns : radians about the vertical axis that each cube is turned: the subject's heading, and what is wanted beyond it.
        mirrored : which cubes are mirrored; none if not given.
        shifts : how far each cube is moved off its centre, in shares of its side.
        """
        if mirrored is None:
            mirrored = torch.zeros(len(views.centres), dtype=torch.bool, device=views.centres.device)
        orientations = make_orientations(turns, mirrored)
        centres = views.centres if shifts is None else views.centres + shifts * views.sides[:, None]
        cubes = replace(views, projections=view_cubes(views.projections, centres, views.sides, orientations))
        hull, plain = self.look_at_voxels(cubes)
        appearance = None
        if self.encoder is not None:
            features, appearance = self.unproject_features(cubes)
            plain = torch.cat([plain, features], dim=1) if self.config.plain_features else features
        size = self.config.volume_size
        volume = plain.view(len(plain), -1, size, size, size)
        logits = run_economically(self.volume_network, volume, economical=self.economical).flatten(2)
        priors = self.config.hull_prior * hull.log()[:, None] + self.stay_in_place()
        heatmaps = (logits.float().contiguous() + priors).softmax(dim=-1)
        means, spreads = expected_positions(heatmaps, self.voxel_centres)
        swap = mirrored[:, None, None]
        means = torch.where(swap, means[:, self.mirror_order], means)
        spreads = torch.where(swap[..., 0], spreads[:, self.mirror_order], spreads)
        return VolumeEstimate(
            positions=cube_to_world(means, centres, views.sides, orientations),
            cube_positions=means,
            spreads=spreads * views.sides[:, None],
            confidences=torch.zeros_like(spreads) if self.training else self.concentrate(heatmaps, means),
            hull=hull,
            appearance=appearance,
        )

    def stay_in_place(self) -> Float[Tensor, "keypoint voxel"] | float:
        """Log of a normal distribution around every keypoint's place on the body; 0 where keypoints have none."""
        if self.place_spread is None:
            return 0.0
        steps = self.voxel_centres[: self.config.volume_size, 2]
        x, y, z = ((self.places[..., None] - steps) / self.place_spread).square().unbind(dim=1)
        return -0.5 * (x[:, :, None, None] + y[:, None, :, None] + z[:, None, None, :]).flatten(1)

    def look_at_voxels(self, cubes: Views) -> tuple[Float[Tensor, "batch voxel"], Float[Tensor, "batch channel voxel"]]:
        """Give the occupancy of the visual hull, and the plain channels: colour, occupancy, share of views, place.

        Projections of the views start from the coordinates of the cubes (:func:`bkind3d.geometry.voxels.view_cubes`).
        """
        pictures = torch.cat([cubes.images, cubes.masks], dim=2)
        samples, visible = look_up_views(pictures, cubes.projections, cubes.image_size, cubes.present, self.voxel_centres[None])
        silhouettes = samples[:, :, 3] * visible
        hull = carve_hull(silhouettes, visible)
        colour = average_views(samples[:, :, :3], silhouettes)
        place = self.voxel_centres.T[0 if self.headings is not None else 2 :].expand(len(hull), -1, -1)
        share = visible.float().mean(dim=1, keepdim=True)
        return hull, torch.cat([(2 * colour - 1) * hull[:, None], hull[:, None], share, 2 * place], dim=1)

    def unproject_features(self, cubes: Views) -> tuple[Float[Tensor, "batch channel voxel"], Float[Tensor, "image channel height width"]]:
        """Encode every view, un-project its features and fuse the views; also give the deepest map."""
        features, appearance = run_economically(self.encode, cubes.images.flatten(0, 1), economical=self.economical)
        features = features.unflatten(0, cubes.present.shape).float()

        def fuse(features: Tensor, some_voxels: Tensor) -> Tensor:
            return fuse_views(*sample_views(features, cubes.projections, cubes.image_size, cubes.present, some_voxels))

        parts = torch.split(self.voxel_centres[None], N_CHUNK_VOXELS, dim=1)
        return torch.cat([run_economically(fuse, features, part, economical=True) for part in parts], dim=-1), appearance

    def encode(self, images: Float[Tensor, "image 3 height width"]) -> tuple[Tensor, Tensor]:
        """Encode pictures: the geometry features, and the deepest map."""
        assert self.encoder is not None
        maps = self.encoder(images)
        return self.pyramid(maps), maps[-1]

    def concentrate(
        self, heatmaps: Float[Tensor, "batch keypoint voxel"], means: Float[Tensor, "batch keypoint 3"]
    ) -> Float[Tensor, "batch keypoint"]:
        """Share of each heatmap within a tenth of the side of its mean."""
        size, radius = self.config.volume_size, 0.1
        # Along an axis, no other voxels can be that near.
        width = min(math.floor(2 * radius * size) + 2, size)
        first = ((means - radius + 0.5) * size - 0.5).floor().long().clamp(0, size - width)
        steps = first[..., None] + torch.arange(width, device=means.device)
        x, y, z = ((steps + 0.5) / size - 0.5 - means[..., None]).square().unbind(dim=2)
        near = x[..., :, None, None] + y[..., None, :, None] + z[..., None, None, :] < radius**2
        i, j, k = steps.unbind(dim=2)
        voxels = (i[..., :, None, None] * size + j[..., None, :, None]) * size + k[..., None, None, :]
        return (heatmaps.gather(2, voxels.flatten(2)) * near.flatten(2)).sum(dim=-1)
