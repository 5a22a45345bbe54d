"""Clusters of movement, found without labels: windows of keypoints that look alike. For looking at, not for judging."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_mutual_info_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bkind3d.config import InputError, MovementsConfig
from bkind3d.data.parquet import TABLES, read_failure
from bkind3d.data.points import Points, read_points
from bkind3d.data.spacing import step_indices
from bkind3d.evaluation.motion_windows import Windows, cut_windows, find_whole_windows, half_width
from bkind3d.evaluation.recordings import read_behaviours

log = logging.getLogger(__name__)

#: Windows of a study at most, as many of each session: 1.8 GB of memory at 15 keypoints.
MAX_WINDOWS = 20_000


class Movements(NamedTuple):
    """`windows` is a table "movements" of :data:`bkind3d.data.parquet.TABLES`; `summary` goes into its metadata."""

    windows: pd.DataFrame
    summary: dict[str, Any]


def find_movements(keypoints: Mapping[str, str | Path], behaviours: Mapping[str, str | Path], config: MovementsConfig) -> Movements:
    """Put windows of all sessions into clusters of like movement.

    Windows are described as for the recognition of behaviours, free of place, heading and size
    (:func:`bkind3d.evaluation.motion_windows.Windows.describe`); every number is standardised, all are reduced to their principal
    components, and these are clustered by k-means.

    Parameters
    ----------
    keypoints : file of each session, all of one model. One session after the other is read.
    behaviours : file of the sessions that have them. They are compared with the clusters, which do not depend on them.

    Returns
    -------
    Clusters are numbered from 1, the most frequent first. With fewer windows than clusters the table has no rows and the
    summary's `reason` says so. Its `shares` are the clusters' shares of each session's windows, and `agreement` is the
    adjusted mutual information with the behaviours (0: none beyond chance, 1: the same; Vinh et al. 2010).
    """
    pieces, tables = [], []
    for session, path in keypoints.items():
        if read_failure(path):
            continue
        points = read_points(path, "keypoints")
        half = half_width(points.time_s, config.window_seconds)
        middles = _choose_middles(points, half, max(MAX_WINDOWS // len(keypoints), 1))
        pieces.append(cut_windows(points, middles, half))
        columns = {"session": session, "frame": points.frames[middles], "time_s": points.time_s[middles]}
        columns |= {"start": points.frames[middles - half], "stop": points.frames[middles + half]}
        try:
            labels: Any = read_behaviours(behaviours[session], points.frames)[middles] if session in behaviours else ""
        except InputError as error:
            log.warning("session %s is compared with no behaviours: %s", session, error)
            labels = ""
        tables.append(pd.DataFrame({**columns, "behaviour": labels}))
    number = sum(len(table) for table in tables)
    if number < config.n_clusters:
        reason = f"{number} windows of {config.window_seconds:g} s without gaps are too few for {config.n_clusters} clusters"
        return Movements(pd.DataFrame(columns=list(TABLES["movements"])), {**config.model_dump(), "reason": reason})
    windows = Windows.join(pieces)
    heading = windows.fit_heading()
    # The animal lies along the x axis wherever its windows are drawn: its longer axis is turned there.
    heading = heading * np.exp(-0.5j * np.angle((heading**2).sum()))
    cluster, distance, explained = _cluster(windows.describe(heading), config)
    table = pd.concat(tables, ignore_index=True).assign(turn=windows.find_turns(heading), cluster=cluster, distance=distance)
    return Movements(table, {**config.model_dump(), "explained": explained, **_summarise(table, config.n_clusters)})


def _choose_middles(points: Points, half: int, most: int) -> Int[NDArray, "window"]:
    """Middles of windows without gaps, half a window apart; at most so many of them, evenly spread."""
    middles = np.arange(half, len(points.frames), half)
    middles = middles[find_whole_windows(points, half)[middles]]
    return middles[step_indices(len(middles), most)]


def _cluster(
    features: Float[NDArray, "window sample channel"], config: MovementsConfig
) -> tuple[Int[NDArray, "window"], Float[NDArray, "window"], float]:
    """Cluster of every window, its distance to the cluster's centre, and the share of variance that was clustered."""
    flat = features.reshape(len(features), -1)
    components = PCA(min(config.n_components, *flat.shape), random_state=config.seed)
    reduced = make_pipeline(StandardScaler(), components).fit_transform(flat)
    found = KMeans(config.n_clusters, n_init=10, random_state=config.seed).fit(reduced)
    order = np.argsort(-np.bincount(found.labels_, minlength=config.n_clusters), kind="stable")
    distance = np.linalg.norm(reduced - found.cluster_centers_[found.labels_], axis=1)
    return np.argsort(order)[found.labels_] + 1, distance, float(np.nan_to_num(components.explained_variance_ratio_.sum()))


def _summarise(table: pd.DataFrame, n_clusters: int) -> dict[str, Any]:
    """Shares of the clusters in each session, and what they have in common with behaviours."""
    counts = pd.crosstab(table["session"], table["cluster"]).reindex(columns=range(1, n_clusters + 1), fill_value=0)
    labelled = table[table["behaviour"] != ""]
    agreement = None
    if labelled["behaviour"].nunique() > 1:
        information = adjusted_mutual_info_score(labelled["behaviour"], labelled["cluster"])
        agreement = {"adjusted_mutual_information": float(information), "n_windows": len(labelled)}
    return {"shares": counts.div(counts.sum(axis=1), axis=0).T.to_dict("list"), "agreement": agreement}
