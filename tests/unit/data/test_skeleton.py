import numpy as np
import pandas as pd
import pytest

from bkind3d.data.skeleton import choose_skeleton


def make_edges(*rows):
    return pd.DataFrame(rows, columns=["keypoint_a", "keypoint_b", "weight"])


def test_skeleton_is_the_maximum_spanning_tree():
    edges = make_edges(("a", "b", 2.0), ("b", "c", 4.0), ("a", "c", 3.0), ("c", "d", 1.0), ("a", "d", 0.5))
    tree = choose_skeleton(edges, ["a", "b", "c", "d"])
    assert [(first, second) for first, second, _ in tree] == [(1, 2), (0, 2), (2, 3)]
    assert [share for *_, share in tree] == pytest.approx([1.0, 0.75, 0.25])


def test_edges_that_were_not_learned_are_not_drawn():
    assert choose_skeleton(make_edges(("a", "b", 1.0), ("b", "c", 0.01)), ["a", "b", "c"]) == [(0, 1, 1.0)]
    assert choose_skeleton(make_edges(("a", "b", 0.0)), ["a", "b"]) == []
    assert choose_skeleton(make_edges(), ["a", "b"]) == []


def test_skeleton_connects_all_keypoints_with_the_largest_total_weight():
    """Against every spanning tree of five keypoints (Cayley: 125 of them), by brute force."""
    from itertools import combinations

    names, rng = list("abcde"), np.random.default_rng(3)
    pairs = list(combinations(range(5), 2))
    weights = dict(zip(pairs, rng.uniform(0.2, 1, len(pairs)), strict=True))

    def is_tree(chosen):
        groups = {index: index for index in range(5)}
        for a, b in chosen:
            if groups[a] == groups[b]:
                return False
            groups = {index: groups[a] if group == groups[b] else group for index, group in groups.items()}
        return True

    trees = [chosen for chosen in combinations(pairs, 4) if is_tree(chosen)]
    assert len(trees) == 125
    best = max(trees, key=lambda chosen: sum(weights[pair] for pair in chosen))
    found = choose_skeleton(make_edges(*((names[a], names[b], weight) for (a, b), weight in weights.items())), names)
    assert {(min(a, b), max(a, b)) for a, b, _ in found} == set(best)


def test_edges_of_unknown_keypoints_are_passed_over():
    assert choose_skeleton(make_edges(("a", "x", 1.0), ("a", "b", 0.5)), ["a", "b"]) == [(0, 1, 0.5)]
