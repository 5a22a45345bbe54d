"""What a keypoint's confidence claims, and how it is fitted to a session without truth.

The share of a heatmap near its mean, which the network gives, is no probability: the width of a heatmap follows from the
training's losses. What can be counted in any session is whether a keypoint stays where it is when one camera is left out. So
a confidence is the probability of that: the moments that are looked at again teach a logistic regression (Platt 1999) on
the heatmap's width and the keypoint, and it answers for every frame.
"""

from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from bkind3d.inference.stability import SecondLook

#: A keypoint stays where it is if it moves by less than this share of the cube's side.
WITHIN = 0.05

#: Fewer comparisons than this teach nothing: the network's own word is left as it is.
LEAST = 10


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
    widths = np.log(np.where(known, spreads, 1.0))
    chances = _fit_chances(widths[look.moments[moments], keypoints], keypoints, agreed, widths)
    claim = f"probability that the keypoint moves by less than {100 * WITHIN:g} % of the cube's side when one camera is left out"
    details = {"claim": claim, "within": WITHIN * side, "n_compared": len(agreed), "agreed": float(agreed.mean())}
    return table.assign(confidence=np.where(known, chances, 0.0).ravel().astype(np.float32)), details


def _fit_chances(
    widths: Float[NDArray, "comparison"],
    keypoints: Int[NDArray, "comparison"],
    agreed: Bool[NDArray, "comparison"],
    wanted: Float[NDArray, "frame keypoint"],
) -> Float[NDArray, "frame keypoint"]:
    """Chances of agreement in every frame, from those that were compared; a width counts only if wider heatmaps agree less."""
    count = len(agreed)
    if agreed.all() or not agreed.any():
        return np.full(wanted.shape, (agreed.sum() + 0.5) / (count + 1))  # Jeffreys' prior
    n_keypoints = wanted.shape[1]
    mean, deviation = widths.mean(), max(float(widths.std()), 1e-6)
    own = np.eye(n_keypoints)
    features = np.column_stack([(widths - mean) / deviation, own[keypoints]])
    model = LogisticRegression().fit(features, agreed)
    if model.coef_[0, 0] > 0:
        features[:, 0] = 0.0
        model = LogisticRegression().fit(features, agreed)
    logits = model.coef_[0, 0] * (wanted - mean) / deviation + model.coef_[0, 1:] + model.intercept_[0]
    return np.asarray(1 / (1 + np.exp(-logits)))
