"""The learned edges, reduced to a skeleton that a person can read."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import DisjointSet

from bkind3d.config import ModelConfig
from bkind3d.data.parquet import read_table

#: An edge weaker than this share of the strongest one is left out, even where the tree would need it.
MIN_WEIGHT = 0.05

Edge = tuple[int, int, float]
Twins = tuple[tuple[int, int], ...]


def choose_skeleton(edges: pd.DataFrame, model: ModelConfig) -> list[Edge]:
    """A spanning tree of strong learned edges that is its own mirror image, without its very weak branches.

    An edge and its mirror image (``model.n_symmetric_pairs``) have the mean of their weights and come together or not at
    all, the strongest first (Kruskal's algorithm on twins); an edge across the body, between two keypoints of a pair, comes
    last, because it would keep all others from them. Without pairs this is the maximum spanning tree.

    Parameters
    ----------
    model : says the keypoints, in their order, and how many pairs mirror each other; edges of others are passed over.

    Returns
    -------
    Pairs of indices of keypoints, each with its weight over the strongest one; strongest first; none where there are no edges.
    """
    mirror = model.mirror_order
    first, second = (pd.Index(model.keypoint_names).get_indexer(pd.Index(edges[column])) for column in ("keypoint_a", "keypoint_b"))
    kept = (first >= 0) & (second >= 0)
    weights = np.zeros((len(mirror), len(mirror)))
    weights[first[kept], second[kept]] = weights[second[kept], first[kept]] = edges["weight"].to_numpy(np.float64)[kept]
    weights = (weights + weights[np.ix_(mirror, mirror)]) / 2
    shares = weights / weights.max(initial=1e-30)
    # Every edge that is strong enough with its mirror image, or alone where it is its own.
    images = {(a, b): (min(mirror[a], mirror[b]), max(mirror[a], mirror[b])) for a, b in combinations(range(len(mirror)), 2)}
    known: set[Twins] = {tuple(sorted({edge, image})) for edge, image in images.items() if shares[edge] >= MIN_WEIGHT}
    order = sorted(known, key=lambda twins: (mirror[twins[0][0]] == twins[0][1], -shares[twins[0]], twins))
    tree = [edge for twins in _keep_tree(order, len(mirror)) for edge in twins]
    return sorted(((first, second, float(shares[first, second])) for first, second in tree), key=lambda edge: (-edge[2], edge))


def _keep_tree(order: Sequence[Twins], n_keypoints: int) -> list[Twins]:
    """Of twins in the order of preference, those that close no ring with the ones before, or with each other."""
    parts = DisjointSet(range(n_keypoints))
    kept = []
    for twins in order:
        joined = [frozenset((parts[a], parts[b])) for a, b in twins]
        if all(len(ends) == 2 for ends in joined) and len(set(joined)) == len(twins):
            kept.append(twins)
            for a, b in twins:
                parts.merge(a, b)
    return kept


def read_skeleton(path: str | Path, model: ModelConfig) -> list[tuple[str, str]]:
    """The skeleton of the learned edges in the table at `path`, as pairs of keypoints' own names, strongest first."""
    names = model.keypoint_names
    return [(names[one], names[other]) for one, other, _ in choose_skeleton(read_table(path, "edges"), model)]
