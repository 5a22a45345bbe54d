"""The table of warnings counts both errors."""

import pandas as pd

from benchmarks.warnings import describe_run, judge_warnings
from bkind3d.study.doubts import KINDS, Measure


def test_both_errors_are_counted():
    good = describe_run([Measure("off", "a", 0.01), Measure("wide", "a", 0.3, "cam1"), Measure("wide", "a", 0.2, "cam2")])
    bad = describe_run([Measure("off", "a", 0.9), Measure("wide", "a", 0.3)])
    assert (good["wide"], good["off"], bad["off"]) == (0.3, 0.01, 0.9)
    runs = pd.DataFrame([good, bad, bad, good]).assign(useless=[False, True, False, True], error=[1.0, 9.0, 2.0, 3.0], mean_pose=3.0)
    table = judge_warnings(runs).set_index("warning")
    assert list(table.index) == [*KINDS, "any"]
    assert tuple(table.loc["off", ["runs", "of no use, warned of", "of use, warned of", "far off, warned of", "AUC"]]) == (
        (4, "1 of 2", "1 of 2", "1 of 1", "0.50")
    )
    assert tuple(table.loc["headings", ["runs", "of no use, warned of"]]) == (0, "0 of 2")
    assert table.loc["any", "of use, warned of"] == "1 of 2"
