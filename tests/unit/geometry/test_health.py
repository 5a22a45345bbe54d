import numpy as np

from bkind3d.geometry.health import MERGED, RARE, STILL, judge_health

NAMES = ["a", "b", "c"]


def judge(motion=(0.1, 0.1, 0.1), near=(0.2, 0.2, 0.2), present=1.0):
    """`near` are the distances of a and b, a and c, b and c."""
    distances = np.zeros((3, 3))
    distances[np.triu_indices(3, k=1)] = near
    return judge_health(NAMES, np.array(motion), distances + distances.T, np.asarray(present))


def test_at_the_limits_keypoints_are_sound():
    report = judge((STILL, 0.1, 0.1), (MERGED, 0.2, 0.2), np.array([RARE, 1, 1]))
    assert (report.merged, report.dead, report.collapsed, str(report)) == ([], [], False, "")


def test_each_fault_is_told_by_name():
    report = judge((0.9 * STILL, 0.1, 0.1), (0.2, 0.2, 0.9 * MERGED), np.array([1, 1, 0.9 * RARE]))
    assert (report.merged, report.dead) == ([("b", "c")], ["a", "c"])
    assert str(report) == "b and c are in one place, a never moves, c never moves"


def test_all_on_one_place_are_a_collapse():
    assert judge(near=(0, 0, 0)).collapsed
    assert str(judge(near=(0, 0, 0))) == "all keypoints are in one place"


def test_a_keypoint_that_is_never_there_is_dead_and_merged_with_none():
    report = judge((np.nan, 0.1, 0.1), (np.inf, np.inf, 0.2), np.array([0, 1, 1]))
    assert (report.merged, report.dead) == ([], ["a"])
