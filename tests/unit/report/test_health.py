import pandas as pd

from bkind3d.report.health import build_keypoint_table


def test_faults_stand_beside_the_name():
    numbers = {"present": 1.0, "confidence": 0.5, "spread": 4.0, "reprojection_px": 1.0, "motion": 5.66, "nearest": "k1", "distance": 20.04}
    rows = [
        {"keypoint": f"k{i}", "dead": dead, "merged": merged} for i, (dead, merged) in enumerate([(False, ["k2"]), (True, []), (False, [])])
    ]
    table = build_keypoint_table(pd.DataFrame([row | numbers for row in rows]), "mm", 100.0)
    assert [row[0].text for row in table.rows] == ["k0 (merged)", "k1 (dead)", "k2"]
    assert [cell.text for cell in table.rows[2]] == ["k2", "100 %", "0.50", "4.0", "1.0", "5.7", "k1", "20.0"]
    assert table.columns[5] == "motion in the cube (mm)"
