import json

import numpy as np
import pandas as pd

from bkind3d.data.parquet import read_table, write_table
from bkind3d.report.findings import (
    find_calibration_faults,
)
from bkind3d.report.recordings import build_calibration, build_location_chart


def test_accepted_failures_and_pairs_are_shown(toy):
    toy.write()
    failure = {"level": "failure", "kind": "error", "cameras": ["cam2"], "text": "camera 'cam2' misses held-out corners"}
    remark = {"level": "remark", "kind": "unshared", "cameras": ["cam1", "cam2"], "text": "they share nothing"}
    pair = {"one": "cam1", "other": "cam2", "n_shared": 7, "mean_px": 0.4, "median_px": 0.3, "p95_px": 0.9, "mean_world": 0.2}
    path = toy.results / "calibration" / "arena.parquet"
    write_table(read_table(path, "calibration"), "calibration", path, {"findings": [remark, failure], "pairs": [pair], "n_held_out": 5})
    study = toy.open()
    texts = [finding.text for finding in find_calibration_faults(study, ["arena"]) if finding.style == "warning"]
    assert texts == ["Rig arena: camera 'cam2' misses held-out corners (accepted by calibration.accept_poor)."]
    first, second, table, fold = build_calibration(study, "arena")
    assert (first.style, second.style) == ("warning", "info")
    assert "beyond a limit" in first.text
    assert "not used to solve" in table.caption
    assert [cell.text for cell in fold.elements[0].rows[0]] == ["cam1, cam2", "7", "0.400", "0.300", "0.900", "0.200"]


def test_where_the_subject_was_not_located_its_way_has_a_gap():
    location = pd.DataFrame({"time_s": [0.0, 0.1, 0.2], "x": [1.0, np.nan, 3.0], "y": 0.0, "z": 0.0, "valid": [True, True, False]})
    chart = json.loads(build_location_chart(location, "mm", "").json)
    assert [line["y"] for line in chart["data"]] == [[1.0, None, None], [0.0, 0.0, None], [0.0, 0.0, None]]
    assert chart["layout"]["yaxis"]["title"]["text"] == "centre (mm)"
