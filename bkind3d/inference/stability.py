"""How well a network agrees with itself: the same moments in turned cubes, and with one camera less."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor

from bkind3d.data.datasets import SessionFrames, Views, iterate_batches
from bkind3d.methods.base import Model

#: At most so many moments are looked at again, and at most one of so many: a tenth of the time that the session takes.
MOST_MOMENTS, MOMENT_SHARE = 30, 30

#: Turn of the cube to either side; networks that were trained with headings know small turns only.
TURN_DEGREES = 30.0


def choose_moments(usable: Int[NDArray, "moment"]) -> Int[NDArray, "chosen"]:
    """Choose a few of the usable moments, evenly spread over the session."""
    number = min(MOST_MOMENTS, -(-len(usable) // MOMENT_SHARE))
    return np.asarray(usable[np.linspace(0, len(usable) - 1, number + 2).round().astype(int)[1:-1]])


def drop_a_view(present: Bool[Tensor, "batch view"], indices: Int[NDArray, "batch"]) -> Bool[Tensor, "batch view"]:
    """Leave one view out of each moment, another one from moment to moment; none where only two are present."""
    kept = present.clone()
    for row, index in enumerate(indices):
        views = present[row].nonzero()[:, 0]
        if len(views) > 2:
            kept[row, views[int(index) % len(views)]] = False
    return kept


@dataclass(frozen=True)
class SecondLook:
    """How far keypoints move that should not, world units.

    Attributes
    ----------
    moments : rows of the session that were looked at again.
    turned : distance of the answer from those in a cube turned to either side, mean of both.
    fewer_views : distance from the answer with one view left out; NaN where only two are there.
    """

    moments: Int[NDArray, "moment"]
    turned: Float[NDArray, "moment keypoint"]
    fewer_views: Float[NDArray, "moment keypoint"]

    def summarise(self) -> dict[str, Any]:
        """n_moments; turn_degrees; turned and fewer_views: the mean of each keypoint (None where no moment has three views)."""
        compared = np.isfinite(self.fewer_views).all(axis=1)
        return {
            "n_moments": len(self.moments),
            "turn_degrees": TURN_DEGREES,
            "turned": self.turned.mean(axis=0).tolist(),
            "fewer_views": self.fewer_views[compared].mean(axis=0).tolist() if compared.any() else None,
        }


@torch.inference_mode()
def look_again(
    model: Model,
    session: SessionFrames,
    headings: Float[NDArray, "frame"],
    batch_size: int = 16,
    device: str = "cpu",
    moments: Int[NDArray, "moment"] | None = None,
) -> SecondLook:
    """Look at some moments of a session again.

    Parameters
    ----------
    model : on `device`, in evaluation mode.
    session, headings : frames, and where the subject faces in them, radians.
    moments : rows of the session; those of :func:`choose_moments` if not given.
    """
    moments = choose_moments(session.usable) if moments is None else moments
    distances = []
    for number, (indices, views) in enumerate(iterate_batches(session, batch_size, moments)):
        kept = drop_a_view(views.present, np.arange(len(indices)) + number * batch_size).to(device)
        distances.append(_compare(model, views.to(device), torch.from_numpy(headings[indices]).to(device), kept))
    turned, fewer_views = (torch.cat(parts).double().numpy() for parts in zip(*distances, strict=True))
    return SecondLook(moments, turned, fewer_views)


def _compare(
    model: Model, views: Views, headings: Float[Tensor, "batch"], kept: Bool[Tensor, "batch view"]
) -> tuple[Float[Tensor, "batch keypoint"], Float[Tensor, "batch keypoint"]]:
    """Distances of the answers for turned cubes (mean of both turns), and for fewer views (NaN where none was left out)."""
    positions = model(views, headings).positions
    turn = math.radians(TURN_DEGREES)
    turned = sum((model(views, headings + sign * turn).positions - positions).norm(dim=-1) for sign in (-1, 1)) / 2
    rows = (kept != views.present).any(dim=1)
    fewer = torch.full_like(turned, math.nan)
    if rows.any():
        fewer[rows] = (model(replace(views, present=kept), headings).positions - positions).norm(dim=-1)[rows]
    return turned.cpu(), fewer.cpu()
