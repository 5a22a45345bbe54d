from itertools import combinations

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from bkind3d.config import ModelConfig
from bkind3d.data.skeleton import choose_skeleton
from bkind3d.methods.discovery.settings import DiscoveryModelConfig


def make_edges(weights):
    """A table of {(0, 1): weight, ...}."""
    rows = [(f"k{first:02d}", f"k{second:02d}", weight) for (first, second), weight in weights.items()]
    return pd.DataFrame(rows, columns=["keypoint_a", "keypoint_b", "weight"])


def choose(weights, n_keypoints, n_pairs=0):
    return choose_skeleton(make_edges(weights), DiscoveryModelConfig(n_keypoints=n_keypoints, n_symmetric_pairs=n_pairs))


def draw_weights(n_keypoints, seed):
    rng = np.random.default_rng(seed)
    return {pair: rng.uniform(0.2, 1) for pair in combinations(range(n_keypoints), 2)}


def test_skeleton_without_pairs_is_the_maximum_spanning_tree():
    tree = choose({(0, 1): 2.0, (1, 2): 4.0, (0, 2): 3.0, (2, 3): 1.0, (0, 3): 0.5}, 4)
    assert [(first, second) for first, second, _ in tree] == [(1, 2), (0, 2), (2, 3)]
    assert [share for *_, share in tree] == pytest.approx([1.0, 0.75, 0.25])


@pytest.mark.parametrize("seed", range(5))
def test_skeleton_without_pairs_has_the_largest_total_weight(seed):
    weights = draw_weights(8, seed)
    graph = nx.Graph([(*pair, {"weight": weight}) for pair, weight in weights.items()])
    assert {edge[:2] for edge in choose(weights, 8)} == {tuple(sorted(edge)) for edge in nx.maximum_spanning_edges(graph, data=False)}


def test_edges_that_were_not_learned_are_not_drawn():
    assert choose({(0, 1): 1.0, (1, 2): 0.01}, 3) == [(0, 1, 1.0)]
    assert choose({(0, 1): 0.0}, 2) == []
    assert choose({}, 2) == []


def test_edges_of_unknown_keypoints_are_passed_over():
    assert choose({(0, 7): 1.0, (0, 1): 0.5}, 2) == [(0, 1, 1.0)]


@pytest.mark.parametrize(("n_keypoints", "n_pairs"), [(12, 3), (8, 4), (7, 3), (6, 1), (2, 1), (9, 0)])
@pytest.mark.parametrize("seed", range(10))
def test_skeleton_is_a_tree_and_its_own_mirror_image(n_keypoints, n_pairs, seed):
    tree = choose(draw_weights(n_keypoints, seed), n_keypoints, n_pairs)
    graph = nx.Graph([(first, second, {"weight": share}) for first, second, share in tree])
    assert nx.is_tree(graph)
    assert sorted(graph) == list(range(n_keypoints))
    mirror = DiscoveryModelConfig(n_keypoints=n_keypoints, n_symmetric_pairs=n_pairs).mirror_order
    image = nx.relabel_nodes(graph, dict(enumerate(mirror)))
    assert nx.utils.graphs_equal(graph, image)


def test_weak_edges_leave_a_mirrored_wood_of_few_trees():
    # A pair of legs whose left half alone was learned to hang together: the right half hangs together, too.
    tree = choose({(0, 2): 1.0, (1, 3): 0.0, (0, 4): 0.0, (4, 5): 0.6}, 6, 2)
    assert {edge[:2] for edge in tree} == {(0, 2), (1, 3), (4, 5)}
    assert [share for *_, share in tree] == pytest.approx([1.0, 5 / 6, 5 / 6])


def test_a_pair_hangs_on_the_middle_not_on_its_twin_and_the_middle_is_no_detour():
    # Shoulders (0, 1), head 2, neck 3: head and neck both cling to the shoulders, one of which is stronger.
    weights = {(0, 1): 9.0, (1, 2): 8.0, (0, 2): 2.0, (0, 3): 5.0, (1, 3): 7.0, (2, 3): 3.0}
    assert {edge[:2] for edge in choose(weights, 4, 1)} == {(0, 3), (1, 3), (2, 3)}


def test_without_a_middle_one_edge_across_joins_the_halves():
    weights = {(0, 1): 0.3, (2, 3): 0.5, (0, 2): 1.0, (1, 3): 0.8, (0, 3): 0.4}
    assert {edge[:2] for edge in choose(weights, 4, 2)} == {(0, 2), (1, 3), (2, 3)}


@pytest.mark.parametrize("model", [DiscoveryModelConfig(n_keypoints=4, n_symmetric_pairs=1), ModelConfig()])
def test_a_method_without_edges_has_no_skeleton(model):
    assert choose_skeleton(pd.DataFrame(columns=["keypoint_a", "keypoint_b", "weight"]), model) == []
