"""The learned edges, reduced to a skeleton that a person can read."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import minimum_spanning_tree

from bkind3d.data.parquet import read_table

#: An edge weaker than this share of the strongest one is left out, even where the tree would need it.
MIN_WEIGHT = 0.05

Edge = tuple[int, int, float]


def choose_skeleton(edges: pd.DataFrame, names: Sequence[str]) -> list[Edge]:
    """The maximum spanning tree of the learned edges, without its very weak branches.

    Parameters
    ----------
    edges : keypoint_a, keypoint_b, weight.
    names : keypoints, in the model's order; edges of others are passed over.

    Returns
    -------
    Pairs of indices into `names`, each with its weight over the strongest one; strongest first.
    """
    first, second = (pd.Index(names).get_indexer(pd.Index(edges[column])) for column in ("keypoint_a", "keypoint_b"))
    shares = edges["weight"].to_numpy(np.float64) / max(edges["weight"].max(), 1e-30) if len(edges) else np.empty(0)
    kept = (first >= 0) & (second >= 0) & (shares >= MIN_WEIGHT)
    graph = csr_array((-shares[kept], (first[kept], second[kept])), shape=(len(names), len(names)))
    tree = minimum_spanning_tree(graph).tocoo()
    order = np.argsort(tree.data, kind="stable")
    return [(int(tree.row[index]), int(tree.col[index]), -float(tree.data[index])) for index in order]


def read_skeleton(path: str | Path) -> list[tuple[str, str]]:
    """The skeleton of the learned edges in the table at `path`, as pairs of keypoints' names, strongest first."""
    table = read_table(path, "edges")
    names = list(dict.fromkeys([*table["keypoint_a"], *table["keypoint_b"]]))
    return [(names[one], names[other]) for one, other, _ in choose_skeleton(table, names)]
