"""The network of Keypoint3D: one picture of all views in, a heatmap and a depth for every view and keypoint out, fused in the world.

Pictures are cropped to 27/32 of their side, 108 of 128 pixels; the three convolutions have no padding, so that a picture of 8 n + 12
pixels has maps of n cells, and cell i of them is centred on pixel 8 i + 9.5.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from bkind3d.config import InputError
from bkind3d.data.datasets import Views
from bkind3d.geometry.projection import compute_precisely, project_points
from bkind3d.methods.keypoint3d.settings import Keypoint3dModelConfig
from bkind3d.methods.ordered import OrderedCamerasModel
from bkind3d.networks.detector import Estimate

#: Pixels to a cell, the first cell's centre, what a picture has beyond its cells, and the share of a picture that is seen.
STRIDE, FIRST, BORDER, SEEN = 8, 9.5, 12, 27 / 32

#: What the logits of heatmaps are multiplied with, and the width of Gaussians at the subject's distance, cells.
SHARPNESS, WIDTH = 5.0, 1.5


def find_crop(side: int) -> int:
    """Side of the crop of a picture, pixels: the largest that the convolutions use up to the last pixel."""
    cells = int((SEEN * side - BORDER) // STRIDE)
    if cells < 1:
        raise InputError("frames", f"{side} pixels are too small a picture for this method", "set the frameset's size to 64 or more")
    return STRIDE * cells + BORDER


def crop_views(views: Views, offsets: Float[Tensor, "batch 2"]) -> Views:
    """Crop all views of a moment at a place (x, y: 0 to 1 of what can be moved), cameras with them."""
    side = find_crop(views.image_size[0])
    starts = (offsets * (views.image_size[0] - side)).round().long()
    change = torch.eye(3, device=offsets.device).repeat(len(offsets), 1, 1)
    change[:, :2, 2] = -starts.to(change.dtype)
    return replace(
        views,
        images=cut(views.images, starts, side),
        masks=cut(views.masks, starts, side),
        projections=(change[:, None, :, :, None] * views.projections[:, :, None]).sum(dim=-2),
    )


def cut(pictures: Float[Tensor, "batch view channel height width"], starts: Int[Tensor, "batch 2"], side: int) -> Tensor:
    """Squares of every moment's pictures, from `starts` (x, y) on."""
    steps = torch.arange(side, device=starts.device)
    batch, columns, rows = torch.arange(len(starts), device=starts.device), starts[:, :1] + steps, starts[:, 1:] + steps
    found = pictures.permute(0, 3, 4, 1, 2)[batch[:, None, None], rows[:, :, None], columns[:, None, :]]
    return found.permute(0, 3, 4, 1, 2)


def scale_to_depth(projections: Float[Tensor, "batch view 3 4"]) -> Float[Tensor, "batch view 3 4"]:
    """Matrices whose third coordinate is the depth in world units; those of absent views as they are."""
    norms = projections[..., 2, :3].norm(dim=-1)
    return projections / torch.where(norms > 0, norms, torch.ones_like(norms))[..., None, None]


def lift_pixels(
    pixels: Float[Tensor, "batch view point 2"], depths: Float[Tensor, "batch view point"], projections: Float[Tensor, "batch view 3 4"]
) -> Float[Tensor, "batch view point 3"]:
    """Points of the world that views see at pixels, at depths in world units; those of absent views mean nothing."""
    projections = scale_to_depth(projections)
    there = (projections[..., 2, :3] != 0).any(dim=-1)[..., None, None]
    matrices = torch.where(there, projections[..., :3], torch.eye(3, dtype=pixels.dtype, device=pixels.device))
    homogeneous = torch.cat([pixels, torch.ones_like(pixels[..., :1])], dim=-1) * depths[..., None]
    return torch.linalg.solve(matrices, (homogeneous - projections[..., None, :, 3]).mT).mT


@dataclass(frozen=True)
class Sight:
    """What the network says of a batch of cropped moments.

    Attributes
    ----------
    points : of every view, world units.
    attention : of every view, shares of its keypoints; 0 of absent views.
    spreads : of the heatmaps, pixels.
    """

    points: Float[Tensor, "batch view keypoint 3"]
    attention: Float[Tensor, "batch view keypoint"]
    spreads: Float[Tensor, "batch view keypoint"]

    @property
    def fused(self) -> Float[Tensor, "batch keypoint 3"]:
        """Mean points of all views, weighted by their attention."""
        total = self.attention.sum(dim=1)
        return (self.attention[..., None] * self.points).sum(dim=1) / total[..., None]


def make_encoder(channels: int) -> nn.Sequential:
    """The convolutions, from pictures to maps of 64 channels."""
    return nn.Sequential(
        nn.Conv2d(channels, 16, 4, 2), nn.ReLU(inplace=True),
        nn.Conv2d(16, 32, 3, 2), nn.ReLU(inplace=True),
        nn.Conv2d(32, 64, 4, 2), nn.ReLU(inplace=True),
    )  # fmt: skip


