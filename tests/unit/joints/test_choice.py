import numpy as np
import pytest

from bkind3d.data.points import Points
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


def draw_poses(kinds):
    """Keypoints of a triangle that is a little bent in one of several ways."""
    generator = np.random.default_rng(0)
    shapes = (
        np.array([[0, 0, 0], [20, 0, 0], [40, 0, 0]]) + np.array([[0, 0, 0], [0, 0, 1], [0, 0, 0]]) * 8.0 * np.asarray(kinds)[:, None, None]
    )
    frames = np.arange(len(kinds))
    return Points(("k0", "k1", "k2"), frames, frames / 10, shapes + generator.normal(scale=0.3, size=shapes.shape), {})


def test_rare_poses_are_chosen_and_an_outlier_is_not():
    """Of ninety alike, nine of a second kind and a single one of a third, three frames are of the first two."""
    kinds = np.repeat([0, 2, -5], [90, 9, 1])
    chosen = choose_frames({"s": draw_poses(kinds)}, {"s": "m"}, 3)
    assert {int(kinds[frame]) for _, frame in chosen[:2]} == {0, 2}


def test_what_is_like_a_labelled_pose_comes_last():
    kinds = np.repeat([0, 2, 4], 30)
    keypoints = {"s": draw_poses(kinds)}
    for labelled, left in (((5, 35), 4), ((35, 65), 0), ((5, 65), 2)):
        (_, frame), *_ = choose_frames(keypoints, {"s": "m"}, 1, labelled={"s": labelled})
        assert kinds[frame] == left


def test_frames_without_keypoints_are_never_chosen():
    points = draw_poses(np.zeros(40))
    points.positions[5:] = np.nan
    chosen = choose_frames({"s": points, "t": draw_poses(np.zeros(40))}, {"s": "m", "t": "m"}, 20)
    assert sorted(frame for name, frame in chosen if name == "s") == [0, 1, 2, 3, 4]
    assert sum(name == "t" for name, _ in chosen) == 10
    points.positions[:] = np.nan
    assert choose_frames({"s": points}, {"s": "m"}, 4) == []


@pytest.mark.parametrize(("number", "expected"), [(2, [2, 7]), (1, [5]), (20, list(range(10))), (0, [])])
def test_without_keypoints_frames_are_spread_over_time(number, expected):
    assert spread_over_time(np.arange(10), number) == expected
