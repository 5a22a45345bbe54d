import numpy as np
import pytest

from bkind3d.data.spacing import spread_indices, step_indices


@pytest.mark.parametrize(
    ("count", "most", "expected"), [(0, 5, []), (1, 5, [0]), (3, 5, [0, 1, 2]), (5, 3, [0, 2, 4]), (11, 4, [0, 3, 7, 10])]
)
def test_spread_indices_reach_from_the_first_to_the_last(count, most, expected):
    assert spread_indices(count, most).tolist() == expected


@pytest.mark.parametrize("count", [2, 7, 100, 1001])
def test_spread_indices_come_once_each_in_their_order(count):
    for most in range(2, count + 2):
        found = spread_indices(count, most)
        assert len(found) == min(count, most)
        assert (np.diff(found) > 0).all()


@pytest.mark.parametrize(("count", "most"), [(12, 20), (12, 12), (13, 12), (1000, 7), (1, 5), (0, 5)])
def test_step_indices_keep_to_the_limit_in_equal_steps(count, most):
    kept = step_indices(count, most)
    assert len(kept) <= most
    assert len(kept) == count or len(set(np.diff(kept))) == 1
    assert count == 0 or (kept[0] == 0 and kept[-1] < count)
