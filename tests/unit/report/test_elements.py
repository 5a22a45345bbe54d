import math

import plotly.graph_objects as go
import pytest

from bkind3d.report.elements import Cell, make_chart, make_row, script_json


def test_a_row_is_made_of_cells_and_of_texts():
    assert make_row("a", 3, Cell("b", "muted")) == [Cell("a"), Cell("3"), Cell("b", "muted")]


def test_json_cannot_close_its_script_element():
    assert "<" not in script_json({"name": "</script><b>"})
    with pytest.raises(ValueError, match="not JSON compliant"):
        script_json([math.nan])


def test_charts_carry_no_colours_of_a_template():
    chart = make_chart(go.Figure(go.Scatter(x=[1], y=["</script>"])), 100)
    assert "<" not in chart.json
    assert len(chart.json) < 500
