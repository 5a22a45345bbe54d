"""What a training notes: a table that its resume checkpoints hold, TensorBoard's curves, and whether keypoints are of any use."""

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

from bkind3d.geometry.health import HealthReport, judge_health
from bkind3d.training.machine import sum_over_processes

log = logging.getLogger(__name__)

#: Steps between two reports of the keypoints' health.
HEALTH_EVERY = 200


class History:
    """Values of the terms over steps and time: `rows` are (step, seconds, term, value) in the order in which they were recorded."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, float, str, float]] = []
        self._before, self._started = 0.0, time.monotonic()
        self._board: Any = None

    @property
    def seconds(self) -> float:
        """Seconds spent training, those before an interruption included."""
        return self._before + time.monotonic() - self._started

    def show_on_tensorboard(self, folder: Path, step: int) -> None:
        """Write what is recorded from `step` on to TensorBoard's files in `folder` as well, if the disk takes them and it is installed."""
        try:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder), purge_step=step or None)
        except (OSError, ImportError) as error:
            self._do_without_board(error)

    def record(self, step: int, terms: Mapping[str, Tensor]) -> None:
        """Keep the values of a step."""
        for name, value in terms.items():
            self.rows.append((step, self.seconds, name, float(value.detach())))
            self._show("add_scalar", name, self.rows[-1][-1], step)

    def show_picture(self, step: int, picture: UInt8[NDArray, "..."]) -> None:
        """Show an RGB picture (height, width, 3) on TensorBoard."""
        self._show("add_image", "keypoints", picture, step, dataformats="HWC")

    def _show(self, method: str, *values: Any, **options: Any) -> None:
        """Call TensorBoard's writer, where there is one; curves are no reason to end a training when the disk is full."""
        if self._board is None:
            return
        try:
            getattr(self._board, method)(*values, **options)
        except OSError as error:
            self._do_without_board(error)

    def _do_without_board(self, error: Exception) -> None:
        log.warning("no more curves for TensorBoard: %s", error)
        self._board = None

    def table(self) -> pd.DataFrame:
        """Give the history as a table."""
        return pd.DataFrame(self.rows, columns=["step", "seconds", "term", "value"])

    def state(self) -> dict[str, Any]:
        """What a resume checkpoint keeps."""
        return {"rows": self.rows, "seconds": self.seconds}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take the history up again."""
        self.rows, self._before, self._started = [tuple(row) for row in state["rows"]], state["seconds"], time.monotonic()


class KeypointHealth:
    """Gather where the keypoints of these names are, and tell which of them are of no use."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
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
        """Judge what was noted by all processes, so that all come to the same end."""
        if not self._noted:
            return HealthReport([], [], False)
        n = sum_over_processes(self._noted["distances"].new_tensor(self._noted["n"]))
        distances, means, squares = (sum_over_processes(self._noted[name]) / n for name in ("distances", "sums", "squares"))
        motion = (squares - means.square()).clamp_min(0).sum(dim=1).sqrt()
        return judge_health(self.names, motion.cpu().numpy(), distances.cpu().numpy())
