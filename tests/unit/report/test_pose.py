import json

import pandas as pd

from bkind3d.data.results import POSE_COLUMNS
from bkind3d.report.candidates import rows_of
from bkind3d.report.contents import read_results
from bkind3d.report.pose import (
    build_group_table,
    build_joint_chart,
    build_label_chart,
    build_pose_chart,
    build_pose_table,
    build_upstream_table,
    read_joint_errors,
    read_label_efficiency,
)

TITLE = "BKinD-3D, this run"


def column(table, name):
    index = list(table.columns).index(name)
    return [row[index] for row in table.rows]


def test_pose_table_shows_every_method_split_and_interval(toy):
    table = build_pose_table(rows_of(read_results(toy.write().open().results.pose_table()), "tiny"), TITLE)
    assert [cell.text for cell in column(table, "method")][:3] == ["BKinD-3D, this run", "untrained network (floor)", "mean pose (floor)"]
    assert "split: subject; regressor: linear" in table.caption
    assert column(table, "PA‑MPJPE (mm)")[0].text == "19.0"
    assert column(table, "95 % interval")[0].text == "[18.0, 20.0]"
    assert column(table, "against mean pose")[0].style == "good"
    assert column(table, "against mean pose")[2].text == ""
    assert (column(table, "to root")[0].text, column(table, "PCK")[0].text) == ("26.6", "90.0 %")
    assert "blocks of a second" in table.caption and "within 20.3 mm" in table.caption and "7 joints" in table.caption


def test_pose_table_says_where_there_is_no_reference():
    row = dict.fromkeys(POSE_COLUMNS) | {"experiment": "e", "method": "bkind3d", "split": "subject", "regressor": "no reference"}
    table = build_pose_table(pd.DataFrame([row]).astype({"pa_mpjpe": float, "unit": object}), TITLE)
    assert "no reference" in [cell.text for cell in table.rows[0]]
    assert len(table.rows[0]) == len(table.columns)


def test_groups_and_upstream_measures_have_tables_of_their_own(toy):
    study = toy.write().open()
    (row,) = build_group_table(study, "tiny", "mm").rows
    assert [cell.text for cell in row] == ["subject", "rat1", "40", "19.0", "9.0", "8.0", "75.0 %", "50.0 %", "18.0", "21.0", "24.0"]
    assert [cell.text for cell in build_upstream_table(study, "tiny", "mm", TITLE).rows[0]] == ["BKinD-3D, this run", *["20.0"] * 4]
    study.results.pose("tiny").unlink()
    assert build_group_table(study, "tiny", "mm") is None and build_upstream_table(study, "tiny", "mm", TITLE) is None


def test_differences_around_zero_are_neither_good_nor_bad(toy):
    toy.pose_floor_high = 1.0
    table = build_pose_table(rows_of(read_results(toy.write().open().results.pose_table()), "tiny"), TITLE)
    assert column(table, "against untrained")[0].style == ""


def test_pose_chart_has_the_intervals(toy):
    figure = json.loads(build_pose_chart(rows_of(read_results(toy.write().open().results.pose_table()), "tiny"), TITLE).json)
    assert [trace["x"] for trace in figure["data"]] == [[19.0], [25.0], [22.0], [15.3]]
    assert figure["data"][0]["error_x"]["array"] == [1.0]


def test_joint_chart_leaves_oracles_out(toy):
    errors, unit = read_joint_errors(toy.write().open(), "tiny")
    figure = json.loads(build_joint_chart(errors, unit, TITLE).json)
    assert len(figure["data"]) == 3
    assert figure["data"][0]["x"] == [19.0, 18.0, 17.0, 16.0, 15.0]
    assert unit == "mm"


def test_label_chart_has_a_line_for_each_method_and_the_range_of_the_draws(toy):
    chart = build_label_chart(read_label_efficiency(toy.write().open(), "tiny"), "mm", TITLE)
    figure = json.loads(chart.json)
    assert [trace["x"] for trace in figure["data"]] == [[10, 30, 40]] * 3
    assert figure["data"][0]["error_y"]["array"] == [3.0, 1.0, 0.75]
    assert "ridge" in chart.caption


def test_a_method_of_another_name_is_shown_by_its_title(toy):
    study = toy.write().open()
    rows = rows_of(read_results(study.results.pose_table()), "tiny")
    rows = (
        rows[rows["method"] != "untrained"]
        .replace({"method": {"bkind3d": "taught"}})
        .assign(vs_untrained_ci_low=None, vs_untrained_ci_high=None)
    )
    table = build_pose_table(rows, "taught by joints")
    assert (column(table, "method")[0].text, column(table, "method")[0].style) == ("taught by joints", "strong")
    assert {cell.text for cell in column(table, "against untrained")} == {""}
    curve = read_label_efficiency(study, "tiny")
    chart = build_label_chart(curve[curve["method"] == "mean_pose"].assign(regressor="none"), "mm", "taught by joints")
    assert "Regressor: none" in chart.caption
