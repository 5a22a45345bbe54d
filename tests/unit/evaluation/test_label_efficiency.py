import numpy as np
import pytest

from bkind3d.config import EvaluationConfig
from bkind3d.evaluation.label_efficiency import choose_numbers, measure_label_efficiency
from bkind3d.evaluation.labelled_frames import select_common, stack_frames

CONFIG = EvaluationConfig(bootstrap=200)


@pytest.mark.parametrize(
    ("n_frames", "numbers"), [(9, []), (10, [10]), (31, [10, 30, 31]), (100, [10, 30, 100]), (1600, [10, 30, 100, 300, 1000, 1600])]
)
def test_numbers_grow_by_threes_and_end_with_all(n_frames, numbers):
    assert choose_numbers(n_frames) == numbers


def measure(make, **changes):
    train = make.scene(120, 0)
    for name, value in changes.items():
        setattr(train, name, value)
    recordings = [make.recording("one", "train", train), make.recording("two", "test", make.scene(40, 1))]
    frames = select_common(stack_frames(recordings, CONFIG))
    return measure_label_efficiency(*frames, ["bkind3d", "untrained"], CONFIG, make.joint_names)


def test_more_labels_never_hurt_much_where_joints_follow_from_keypoints(make):
    ours = [entry for entry in measure(make) if entry["method"] == "bkind3d"]
    assert [(entry["n_frames"], entry["n_draws"]) for entry in ours] == [(10, 5), (30, 5), (100, 5), (120, 1)]
    assert {entry["regressor"] for entry in ours} == {"ridge"}
    assert ours[-1]["pa_mpjpe"] < 0.05 < ours[0]["pa_mpjpe"]
    for entry in ours:
        assert entry["pa_mpjpe_low"] <= entry["pa_mpjpe"] <= entry["pa_mpjpe_high"]


def test_floors_stand_beside_and_the_same_seed_gives_the_same_curve(make):
    first, second = measure(make), measure(make)
    assert first == second
    last = {entry["method"]: entry["pa_mpjpe"] for entry in first[-3:]}
    assert last["bkind3d"] < min(last["untrained"], last["mean_pose"])


def test_frames_that_lack_a_joint_are_not_drawn(make):
    joints = make.scene(120, 0).joints
    joints[:85, 0] = np.nan
    assert {entry["n_frames"] for entry in measure(make, joints=joints)} == {10, 30, 35}
    joints[:115, 0] = np.nan
    assert measure(make, joints=joints) == []