class Keypoint3dModel(OrderedCamerasModel):
    """Encoder, heads, fusion, and the decoder that draws all views from keypoints and a first picture."""

    config: Keypoint3dModelConfig

    def __init__(self, config: Keypoint3dModelConfig, names: Sequence[str] = (), load: bool = True) -> None:
        super().__init__(config, names)
        n_views, n_maps = self.n_cameras, self.n_cameras * config.n_keypoints
        self.encoder, self.heads = make_encoder(3 * n_views), nn.Conv2d(64, 2 * n_maps, 1)
        self.appearance = make_encoder(3 * n_views)
        self.decoder = nn.Sequential(
            nn.Conv2d(64 + n_maps, 64, 3, padding=1), nn.ReLU(inplace=True),
            nn.ConvTranspose2d(64, 32, 4, 2), nn.ReLU(inplace=True),
            nn.ConvTranspose2d(32, 16, 3, 2), nn.ReLU(inplace=True),
            nn.ConvTranspose2d(16, 3 * n_views, 4, 2),
        )  # fmt: skip

    def forward(self, views: Views, turns: Float[Tensor, "batch"]) -> Estimate:
        """Find the keypoints in the middle of the pictures; there is no cube to turn."""
        sight = self.look(crop_views(views, torch.full_like(views.centres[:, :2], 0.5)))
        apart = (sight.points - sight.fused[:, None]).square().sum(dim=-1)
        total = sight.attention.sum(dim=1)
        spreads = ((sight.attention * apart).sum(dim=1) / total).sqrt()
        near = torch.exp(-sight.spreads.square() / (0.1 * views.image_size[0]) ** 2)
        return Estimate(sight.fused, spreads, (sight.attention * near).sum(dim=1) / total)

    def look(self, views: Views) -> Sight:
        """Find every view's keypoints in cropped pictures."""
        maps = self.heads(self.encoder(self.join(views))).float()
        n_views, n_keypoints = views.present.shape[1], self.config.n_keypoints
        logits, depths = torch.unflatten(maps, 1, (2, n_views, n_keypoints)).flatten(-2).unbind(dim=1)
        with compute_precisely(maps.device):
            shares = (SHARPNESS * logits).softmax(dim=-1)
            cells = make_cells(maps)
            pixels = shares @ cells
            second = shares @ cells.square().sum(dim=-1, keepdim=True)
            spreads = (second[..., 0] - pixels.square().sum(dim=-1)).clamp_min(1e-6).sqrt()
            level = (shares * depths.sigmoid()).sum(dim=-1)
            points = lift_pixels(pixels, self.place_depths(level, views), views.projections)
            points = torch.where(views.present[..., None, None], points, views.centres[:, None, None])
            attention = logits.mean(dim=-1).softmax(dim=-1) * views.present[..., None]
        return Sight(points, attention, spreads)

    def join(self, views: Views) -> Float[Tensor, "batch channel height width"]:
        """All views as channels of one picture, -1 to 1; 0 where a view is absent."""
        return torch.where(views.present[..., None, None, None], self.take_colours(views), 0.0).flatten(1, 2)

    def place_depths(self, level: Float[Tensor, "batch view keypoint"], views: Views) -> Float[Tensor, "batch view keypoint"]:
        """Depths, world units, of what the network says between 0 and 1."""
        middle = find_depths(views.centres[:, None], views)
        if self.config.depth_range == "distance":
            return 2 * middle * level
        return middle + views.sides[:, None, None] * (2 * level - 1)

    def draw(self, first: Views, views: Views, sight: Sight) -> Float[Tensor, "batch view 3 height width"]:
        """Draw the pictures of `views` (-1 to 1) from their keypoints and the pictures of a `first` moment under the same crop."""
        n_views, n_keypoints = sight.attention.shape[1:]
        features = self.appearance(self.join(first))
        with compute_precisely(features.device):
            points = sight.fused
            pixels, _ = project_points(points, views.projections)
            ratio = find_depths(views.centres[:, None], views) / find_depths(points, views).clamp_min(1e-6)
            widths = STRIDE * WIDTH * torch.where(views.present[..., None], ratio, 1.0).clamp(0.1, 10)
            apart = (pixels[..., None, :] - make_cells(features)).square().sum(dim=-1)
            maps = torch.exp(-apart / (2 * widths[..., None] ** 2)) * (sight.attention * n_keypoints / 2)[..., None]
            maps = torch.where(views.present[..., None, None], maps, 0.0)
        maps = torch.unflatten(maps.flatten(1, 2), -1, features.shape[-2:])
        drawn: Tensor = self.decoder(torch.cat([features, maps.to(features.dtype)], dim=1))
        return torch.unflatten(drawn, 1, (n_views, 3)).float()


def make_cells(maps: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "cell 2"]:
    """Pixels (x, y) of the crop on which the cells of maps are centred, row by row."""
    rows, columns = (STRIDE * torch.arange(n, dtype=torch.float32, device=maps.device) + FIRST for n in maps.shape[-2:])
    grid = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([grid[1], grid[0]], dim=-1).flatten(0, 1)


def find_depths(points: Float[Tensor, "batch point 3"], views: Views) -> Float[Tensor, "batch view point"]:
    """Depths of points of the world in every view, world units."""
    return project_points(points, scale_to_depth(views.projections))[1]
