"""What MetaPose learns from: joints in the pictures, for two detectors of half the labels each, and for stages that see heatmaps out of fold.

A detector is too sure of the frames that it learned from, so the heatmaps that teach the stages are those of the detector that learned from
the other half: sessions with labels are dealt out in turn; of a single one, its first and its second half.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.data import Dataset

from bkind3d.data.datasets import MomentDataset, Moments, PerSession, SessionFrames, Views
from bkind3d.geometry.alignment import average_shape
from bkind3d.geometry.projection import compute_precisely, normalise_pixels, project_points
from bkind3d.losses.joints import mean_of_known
from bkind3d.methods.base import Draws, LabelledObjective, Model
from bkind3d.methods.metapose.mixtures import fit_mixtures
from bkind3d.methods.metapose.model import MetaposeModel
from bkind3d.methods.metapose.settings import MetaposeExperiment
from bkind3d.networks.heatmaps import draw_targets


class FoldDataset(Dataset[tuple[Moments, ...]]):
    """Two moments, the first of one half of the labels, the second of the other."""

    def __init__(self, sessions: Sequence[SessionFrames], headings: PerSession, joints: PerSession, length: int, seed: int) -> None:
        self.folds = [
            MomentDataset(sessions, headings, length, seed + 7 * fold, kept) for fold, kept in enumerate(split_labels(sessions, joints))
        ]

    def __len__(self) -> int:
        return len(self.folds[0])

    def __getitem__(self, index: int) -> tuple[Moments, ...]:
        return tuple(fold[index][0] for fold in self.folds)


def split_labels(sessions: Sequence[SessionFrames], joints: PerSession) -> tuple[PerSession, PerSession]:
    """Deal labelled sessions out in turn; of a single one, the frames before its middle label and those from there on."""
    labelled = {s.session: s.usable[np.isfinite(joints[s.session].min(axis=2)).any(axis=1)[s.usable]] for s in sessions}
    named = [name for name, frames in labelled.items() if len(frames)]
    folds = []
    for fold in range(2):
        kept = {name: values.copy() for name, values in joints.items()}
        for place, name in enumerate(named):
            if len(named) > 1:
                kept[name][:] = kept[name] if place % 2 == fold else np.nan
            else:
                middle = labelled[name][len(labelled[name]) // 2]
                kept[name][slice(middle, None) if fold == 0 else slice(0, middle)] = np.nan
        folds.append(kept)
    return folds[0], folds[1]


class MetaposeObjective(LabelledObjective):
    """Squared errors of heatmaps, and of where refined cameras show refined poses."""

    n_moments = 2
    config: MetaposeExperiment

    def __init__(self, config: MetaposeExperiment, model: Model) -> None:
        super().__init__(config, model)
        self._model = [model]  # no part of this module

    def make_samples(
        self, sessions: Sequence[SessionFrames], headings: PerSession, joints: PerSession, length: int, seed: int
    ) -> Dataset[tuple[Moments, ...]]:
        """Pairs of moments of both halves of the labels; the mean shape of the labelled poses is put into the model."""
        poses = np.concatenate([joints[session.session] for session in sessions])
        known = np.isfinite(poses).all(axis=2)
        poses = poses[known.sum(axis=1) >= min(3, poses.shape[1])][:2000]
        if len(poses):
            shape = average_shape(torch.from_numpy(poses))
            side = float(sessions[0].side)
            self._model[0].get_buffer("shape").copy_(torch.nan_to_num(shape) / side)
        return FoldDataset(sessions, headings, joints, length, seed)

    def forward(self, model: MetaposeModel, moments: Moments, draws: Draws, progress: float) -> tuple[dict[str, Tensor], Tensor]:
        """Give the terms; until the detectors have learned alone, the second is not there and points are where triangulation has them."""
        views, half = moments.views, len(moments) // 2
        truth = project_joints(moments.joints, views)
        halves = views.images[:half], views.images[half:]
        heatmaps = detect(model.detectors, halves)
        seen = views.present[..., None] & torch.isfinite(truth).all(dim=-1)
        targets = draw_targets(truth.flatten(0, 1), heatmaps.shape[-2], heatmaps.shape[-1], model.config.sigma).view(heatmaps.shape)
        errors = (heatmaps - targets).square().mean(dim=(-2, -1))
        terms = {"detector": self.config.losses.detector * mean_of_known(errors, seen)}
        if model.config.refinement != "network" or progress < self.config.training.detector_share:
            with compute_precisely(heatmaps.device), torch.no_grad():
                return terms, model.place(model.start(fit_mixtures(heatmaps, n_steps=0), views), views)
        with torch.no_grad():
            unseen = detect(reversed(model.detectors), halves)
        with compute_precisely(heatmaps.device):
            mixtures, losses = fit_mixtures(unseen), []
            scene = model.start(mixtures, views)
            for number in range(model.config.stages):
                scene = model.take_stage(number, scene, mixtures, views.present)
                places = scene.cameras.project(scene.poses)
                if self.config.losses.target == "truth":
                    losses.append(mean_of_known((places - torch.nan_to_num(truth)).square(), seen[..., None].expand_as(truth)))
                else:
                    losses.append(mean_of_known(mixtures.measure(places), views.present[..., None].expand(places.shape[:-1])))
                result = scene
                scene = type(scene)(scene.poses.detach(), type(scene.cameras)(*(v.detach() for v in vars(scene.cameras).values())))
            terms["projection"] = 100 * torch.stack(losses).sum() if self.config.losses.target == "truth" else torch.stack(losses).sum()
            return terms, model.place(result, views)


def detect(detectors: Iterable[nn.Module], parts: Iterable[Float[Tensor, "batch view 3 height width"]]) -> Tensor:
    """Heatmaps (batch, view, joint, height, width) of parts of a batch, each by a detector of its own."""
    found = [
        torch.unflatten(detector(images.flatten(0, 1)), 0, images.shape[:2]) for detector, images in zip(detectors, parts, strict=True)
    ]
    return torch.cat(found)


def project_joints(joints: Tensor, views: Views) -> Tensor:
    """Where every view shows the joints, normalised coordinates; NaN where they are not known."""
    known = torch.isfinite(joints)
    pixels, _ = project_points(torch.where(known, joints, 0.0), views.projections)
    places = normalise_pixels(pixels, *views.image_size)
    return torch.where(known.all(dim=-1)[:, None, :, None], places, torch.nan)
