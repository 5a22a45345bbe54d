"""Best superposition of point sets: rotation, translation and, for similarities, scale; never a reflection."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Similarity:
    """A batch of maps ``x -> scale * rotation @ x + translation``; NaN where there was nothing to fit.

    Attributes
    ----------
    scale : not negative; 1 where the points coincide and any scale is as good.
    rotation : proper, determinant 1.
    translation : in the targets' units and frame.
    """

    scale: Float[Tensor, " batch"]
    rotation: Float[Tensor, "batch 3 3"]
    translation: Float[Tensor, "batch 3"]

    def apply(self, points: Float[Tensor, "batch joint 3"]) -> Float[Tensor, "batch joint 3"]:
        """Move `points` to the targets' frame."""
        return self.scale[:, None, None] * points @ self.rotation.mT + self.translation[:, None]

    def undo(self, points: Float[Tensor, "batch joint 3"]) -> Float[Tensor, "batch joint 3"]:
        """Move `points` of the targets' frame back to the points' frame; not finite where the scale is 0."""
        return (points - self.translation[:, None]) @ self.rotation / self.scale[:, None, None]


def fit_similarity(
    points: Float[Tensor, "batch joint 3"], targets: Float[Tensor, "batch joint 3"], weights: Float[Tensor, "batch joint"] | None = None
) -> Similarity:
    """Fit the similarity that moves `points` onto `targets` with least weighted squared distance.

    The closed form of Umeyama (1991): where the best orthogonal map would mirror, the least singular value is reversed.

    Parameters
    ----------
    points, targets : any common units; a joint that is not finite in either gets no weight.
    weights : not negative, all equal if not given.
    """
    points, targets = points.double(), targets.double()
    found = torch.isfinite(points).all(dim=-1) & torch.isfinite(targets).all(dim=-1)
    shares = found.double() if weights is None else torch.where(found, weights.double(), 0.0)
    total = shares.sum(dim=1, keepdim=True)
    shares = shares / torch.where(total > 0, total, 1.0)
    points, targets = (torch.where(found[..., None], x, 0.0) for x in (points, targets))
    point_mean, target_mean = (torch.einsum("bj,bji->bi", shares, x) for x in (points, targets))
    points, targets = points - point_mean[:, None], targets - target_mean[:, None]
    left, singular, right = torch.linalg.svd(torch.einsum("bj,bji,bjk->bik", shares, targets, points))
    signs = torch.ones_like(singular)
    signs[:, 2] = torch.where(torch.linalg.det(left @ right) < 0, -1.0, 1.0)
    rotation = (left * signs[:, None]) @ right
    variance = torch.einsum("bj,bji->b", shares, points.square())
    scale = torch.where(variance > 0, (singular * signs).sum(dim=1) / torch.where(variance > 0, variance, 1.0), 1.0)
    scale = torch.where(total[:, 0] > 0, scale, torch.nan)
    translation = target_mean - scale[:, None] * torch.einsum("bik,bk->bi", rotation, point_mean)
    return Similarity(scale, rotation, translation)


def align_similarity(points: Float[Tensor, "batch joint 3"], targets: Float[Tensor, "batch joint 3"]) -> Float[Tensor, "batch joint 3"]:
    """Move, turn and scale `points` onto `targets` as well as possible, without mirroring (as PA-MPJPE asks).

    Parameters and units as in :func:`fit_similarity`. The result is in the targets' frame, float64; joints that only the
    targets lack are moved along, and everything is NaN in a batch entry without a common joint.
    """
    return fit_similarity(points, targets).apply(points.double())


def average_shape(poses: Float[Tensor, "batch joint 3"], rounds: int = 20) -> Float[Tensor, "joint 3"]:
    """Find the shape with the least squared distance to poses once it is aligned to each: generalised Procrustes (Gower 1975), never mirrored.

    Poses are of any unit. In turns, the shape is aligned to every pose, and becomes the best shape for these alignments; neither step can make the sum of squares
    larger. Joints that a pose lacks (NaN) have no say in it.

    Returns
    -------
    Centred, in the size of the poses, float64; its orientation is that of the most complete pose. NaN where a joint is known in no pose.
    """
    poses = (poses - poses.nanmean(dim=1, keepdim=True)).double()
    known = torch.isfinite(poses).all(dim=-1)
    shape = poses[known.sum(dim=1).argmax()]
    for _ in range(rounds):
        fit = fit_similarity(shape.expand_as(poses), poses)
        weights = torch.where(known, fit.scale.square()[:, None], 0.0)
        seen = weights.sum(dim=0)
        back = torch.where((weights > 0)[..., None], fit.undo(poses), 0.0)
        updated = torch.einsum("bj,bjc->jc", weights, back) / torch.where(seen > 0, seen, 1.0)[:, None]
        shape = torch.where((seen > 0)[:, None], updated, torch.nan)
        shape = (shape - shape.nanmean(dim=0)) * fit.scale.median()
    return shape
