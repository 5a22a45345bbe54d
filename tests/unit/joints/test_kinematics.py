import numpy as np
import pytest

from bkind3d.config import KinematicsConfig
from bkind3d.data.points import Points
from bkind3d.joints.kinematics import compute_measures, measure_angle


@pytest.mark.parametrize("degrees", [0.0, 1e-4, 30.0, 90.0, 179.9999, 180.0])
def test_angles_are_exact_where_arc_cosines_are_not(degrees):
    angle = np.radians(degrees)
    ends = np.array([[7.0, 0, 0]]), np.zeros((1, 3)), np.array([[3 * np.cos(angle), 3 * np.sin(angle), 0]])
    assert measure_angle(*ends)[0] == pytest.approx(degrees, abs=1e-6)


def test_measures_are_those_of_the_settings(caplog):
    time = np.arange(5) / 10
    positions = np.zeros((5, 3, 3))
    positions[:, 0, 0] = 50 * time
    positions[:, 1, 1] = 3.0
    positions[3, 1] = np.nan
    points = Points(("a", "b", "c"), np.arange(5), time, positions)
    config = KinematicsConfig(angles={"bend": ("a", "b", "c")}, lengths={"bone": ("b", "c")}, speeds={"pace": "a", "none": "tail"})
    found = compute_measures(points, config)
    assert list(found) == ["bend", "bone", "pace"]
    assert "no joint tail" in caplog.text
    np.testing.assert_allclose(found["pace"], [np.nan, 50, 50, 50, np.nan])
    np.testing.assert_allclose(found["bone"], [3, 3, 3, np.nan, 3])
    assert np.isnan(found["bend"][3]) and found["bend"][0] == pytest.approx(0)
