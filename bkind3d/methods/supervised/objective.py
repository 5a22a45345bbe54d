"""Learn from true joints."""

from torch import Tensor

from bkind3d.data.datasets import Moments
from bkind3d.methods.base import Draws, LabelledObjective
from bkind3d.methods.volume import VolumeModel


class JointDistance(LabelledObjective):
    """The mean distance to the joints that are known, as a share of the cube's side."""

    def forward(self, model: VolumeModel, moments: Moments, draws: Draws, progress: float) -> tuple[dict[str, Tensor], Tensor]:
        """Give the distance, and the joints as found, in cubes turned and shifted at random."""
        views = moments.views
        positions = model.detector(views, moments.headings + draws.turns, None, draws.shifts).positions
        distances = (positions - moments.joints).norm(dim=-1) / views.sides[:, None]
        return {"distance": distances.nanmean()}, positions
