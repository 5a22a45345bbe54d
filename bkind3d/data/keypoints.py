"""Keypoints of a session as arrays, under the names that somebody gave them."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from bkind3d.config import InputError, NamingConfig
from bkind3d.data.parquet import read_arrow_table, read_metadata

log = logging.getLogger(__name__)

COLUMNS = ("frame", "time_s", "x", "y", "z", "confidence", "spread", "reprojection_px")


@dataclass(frozen=True)
class SessionKeypoints:
    """Keypoints of every frame of a session.

    Attributes
    ----------
    names : of the keypoints, in the model's order.
    frames, times : number of each frame in the session, and its time in seconds.
    positions : world units; NaN where the subject was not located.
    confidences : in [0, 1]; 0 where the subject was not located.
    spreads : world units.
    residuals : mean distance of a keypoint's projections from the silhouette, pixels of the frames' images.
    metadata : what the writer noted: units, rate, model, side, n_views, session.
    """

    names: list[str]
    frames: Int[NDArray, "frame"]
    times: Float[NDArray, "frame"]
    positions: Float[NDArray, "frame keypoint 3"]
    confidences: Float[NDArray, "frame keypoint"]
    spreads: Float[NDArray, "frame keypoint"]
    residuals: Float[NDArray, "frame keypoint"]
    metadata: dict[str, Any]

    @property
    def located(self) -> Bool[NDArray, "frame"]:
        """(frame,) whether there is any keypoint."""
        return np.asarray(np.isfinite(self.positions[..., 0]).any(axis=1))


def read_keypoints(path: str | Path, naming: NamingConfig | None = None) -> SessionKeypoints:
    """Read a keypoints table, column by column, into arrays; an hour at 100 Hz fits a laptop's memory many times.

    Raises
    ------
    InputError : where the table is none of keypoints, or does not hold every keypoint of every frame in one order.
    """
    metadata = read_metadata(path)
    labels = read_arrow_table(path, "keypoints", ["keypoint"])["keypoint"].combine_chunks().dictionary_encode()
    codes, own = labels.indices.to_numpy(), labels.dictionary.to_pylist()
    n_keypoints = max(len(own), 1)
    if len(codes) % n_keypoints or (codes.reshape(-1, n_keypoints) != np.arange(n_keypoints)).any():
        raise InputError(f"{path}: does not hold every keypoint of every frame in one order; predict the keypoints again")
    grid = {key: read_arrow_table(path, "keypoints", [key])[key].to_numpy().reshape(-1, n_keypoints) for key in COLUMNS}
    return SessionKeypoints(
        names=name_keypoints(own, naming, metadata.get("model"), path),
        frames=grid.pop("frame")[:, 0].copy(),
        times=grid.pop("time_s")[:, 0].copy(),
        positions=np.stack([grid.pop(axis) for axis in "xyz"], axis=-1),
        confidences=grid["confidence"],
        spreads=grid["spread"],
        residuals=grid["reprojection_px"],
        metadata=metadata,
    )


def name_keypoints(own: list[str], naming: NamingConfig | None, model: str | None, source: str | Path) -> list[str]:
    """The names that were given to the keypoints `own` of a model; their own where there are none, or where another model was named."""
    if naming is None or not naming.keypoints:
        return own
    if naming.model and naming.model != model:
        log.warning(
            "%s: has keypoints of model %s, but names were given to those of model %s: names are not used; look at the contact sheets again",
            source, model, naming.model,
        )  # fmt: skip
        return own
    return [naming.keypoints.get(name, name) for name in own]
