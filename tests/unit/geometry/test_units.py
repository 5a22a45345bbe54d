import pytest

from bkind3d.geometry.units import find_factor


def test_lengths_without_a_scale_are_of_no_other_unit() -> None:
    assert find_factor("cm", "mm") == pytest.approx(10)
    assert find_factor("arbitrary", "arbitrary") == 1
    assert find_factor("arbitrary", "mm") is None
    assert find_factor("m", "arbitrary") is None
