"""Whether keypoints are of any use, while the network learns."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from bkind3d.geometry.health import HealthReport, judge_health
from bkind3d.training.processes import sum_over_processes

#: Steps between two reports.
HEALTH_EVERY = 200


class KeypointHealth:
    """Gather where keypoints are, and tell which of them are of no use.

    Parameters
    ----------
    names : of the keypoints.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._distances: Tensor | None = None
        self._sums: Tensor | None = None
        self._squares: Tensor | None = None
        self._n = 0

    @torch.no_grad()
    def add(self, points: Float[Tensor, "batch keypoint 3"]) -> None:
        """Note keypoints, in shares of the cube's side from its centre."""
        points = points.detach().double()
        distances, sums, squares = torch.cdist(points, points).sum(0), points.sum(0), points.square().sum(0)
        self._distances = distances if self._distances is None else self._distances + distances
        self._sums = sums if self._sums is None else self._sums + sums
        self._squares = squares if self._squares is None else self._squares + squares
        self._n += len(points)

    def state(self) -> dict[str, Tensor | int]:
        """What a resume checkpoint keeps."""
        if self._distances is None or self._sums is None or self._squares is None:
            return {}
        return {"distances": self._distances, "sums": self._sums, "squares": self._squares, "n": self._n}

    def restore(self, state: Mapping[str, Any], device: torch.device) -> None:
        """Take up what was noted before an interruption."""
        self.reset()
        if state:
            self._distances, self._sums, self._squares = (state[name].to(device) for name in ("distances", "sums", "squares"))
            self._n = state["n"]

    def report(self) -> HealthReport:
        """Judge what was noted since the last :meth:`reset`, by all processes, so that all come to the same end."""
        if self._distances is None or self._sums is None or self._squares is None:
            return HealthReport([], [], False)
        n = sum_over_processes(self._distances.new_tensor(self._n))
        distances, means, squares = (sum_over_processes(noted) / n for noted in (self._distances, self._sums, self._squares))
        motion = (squares - means.square()).clamp_min(0).sum(dim=1).sqrt()
        return judge_health(self.names, motion.cpu().numpy(), distances.cpu().numpy())
