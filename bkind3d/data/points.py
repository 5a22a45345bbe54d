"""Named points over time, keypoints or joints, as arrays; keypoints also under the names that somebody gave them."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from bkind3d.config import InputError, NamingConfig
from bkind3d.data.parquet import read_arrow_table, read_metadata, read_table

log = logging.getLogger(__name__)

_KEYPOINT_COLUMNS = ("frame", "time_s", "x", "y", "z", "confidence", "spread", "reprojection_px")


@dataclass(frozen=True)
class Points:
    """Named points over time, in the world frame (units in the metadata); gaps are NaN.

    Attributes
    ----------
    names : of the points, as they first appear in the file.
    frames : numbers of the frames, increasing.
    time_s : of the frames; NaN in tables without times.
    spreads : of keypoints' heatmaps, world units; None in other tables.
    confidences : of keypoints, in [0, 1]; None in other tables.
    """

    names: tuple[str, ...]
    frames: Int[NDArray, "frame"]
    time_s: Float[NDArray, "frame"]
    positions: Float[NDArray, "frame point 3"]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    spreads: Float[NDArray, "frame point"] | None = None
    confidences: Float[NDArray, "frame point"] | None = None

    def positions_at(self, frames: Int[NDArray, "wanted"]) -> Float[NDArray, "wanted point 3"]:
        """Positions in the frames with these numbers; NaN where the table has no such frame."""
        row = np.searchsorted(self.frames, frames).clip(max=len(self.frames) - 1)
        return np.where((self.frames[row] == frames)[:, None, None], self.positions[row], np.nan)


def read_points(path: str | Path, kind: str) -> Points:
    """Read a table of ``keypoints``, ``joints`` or ``found_joints`` (world frame) into one array; the last may have no rows."""
    name_column = "keypoint" if kind == "keypoints" else "joint"
    described = {"keypoints": ["time_s", "spread", "confidence"], "found_joints": ["time_s", "spread"]}.get(kind, [])
    table = read_table(path, kind, ["frame", name_column, "x", "y", "z", *described])
    if table.empty and kind != "found_joints":
        raise InputError(path, "has no rows", f"expected a row for every frame and {name_column}")
    if table["frame"].isna().any() or table[name_column].isna().any():
        raise InputError(path, f"has rows without frame or {name_column}", "give every row both")
    frames, rows = np.unique(table["frame"].to_numpy(np.int64), return_inverse=True)
    codes, names = pd.factorize(table[name_column])
    positions = np.full((len(frames), len(names), 3), np.nan)
    positions[rows, codes] = table[["x", "y", "z"]].to_numpy(np.float64)
    repeated = table.duplicated(["frame", name_column])
    if repeated.any():
        first = table.loc[repeated].iloc[0]
        raise InputError(path, f"{name_column} {first[name_column]!r} is there twice in frame {first['frame']}", "keep one row")
    time_s, further = np.full(len(frames), np.nan), {}
    for column in described[1:]:
        further[f"{column}s"] = np.full(positions.shape[:2], np.nan)
        further[f"{column}s"][rows, codes] = table[column].to_numpy(np.float64)
    if described:
        time_s[rows] = table["time_s"].to_numpy(np.float64)
        if not np.isfinite(time_s).all():
            raise InputError(path, "column 'time_s' has gaps", "give every frame its time in seconds")
    positions[~np.isfinite(positions).all(axis=2)] = np.nan
    return Points(tuple(str(name) for name in names), frames, time_s, positions, read_metadata(path), **further)


def same_order(points: Points, names: tuple[str, ...], path: str | Path, reference: str | Path) -> Points:
    """Bring `points` (of the file `path`) into the order of `names` (of the file `reference`); refuse other names."""
    if set(points.names) != set(names):
        odd = sorted(set(points.names) ^ set(names))[0]
        raise InputError(path, f"{odd!r} is not in both this file and {reference}", "all sessions must have the same names")
    order = [points.names.index(name) for name in names]
    further: dict[str, Any] = {
        key: None if (values := getattr(points, key)) is None else values[:, order] for key in ("spreads", "confidences")
    }
    return replace(points, names=names, positions=points.positions[:, order], **further)


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


def read_keypoints(path: str | Path, naming: NamingConfig | None = None, kind: str = "keypoints") -> SessionKeypoints:
    """Read a keypoints table, column by column, into arrays; an hour at 100 Hz fits a laptop's memory many times.

    A table of ``found_joints`` is read likewise; a joint has a confidence of 1 wherever it was found: `spreads` say how sure it is.

    Raises
    ------
    InputError : where the table is none of keypoints, or does not hold every keypoint of every frame in one order.
    """
    metadata = read_metadata(path)
    column = "keypoint" if kind == "keypoints" else "joint"
    labels = read_arrow_table(path, kind, [column])[column].combine_chunks().dictionary_encode()
    codes, own = labels.indices.to_numpy(), labels.dictionary.to_pylist()
    n_keypoints = max(len(own), 1)
    if len(codes) % n_keypoints or (codes.reshape(-1, n_keypoints) != np.arange(n_keypoints)).any():
        raise InputError(path, f"does not hold every {column} of every frame in one order", f"predict the {column}s again")
    columns = [key for key in _KEYPOINT_COLUMNS if kind == "keypoints" or key != "confidence"]
    grid = {key: read_arrow_table(path, kind, [key])[key].to_numpy().reshape(-1, n_keypoints) for key in columns}
    if kind != "keypoints":
        grid["confidence"] = np.isfinite(grid["x"]).astype(np.float32)
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
