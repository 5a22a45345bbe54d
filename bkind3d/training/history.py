"""What a training logs: a table that its resume checkpoints hold, and TensorBoard's curves."""

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from jaxtyping import UInt8
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

log = logging.getLogger(__name__)


class History:
    """Values of the terms over steps and time.

    Attributes
    ----------
    rows : (step, seconds, term, value) in the order in which they were recorded.
    """

    def __init__(self) -> None:
        self.rows: list[tuple[int, float, str, float]] = []
        self._before, self._started = 0.0, time.monotonic()
        self._board: SummaryWriter | None = None

    @property
    def seconds(self) -> float:
        """Seconds spent training, those before an interruption included."""
        return self._before + time.monotonic() - self._started

    def show_on_tensorboard(self, folder: Path, step: int) -> None:
        """Write what is recorded from `step` on to TensorBoard's files in `folder` as well, if the disk takes them."""
        try:
            self._board = SummaryWriter(str(folder), purge_step=step or None)
        except OSError as error:
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

    def _do_without_board(self, error: OSError) -> None:
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
