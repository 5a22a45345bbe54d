import pandas as pd

from bkind3d.data.results import write_json
from bkind3d.report.body_parts import build_identity_table, build_keypoint_table, build_nearest_table, build_side_table
from bkind3d.report.rendering import write_caption


def texts(table):
    return [[cell.text for cell in row] for row in table.rows]


def test_every_known_measure_has_a_row_and_a_sentence(toy):
    table = build_identity_table(toy.write().open(), "tiny")
    assert [row[0] for row in texts(table)] == ["swapped", "scatter", "left and right", "jumps", "turned cube"]
    assert texts(table)[0] == ["swapped", "2.5 %", "50.0 %", "needs it", write_caption("measure", name="swaps")]
    assert texts(table)[3][1:4] == ["1.0 %", "25.0 %", "0.62"]
    assert texts(table)[4][1:4] == ["0.032", "–", "–"]


def test_one_keypoint_for_both_sides_is_said(toy):
    table = build_side_table(toy.write().open(), "tiny")
    assert texts(table) == [["j0 and j1", "k00 and k01", "87.5 %"], ["j2 and j3", "k00", "one keypoint for both"]]


def test_keypoints_go_by_their_given_names(toy):
    toy.names = {"k00": "snout"}
    study = toy.write().open()
    assert texts(build_side_table(study, "tiny"))[1][1] == "snout"
    assert texts(build_nearest_table(study, "tiny", "mm"))[0][:3] == ["snout", "j0", "95.0 %"]


def test_nothing_known_is_no_table(toy):
    study = toy.write().open()
    write_json({"rows": []}, study.results.pose("tiny"))
    assert build_identity_table(study, "tiny") is None
    assert build_nearest_table(study, "tiny", "mm") is None
    assert build_side_table(study, "tiny") is None


def test_faults_stand_beside_the_name():
    numbers = {"present": 1.0, "confidence": 0.5, "spread": 4.0, "reprojection_px": 1.0, "motion": 5.66, "nearest": "k1", "distance": 20.04}
    rows = [
        {"keypoint": f"k{i}", "dead": dead, "merged": merged} for i, (dead, merged) in enumerate([(False, ["k2"]), (True, []), (False, [])])
    ]
    table = build_keypoint_table(pd.DataFrame([row | numbers for row in rows]), "mm", 100.0)
    assert [row[0].text for row in table.rows] == ["k0 (merged)", "k1 (dead)", "k2"]
    assert [cell.text for cell in table.rows[2]] == ["k2", "100 %", "0.50", "4.0", "1.0", "5.7", "k1", "20.0"]
    assert table.columns[5] == "motion in the cube (mm)"
