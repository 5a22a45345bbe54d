"""Whether keypoints are of any use, while the network learns."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from bkind3d.geometry.health import HealthReport, judge_health
from bkind3d.training.machine import sum_over_processes

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
        self._noted: dict[str, Any] = {}

    @torch.no_grad()
    def add(self, points: Float[Tensor, "batch keypoint 3"]) -> None:
        """Note keypoints, in shares of the cube's side from its centre."""
        points = points.detach().double()
        sums = {"distances": torch.cdist(points, points).sum(0), "sums": points.sum(0), "squares": points.square().sum(0), "n": len(points)}
        self._noted = {name: value + self._noted.get(name, 0) for name, value in sums.items()}

    def state(self) -> dict[str, Tensor | int]:
        """What a resume checkpoint keeps."""
        return dict(self._noted)

    def restore(self, state: Mapping[str, Any], device: torch.device) -> None:
        """Take up what was noted before an interruption."""
        self._noted = {name: value.to(device) if isinstance(value, Tensor) else value for name, value in state.items()}

    def report(self) -> HealthReport:
        """Judge what was noted since the last :meth:`reset`, by all processes, so that all come to the same end."""
        if not self._noted:
            return HealthReport([], [], False)
        n = sum_over_processes(self._noted["distances"].new_tensor(self._noted["n"]))
        distances, means, squares = (sum_over_processes(self._noted[name]) / n for name in ("distances", "sums", "squares"))
        motion = (squares - means.square()).clamp_min(0).sum(dim=1).sqrt()
        return judge_health(self.names, motion.cpu().numpy(), distances.cpu().numpy())
