import pandas as pd

from bkind3d.report.behaviours import build_class_table, build_confusion


def test_confusion_has_true_behaviours_in_rows():
    counts = pd.DataFrame({"true": ["rest", "rest", "walk"], "predicted": ["rest", "walk", "walk"], "count": [6, 2, 4]})
    matrix = build_confusion(counts, "discovered")
    assert matrix.labels == ["rest", "walk"]
    assert [[cell.text for cell in row] for row in matrix.rows] == [["6", "2"], ["0", "4"]]
    assert [cell.share for cell in matrix.rows[0]] == [0.75, 0.25]


def test_each_behaviour_has_a_row(toy):
    table = build_class_table(toy.write().open(), "tiny")
    assert [cell.text for cell in table.rows[0]] == ["rest", "34", "75.0 %", "50.0 %", "0.60", "0.81", "0.60"]
