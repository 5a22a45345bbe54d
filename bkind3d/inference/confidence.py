"""What a keypoint's confidence claims, and how it is fitted to a session without truth.

The share of a heatmap near its mean, which the network gives, is no probability: the width of a heatmap follows from the
training's losses. What can be counted in any session is how well the network agrees with itself: whether a keypoint stays where
it is in a turned cube, and when one camera is left out. So a confidence is the probability of the latter: the moments that are
looked at again teach a logistic regression (Platt 1999) on the heatmap's width and the keypoint, and it answers for every frame.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from bkind3d.data.datasets import SessionFrames, iterate_batches
from bkind3d.inference.residuals import measure_residuals
from bkind3d.methods.base import Model

#: A keypoint stays where it is if it moves by less than this share of the cube's side.
WITHIN = 0.05

#: Heatmaps narrower than this share of the cube's side, which no volume of voxels can tell apart, count as alike.
NARROWEST = 1e-3

#: Fewer comparisons than this teach nothing: the network's own word is left as it is.
LEAST = 10

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
    off_left_out : how far that answer projects off the silhouette of the view that was left out, as a share of the cube's side; NaN where
        it does not show it, none where nobody looked.
    """

    moments: Int[NDArray, "moment"]
    turned: Float[NDArray, "moment keypoint"]
    fewer_views: Float[NDArray, "moment keypoint"]
    off_left_out: Float[NDArray, "moment keypoint"] | None = None

    def summarise(self) -> dict[str, Any]:
        """n_moments; turn_degrees; turned, fewer_views and off_left_out: the mean of each keypoint (None where no moment has three views)."""
        compared = np.isfinite(self.fewer_views).all(axis=1)
        fewer = self.fewer_views[compared].mean(axis=0).tolist() if compared.any() else None
        off = self.off_left_out
        return {
            "n_moments": len(self.moments),
            "turn_degrees": TURN_DEGREES,
            "turned": self.turned.mean(axis=0).tolist(),
            "fewer_views": fewer,
            "off_left_out": np.nanmean(off, axis=0).tolist() if off is not None and np.isfinite(off).any(axis=0).all() else None,
        }


@torch.inference_mode()
def look_again(
    model: Model,
    session: SessionFrames,
    headings: Float[NDArray, "frame"],
    batch_size: int = 16,
    device: str = "cpu",
    moments: Int[NDArray, "moment"] | None = None,
    positions: Float[NDArray, "frame keypoint 3"] | None = None,
) -> SecondLook:
    """Look at some moments of a session again.

    Parameters
    ----------
    model : on `device`, in evaluation mode.
    session, headings : frames, and where the subject faces in them, radians.
    moments : rows of the session; those of :func:`choose_moments` if not given.
    positions : of the first look, world units; found here if not given.
    """
    moments = choose_moments(session.usable) if moments is None else moments
    turn, distances = math.radians(TURN_DEGREES), []
    for number, (indices, views) in enumerate(iterate_batches(session, batch_size, moments)):
        kept = drop_a_view(views.present, np.arange(len(indices)) + number * batch_size)
        rows = (kept != views.present).any(dim=1).to(device)
        seen, turns = views.to(device), torch.from_numpy(headings[indices]).to(device)
        first = model(seen, turns).positions if positions is None else torch.from_numpy(positions[indices]).to(device)
        moved = sum((model(seen, turns + sign * turn).positions - first).norm(dim=-1) for sign in (-1, 1)) / 2
        lost = torch.full_like(moved, math.nan)
        off = torch.full_like(moved, math.nan, device="cpu")
        if rows.any():
            others = model(replace(seen, present=kept.to(device)), turns).positions
            lost[rows] = (others - first).norm(dim=-1)[rows]
            off = measure_residuals(others.cpu(), replace(views, present=views.present & ~kept)) / session.size
        distances.append((moved.cpu(), lost.cpu(), off))
    return SecondLook(moments, *(torch.cat(parts).double().numpy() for parts in zip(*distances, strict=True)))


def calibrate_confidences(table: pd.DataFrame, look: SecondLook, side: float) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Turn what the network says of each keypoint into the probability that it stays where it is with one camera less.

    Parameters
    ----------
    table : of keypoints, as the network gives them (:func:`bkind3d.inference.prediction.predict_keypoints`).
    look : moments of the same session that were looked at again.
    side : of the cube, world units.

    Returns
    -------
    The table with other confidences, still 0 where the subject is not located; and what they claim: ``claim``, ``within``
    (world units), ``n_compared``, ``agreed`` (share of these). With two cameras, where none can be left out, or too few
    moments, the table is left as it is and the claim says so.
    """
    moments, keypoints = np.nonzero(np.isfinite(look.fewer_views))
    agreed = look.fewer_views[moments, keypoints] < WITHIN * side
    if len(agreed) < LEAST:
        return table, {"claim": "share of the heatmap within a tenth of the cube's side of its mean", "n_compared": len(agreed)}
    spreads = table["spread"].to_numpy(np.float64).reshape(-1, look.fewer_views.shape[1])
    known = np.isfinite(spreads)
    # A heatmap that fell onto a single voxel has no width at all.
    widths = np.log(np.where(known, np.maximum(spreads, NARROWEST * side), 1.0))
    if agreed.all() or not agreed.any():
        chances = np.full(widths.shape, (agreed.sum() + 0.5) / (len(agreed) + 1))  # Jeffreys' prior
    else:
        compared = widths[look.moments[moments], keypoints]
        mean, deviation = compared.mean(), max(float(compared.std()), 1e-6)
        features = np.column_stack([(compared - mean) / deviation, np.eye(widths.shape[1])[keypoints]])
        model = LogisticRegression().fit(features, agreed)
        if model.coef_[0, 0] > 0:  # a width counts only if wider heatmaps agree less
            features[:, 0] = 0.0
            model = LogisticRegression().fit(features, agreed)
        logits = model.coef_[0, 0] * (widths - mean) / deviation + model.coef_[0, 1:] + model.intercept_[0]
        chances = 1 / (1 + np.exp(-logits))
    claim = f"probability that the keypoint moves by less than {100 * WITHIN:g} % of the cube's side when one camera is left out"
    details = {"claim": claim, "within": WITHIN * side, "n_compared": len(agreed), "agreed": float(agreed.mean())}
    return table.assign(confidence=np.where(known, chances, 0.0).ravel().astype(np.float32)), details
