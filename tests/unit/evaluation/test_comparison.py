import numpy as np
import pandas as pd
import pytest

from bkind3d.data.parquet import write_table
from bkind3d.data.results import write_json
from bkind3d.evaluation.comparison import compare_errors, compare_experiments
from bkind3d.study.layout import Layout


def make_errors(values, frames=None, session="s", method="bkind3d"):
    frames = np.arange(len(values)) if frames is None else frames
    table = pd.DataFrame(
        {"method": method, "session": session, "frame": frames, "time_s": frames / 10.0, "behaviour": "", "pa_mpjpe": values}
    )
    return table.assign(mpjpe=0.0, root_mpjpe=0.0, n_mpjpe=0.0, pck=0.0, auc=0.0)


def test_a_constant_difference_is_certain_however_much_frames_differ():
    noise = np.random.default_rng(0).normal(20, 9, 100)
    found = compare_errors(make_errors(noise), make_errors(noise - 1.5), 200, 0)
    assert found == pytest.approx({"vs_first": -1.5, "vs_first_ci_low": -1.5, "vs_first_ci_high": -1.5, "n_common": 100})


def test_only_frames_of_both_count_and_floors_do_not():
    first = pd.concat([make_errors(np.full(50, 10.0)), make_errors(np.full(50, 99.0), method="mean_pose")])
    other = make_errors(np.array([12.0] * 20 + [50.0] * 10), np.arange(30, 60))
    found = compare_errors(first, other, 200, 0)
    assert (found["vs_first"], found["n_common"]) == (2.0, 20)
    assert found["vs_first_ci_low"] == found["vs_first_ci_high"] == 2.0


def test_blocks_of_a_second_are_drawn_not_frames():
    """Ten seconds that differ, each frame of a second alike: the interval is that of ten numbers, not of a hundred."""
    seconds = np.random.default_rng(1).normal(0, 1, 10)
    found = compare_errors(make_errors(np.zeros(100)), make_errors(np.repeat(seconds, 10)), 4000, 0)
    width = found["vs_first_ci_high"] - found["vs_first_ci_low"]
    assert width == pytest.approx(2 * 1.96 * seconds.std() / np.sqrt(10), rel=0.15)


def test_nothing_in_common_is_no_difference():
    assert compare_errors(make_errors(np.ones(5)), make_errors(np.ones(5), session="t"), 100, 0) == {"n_common": 0}


def test_experiments_are_compared_with_the_first(tmp_path):
    results = Layout(tmp_path)
    for name, error in (("one", 10.0), ("two", 11.0)):
        write_table(make_errors(np.full(40, error)), "errors", results.errors(name))
        write_json({"bootstrap": {"resamples": 100, "seed": 0}}, results.pose(name))
    assert compare_experiments(results, ["one", "two"])["two"]["vs_first"] == 1.0
    write_json({"reference": None}, results.pose("one"))
    assert compare_experiments(results, ["one", "two"]) == {}
