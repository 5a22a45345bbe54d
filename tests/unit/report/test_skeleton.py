import numpy as np
import pandas as pd

from bkind3d.report.skeleton import arrange_points


def test_points_go_to_their_frame_and_name():
    table = pd.DataFrame({"frame": [7, 5, 9], "joint": ["b", "a", "b"], "x": [1.0, 2, 9], "y": [3.0, 4, 9], "z": [5.0, 6, 9]})
    points = arrange_points(table, "joint", ["a", "b"], [5, 7])
    assert points[0, 0].tolist() == [2, 4, 6]
    assert points[1, 1].tolist() == [1, 3, 5]
    assert np.isnan(points[0, 1]).all()
    assert np.isnan(points[1, 0]).all()
