"""The objective: which terms are in use, with what weight, and from when on."""

import copy
from collections.abc import Sequence

from torch import Tensor

from bkind3d.config import PACKAGED, PACKAGED_ENCODER
from bkind3d.data.augmentation import distort_pictures
from bkind3d.data.datasets import Moments, PairDataset, PerSession, SessionFrames, Views
from bkind3d.geometry.projection import normalise_pixels, project_points
from bkind3d.losses.keypoints import LengthVariance, coverage, disagreement, outside, separation, silhouette_error
from bkind3d.losses.perceptual import GradientPyramid, PerceptualLoss, Vgg19Features, structural_difference
from bkind3d.methods.base import Draws, Objective, draw_step
from bkind3d.methods.discovery.edges import draw_edges
from bkind3d.methods.discovery.model import DiscoveryModel
from bkind3d.methods.discovery.settings import DiscoveryExperiment, DiscoveryLossConfig
from bkind3d.networks.detector import VolumeEstimate

#: Side in pixels, and squared width, of the edge maps that are compared with silhouettes.
SILHOUETTE_SIZE, SILHOUETTE_SIGMA2 = 24, 0.003


class DiscoveryObjective(Objective):
    """The terms of keypoint discovery, on pairs of moments; a perceptual loss may look through the model's first image encoder."""

    n_moments = 2
    config: DiscoveryExperiment

    def __init__(self, config: DiscoveryExperiment, model: DiscoveryModel) -> None:
        super().__init__(config, model)
        self.weights = config.losses
        self.perceptual = make_perceptual(self.weights, model) if self.weights.reconstruction else None
        self.lengths = LengthVariance(config.model.n_keypoints) if self.weights.length else None

    def make_samples(
        self, sessions: Sequence[SessionFrames], headings: PerSession, joints: PerSession, length: int, seed: int
    ) -> PairDataset:
        """Pairs of neighbouring moments, or of moments far enough apart that something moved."""
        return PairDataset(sessions, headings, length, seed, self.config.training.neighbour_frames, self.config.pair_gap_seconds)

    def draw(self, step: int, n_views: int, n_samples: int) -> Draws:
        """Draw turns and shifts of cubes, mirror images where keypoints come in pairs, and distorted pictures where they are used."""
        settings, share = self.config.training, 0.5 if self.config.model.n_symmetric_pairs else 0.0
        return draw_step(settings, step, n_views, n_samples, self.n_moments, share, bool(settings.distort_appearance))

    def forward(self, model: DiscoveryModel, moments: Moments, draws: Draws, progress: float) -> tuple[dict[str, Tensor], Tensor]:
        """Give every term in use, times its weight, and the keypoints; the length term begins at ``losses.length_start``."""
        views = moments.views
        estimate: VolumeEstimate = model.detector(views, moments.headings + draws.turns, draws.mirrored, draws.shifts)
        weights, sides = self.weights, views.sides[:, None, None]
        points = (estimate.positions - views.centres[:, None]) / sides
        terms: dict[str, Tensor] = {}
        if weights.separation:
            terms["separation"] = weights.separation * separation(points, weights.separation_sigma) / points.shape[1]
        if weights.consistency:
            first, second = estimate.positions.chunk(2)
            terms["consistency"] = weights.consistency * disagreement(first / sides[: len(first)], second / sides[: len(first)])
        if weights.coverage:
            some = slice(None, None, 5 if self.config.model.volume_size >= 24 else 1)  # enough for a mean over the voxels
            voxels = model.detector.voxel_centres[None, some]
            terms["coverage"] = weights.coverage * coverage(estimate.cube_positions, voxels, estimate.hull[:, some])
        if weights.inside:
            terms["inside"] = weights.inside * outside(estimate.positions, views.masks, views.projections, views.present)
        if self.lengths is not None:
            length = self.lengths(points, model.edges())
            terms["length"] = weights.length * length * float(progress >= weights.length_start)
        if weights.silhouette or self.perceptual is not None:
            pixels, _ = project_points(estimate.positions, views.projections)
            normalised = normalise_pixels(pixels, *views.image_size)
            if weights.silhouette:
                maps = draw_edges(normalised, model.edges(), SILHOUETTE_SIZE, SILHOUETTE_SIGMA2)
                terms["silhouette"] = weights.silhouette * silhouette_error(maps, views.masks, views.present)
            if self.perceptual is not None:
                terms["reconstruction"] = weights.reconstruction * self.reconstruct(model, views, estimate, normalised, draws.distortions)
        return terms, estimate.positions

    def reconstruct(
        self, model: DiscoveryModel, views: Views, estimate: VolumeEstimate, normalised: Tensor, distortions: Tensor | None
    ) -> Tensor:
        """Perceptual error of what is predicted of each pair: the difference between its moments (paper, section 3.3), or the later picture.

        The appearance is that of the earlier picture. Distorted, it says how the subject looks and no longer where it is.
        """
        first, second = (images.flatten(0, 1) for images in views.images.chunk(2))
        target = structural_difference(first, second) if self.weights.target == "difference" else second
        points, later_points = normalised.chunk(2)
        assert estimate.appearance is not None and self.perceptual is not None
        appearance = estimate.appearance[: len(target)]
        if distortions is not None:
            distorted = distort_pictures(first, distortions.flatten(0, 1), self.config.training.distort_appearance)
            _, appearance = model.detector.encode(distorted)
        predicted = model.reconstruct_difference(appearance, points, later_points, (target.shape[-2], target.shape[-1]))
        seen = (views.present.chunk(2)[0] & views.present.chunk(2)[1]).float()
        weights = seen / seen.sum(dim=1, keepdim=True).clamp_min(1) / len(seen)
        error: Tensor = self.perceptual(predicted, target, weights.flatten())
        return error


def make_perceptual(losses: DiscoveryLossConfig, model: DiscoveryModel) -> PerceptualLoss:
    """Set up the perceptual loss with the features that the settings name."""
    if losses.perceptual == "vgg19":
        return PerceptualLoss(Vgg19Features(losses.vgg19_weights))
    if losses.perceptual == "pyramid":
        return PerceptualLoss(GradientPyramid())
    if losses.perceptual == PACKAGED_ENCODER:
        from bkind3d.networks.encoders import ImageEncoder  # transformers takes seconds to import

        features = ImageEncoder(PACKAGED_ENCODER, PACKAGED)
    else:
        assert model.detector.encoder is not None
        features = copy.deepcopy(model.detector.encoder)
    return PerceptualLoss(features, len(features.channels))
