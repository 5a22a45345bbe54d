import numpy as np
import pytest

from bkind3d.joints.choice import choose_frames, share_frames, spread_over_time
from tests.unit.joints.test_fitting import make_session

KEYPOINTS = {f"s{number}": make_session(number)[0].keypoints for number in range(3)}
SUBJECTS = {"s0": "a", "s1": "a", "s2": "b"}


def test_subjects_get_as_many_frames_as_each_other():
    assert share_frames(SUBJECTS, 12) == {"s0": 3, "s1": 3, "s2": 6}
    assert sum(share_frames(SUBJECTS, 7).values()) == 7


def test_the_same_seed_chooses_the_same_frames_and_none_twice():
    chosen = choose_frames(KEYPOINTS, SUBJECTS, 12, seed=3)
    assert chosen == choose_frames(KEYPOINTS, SUBJECTS, 12, seed=3)
    assert len(set(chosen)) == 12
    assert [sum(name == session for name, _ in chosen) for session in SUBJECTS] == [3, 3, 6]
    done = {name: [frame for session, frame in chosen if session == name] for name in SUBJECTS}
    assert not set(chosen) & set(choose_frames(KEYPOINTS, SUBJECTS, 12, seed=3, labelled=done))


def test_the_least_sure_frames_of_their_kind_are_chosen():
    unsure = {name: np.linspace(1, 2, 120) for name in KEYPOINTS}
    late = np.mean([frame for _, frame in choose_frames(KEYPOINTS, SUBJECTS, 12, unsure=unsure)])
    assert late > np.mean([frame for _, frame in choose_frames(KEYPOINTS, SUBJECTS, 12)])


@pytest.mark.parametrize(("number", "expected"), [(2, [2, 7]), (1, [5]), (20, list(range(10))), (0, [])])
def test_without_keypoints_frames_are_spread_over_time(number, expected):
    assert spread_over_time(np.arange(10), number) == expected
