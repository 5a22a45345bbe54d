"""What Keypoint3D learns from: pictures of all views drawn from keypoints, views that agree, keypoints that keep apart."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from bkind3d.data.datasets import Moments, PairDataset, PerSession, SessionFrames
from bkind3d.methods.base import Draws, Objective
from bkind3d.methods.keypoint3d.model import Keypoint3dModel, Sight, crop_views
from bkind3d.methods.keypoint3d.settings import Keypoint3dExperiment

#: How fast the separation falls with the squared distance, in shares of the cube's side.
FALL = 1000.0


def disagreement(points: Float[Tensor, "batch view keypoint 3"], present: Float[Tensor, "batch view"]) -> Float[Tensor, ""]:
    """Mean squared distance of every view's keypoints from those of every view, which get no gradient; absent views have no say."""
    apart = (points[:, :, None] - points.detach()[:, None]).square().mean(dim=(-2, -1))
    both = present[:, :, None] * present[:, None]
    return (apart * both).sum() / both.sum().clamp_min(1)


def crowding(points: Float[Tensor, "batch keypoint 3"]) -> Float[Tensor, ""]:
    """Mean over all pairs of keypoints, each with itself among them, of 1 / (1 + 1000 d^2)."""
    squares = (points[:, :, None] - points[:, None]).square().sum(dim=-1)
    return (1 / (1 + FALL * squares)).mean()


class Keypoint3dObjective(Objective):
    """The terms, on pairs of moments, each of which is the first picture of the other."""

    n_moments = 2
    config: Keypoint3dExperiment

    def make_samples(
        self, sessions: Sequence[SessionFrames], headings: PerSession, joints: PerSession, length: int, seed: int
    ) -> PairDataset:
        """Pairs of moments near each other."""
        return PairDataset(sessions, headings, length, seed, self.config.training.neighbour_frames)

    def forward(self, model: Keypoint3dModel, moments: Moments, draws: Draws, progress: float) -> tuple[dict[str, Tensor], Tensor]:
        """Give the terms, under crops that are the same for both moments of a pair."""
        offsets = draws.shifts[: len(draws.shifts) // 2, :2].repeat(2, 1) + 0.5
        views, losses = crop_views(moments.views, offsets), self.config.losses
        sight: Sight = model.look(views)
        half = len(offsets) // 2
        others = type(views).stack([views.take(slice(half, None)), views.take(slice(0, half))])
        present = views.present.float()
        errors = (model.draw(others, views, sight) - (2 * views.images - 1)).square().mean(dim=(-3, -2, -1)) / 4
        terms = {"reconstruction": losses.reconstruction * (errors * present).sum() / present.sum()}
        local = (sight.points - views.centres[:, None, None]) / views.sides[:, None, None, None]
        if losses.agreement:
            terms["agreement"] = losses.agreement * disagreement(local, present)
        if losses.separation:
            terms["separation"] = losses.separation * crowding(sight.fused / views.sides[:, None, None])
        return terms, sight.fused
