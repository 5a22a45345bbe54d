"""The network: views in, 3D keypoints out."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from bkind3d.config import ModelConfig
from bkind3d.data.datasets import Views
from bkind3d.geometry.voxels import (
    average_views,
    carve_hull,
    cube_to_world,
    expected_positions,
    fuse_views,
    make_orientations,
    make_voxel_centres,
    principal_angles,
    sample_views,
)
from bkind3d.model.volume_network import VolumeNetwork

#: Channels of a volume without an image encoder: colour, hull occupancy, share of views that see the voxel, its place.
N_PLAIN_CHANNELS = 8


@dataclass(frozen=True)
class KeypointEstimate:
    """What the network says of a batch of moments.

    Attributes
    ----------
    positions : world units.
    cube_positions : cube coordinates of the cube that was used (after mirroring).
    spreads : world units; root of the trace of each heatmap's covariance.
    confidences : share of a heatmap within a tenth of the cube's side of its mean, in [0, 1].
    hull : occupancy of the visual hull at the voxels, in [0, 1].
    voxels : world positions of the voxels.
    """

    positions: Float[Tensor, "batch keypoint 3"]
    cube_positions: Float[Tensor, "batch keypoint 3"]
    spreads: Float[Tensor, "batch keypoint"]
    confidences: Float[Tensor, "batch keypoint"]
    hull: Float[Tensor, "batch voxel"]
    voxels: Float[Tensor, "batch voxel 3"]


def mirror_order(n_keypoints: int, n_pairs: int) -> Int[Tensor, "keypoint"]:
    """Order of the keypoints of a mirrored body: the first ``2 * n_pairs`` keypoints swap in pairs, the rest stay."""
    order = torch.arange(n_keypoints)
    order[: 2 * n_pairs] = order[: 2 * n_pairs].view(-1, 2).flip(1).flatten()
    return order


class KeypointDetector(nn.Module):
    """Un-project, fuse, find heatmaps, take their mean (paper, section 3.2).

    The network can be asked to look at a turned or a mirrored cube; it answers in world coordinates all the same. In a
    mirrored cube a left limb looks like a right one: keypoint pairs are swapped back, so that a network whose answers
    agree has learned which side is which.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        size = config.volume_size
        self.register_buffer("voxel_centres", make_voxel_centres(size), persistent=False)
        self.register_buffer("mirror_order", mirror_order(config.n_keypoints, config.n_symmetric_pairs), persistent=False)
        self.volume_network = VolumeNetwork(N_PLAIN_CHANNELS, config.n_keypoints, config.volume_channels, config.volume_levels)
        nn.init.normal_(self.volume_network.head.weight, std=0.3)

    voxel_centres: Tensor
    mirror_order: Tensor

    def forward(
        self,
        views: Views,
        orientations: Float[Tensor, "batch 3 3"] | None = None,
        shifts: Float[Tensor, "batch 3"] | None = None,
        mirrored: Bool[Tensor, "batch"] | None = None,
    ) -> KeypointEstimate:
        """Find the keypoints of each moment.

        Parameters
        ----------
        views : the moments.
        orientations : how each cube is turned (and mirrored); upright if not given.
        shifts : how far each cube is moved off its centre, in shares of its side.
        mirrored : which orientations mirror.
        """
        batch = len(views.centres)
        if orientations is None or mirrored is None:
            mirrored = torch.zeros(batch, dtype=torch.bool, device=views.centres.device)
            orientations = make_orientations(views.centres.new_zeros(batch), mirrored)
        centres = views.centres if shifts is None else views.centres + shifts * views.sides[:, None]
        voxels = cube_to_world(self.voxel_centres[None], centres, views.sides, orientations)
        volume, log_hull = self.build_volume(views, voxels)
        logits = self.volume_network(volume).flatten(2).float()
        if self.config.hull_prior:
            logits = logits + self.config.hull_prior * log_hull[:, None]
        heatmaps = logits.softmax(dim=-1)
        heatmaps = torch.where(mirrored[:, None, None], heatmaps[:, self.mirror_order], heatmaps)
        return self.read_heatmaps(heatmaps, log_hull, voxels, centres, views.sides, orientations)

    @torch.no_grad()
    def find_axis(self, views: Views, size: int = 16) -> Float[Tensor, "batch"]:
        """Angle of the subject's longest horizontal axis, from its visual hull; known up to half a turn."""
        upright = make_orientations(views.sides * 0, torch.zeros_like(views.sides, dtype=torch.bool))
        voxels = cube_to_world(make_voxel_centres(size).to(views.centres)[None], views.centres, views.sides, upright)
        silhouettes, visible = sample_views(views.masks, views.projections, views.image_size, views.present, voxels)
        return principal_angles(carve_hull(silhouettes[:, :, 0], visible).exp(), voxels)

    def build_volume(
        self, views: Views, voxels: Float[Tensor, "batch voxel 3"]
    ) -> tuple[Float[Tensor, "batch channel x y z"], Float[Tensor, "batch voxel"]]:
        """Un-project colour and silhouettes onto the voxels; also give the log occupancy of the visual hull."""
        pictures = torch.cat([views.images, views.masks], dim=2)
        samples, visible = sample_views(pictures, views.projections, views.image_size, views.present, voxels)
        silhouettes = samples[:, :, 3]
        log_hull = carve_hull(silhouettes, visible)
        colour = average_views(samples[:, :, :3], visible * silhouettes)
        seen = visible.float().mean(dim=1, keepdim=True)
        hull = log_hull.exp()[:, None]
        size = self.config.volume_size
        place = self.voxel_centres.T.expand(len(hull), -1, -1)
        volume = torch.cat([(colour - 0.5) * hull * 2, hull, seen, 2 * place], dim=1)
        return volume.view(len(volume), -1, size, size, size), log_hull

    def read_heatmaps(
        self,
        heatmaps: Float[Tensor, "batch keypoint voxel"],
        log_hull: Float[Tensor, "batch voxel"],
        voxels: Float[Tensor, "batch voxel 3"],
        centres: Float[Tensor, "batch 3"],
        sides: Float[Tensor, "batch"],
        orientations: Float[Tensor, "batch 3 3"],
    ) -> KeypointEstimate:
        """Mean, spread and confidence of heatmaps."""
        means, spreads = expected_positions(heatmaps, self.voxel_centres)
        distances = torch.cdist(means.detach(), self.voxel_centres[None].expand(len(means), -1, -1))
        return KeypointEstimate(
            positions=cube_to_world(means, centres, sides, orientations),
            cube_positions=means,
            spreads=spreads * sides[:, None],
            confidences=(heatmaps * (distances < 0.1)).sum(dim=-1),
            hull=log_hull.exp(),
            voxels=voxels,
        )


__all__ = ["KeypointDetector", "KeypointEstimate", "fuse_views", "mirror_order"]
