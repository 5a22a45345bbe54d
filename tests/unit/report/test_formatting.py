import math

import numpy as np
import pytest

from bkind3d.report.formatting import choose_decimals, format_interval, format_number, format_share


@pytest.mark.parametrize(
    ("values", "decimals"), [([19.04, 3.2], 1), ([130.0], 0), ([0.069], 4), ([1.5], 2), ([], 1), ([math.nan, 25.0], 1)]
)
def test_decimals_show_three_digits_of_the_largest(values, decimals):
    assert choose_decimals(values) == decimals


def test_numbers_that_are_not_there_are_dashes():
    assert format_number(math.nan) == format_number(None) == format_share(None) == format_share(np.float32("nan")) == "–"
    assert format_interval(math.nan, 2.0) == ""
    assert format_interval(-3.04, 1.26) == "[−3.0, 1.3]"


def test_a_share_is_never_rounded_up_to_all():
    assert format_share(1.0) == "100 %"
    assert format_share(0.99999) == "99.9 %"
    assert format_share(0.5) == "50.0 %"
