import numpy as np
import pandas as pd
import pytest

from bkind3d.report.skeleton import arrange_points, spread_evenly


@pytest.mark.parametrize(("n_items", "limit"), [(12, 20), (12, 12), (13, 12), (1000, 7), (1, 5), (0, 5)])
def test_thinning_keeps_to_the_limit_in_equal_steps(n_items, limit):
    kept = spread_evenly(n_items, limit)
    assert len(kept) <= limit
    assert len(kept) == n_items or len(set(np.diff(kept))) == 1
    assert n_items == 0 or (kept[0] == 0 and kept[-1] < n_items)


def test_points_go_to_their_frame_and_name():
    table = pd.DataFrame({"frame": [7, 5, 9], "joint": ["b", "a", "b"], "x": [1.0, 2, 9], "y": [3.0, 4, 9], "z": [5.0, 6, 9]})
    points = arrange_points(table, "joint", ["a", "b"], [5, 7])
    assert points[0, 0].tolist() == [2, 4, 6]
    assert points[1, 1].tolist() == [1, 3, 5]
    assert np.isnan(points[0, 1]).all()
    assert np.isnan(points[1, 0]).all()
