"""How well a network agrees with itself: the same moments in turned cubes, and with one camera less."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor

from bkind3d.data.datasets import SessionFrames, Views, iterate_batches
from bkind3d.model.discovery import KeypointDetector

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


@torch.inference_mode()
def measure_agreement(detector: KeypointDetector, session: SessionFrames, batch_size: int = 16, device: str = "cpu") -> dict[str, Any]:
    """Look at some moments of a session again, and measure how far the keypoints move that should not.

    Parameters
    ----------
    detector : on `device`, in evaluation mode.
    session : with the subject's headings, as :func:`bkind3d.inference.prediction.predict_keypoints` leaves it.

    Returns
    -------
    n_moments; turn_degrees; turned and fewer_views: mean distance of each keypoint, world units, between the answer and
    the answer in a cube turned to either side, or with one view left out (None where no moment has three views).
    """
    moments = choose_moments(session.usable)
    turned: list[Float[Tensor, "batch keypoint"]] = []
    fewer: list[Float[Tensor, "batch keypoint"]] = []
    for number, (indices, views) in enumerate(iterate_batches(session, batch_size, moments)):
        places = np.arange(len(indices)) + number * batch_size
        kept = drop_a_view(views.present, places)
        moved, rows = _compare(detector, views.to(device), kept.to(device))
        turned.append(moved)
        fewer.append(rows)
    return {
        "n_moments": len(moments),
        "turn_degrees": TURN_DEGREES,
        "turned": torch.cat(turned).mean(dim=0).tolist(),
        "fewer_views": torch.cat(fewer).mean(dim=0).tolist() if sum(map(len, fewer)) else None,
    }


def _compare(
    detector: KeypointDetector, views: Views, kept: Bool[Tensor, "batch view"]
) -> tuple[Float[Tensor, "batch keypoint"], Float[Tensor, "fewer keypoint"]]:
    """Distances of the answers for turned cubes (mean of both turns), and for fewer views where a view was left out."""
    positions = detector(views).positions
    turns = torch.full_like(views.headings, math.radians(TURN_DEGREES))
    turned = sum((detector(views, turns=sign * turns).positions - positions).norm(dim=-1) for sign in (-1, 1)) / 2
    rows = (kept != views.present).any(dim=1)
    if not rows.any():
        return turned.cpu(), turned[:0].cpu()
    moved = (detector(replace(views, present=kept)).positions - positions).norm(dim=-1)[rows]
    return turned.cpu(), moved.cpu()
