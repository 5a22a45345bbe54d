import math

import numpy as np
import plotly.graph_objects as go
import pytest

from bkind3d.report.elements import Cell, choose_decimals, format_interval, format_number, format_share, make_chart, make_row, script_json


@pytest.mark.parametrize(
    ("values", "decimals"), [([19.04, 3.2], 1), ([130.0], 0), ([0.069], 4), ([1.5], 2), ([], 1), ([math.nan, 25.0], 1)]
)
def test_decimals_show_three_digits_of_the_largest(values, decimals):
    assert choose_decimals(values) == decimals


def test_numbers_that_are_not_there_are_dashes():
    assert format_number(math.nan) == format_number(None) == format_share(None) == format_share(np.float32("nan")) == "–"
    assert format_interval(math.nan, 2.0) == ""
    assert format_interval(-3.04, 1.26) == "[−3.0, 1.3]"


def test_a_row_is_made_of_cells_and_of_texts():
    assert make_row("a", 3, Cell("b", "muted")) == [Cell("a"), Cell("3"), Cell("b", "muted")]


def test_a_share_is_never_rounded_up_to_all():
    assert format_share(1.0) == "100 %"
    assert format_share(0.99999) == "99.9 %"
    assert format_share(0.5) == "50.0 %"


def test_json_cannot_close_its_script_element():
    assert "<" not in script_json({"name": "</script><b>"})
    with pytest.raises(ValueError, match="not JSON compliant"):
        script_json([math.nan])


def test_charts_carry_no_colours_of_a_template():
    chart = make_chart(go.Figure(go.Scatter(x=[1], y=["</script>"])), 100)
    assert "<" not in chart.json
    assert len(chart.json) < 500
