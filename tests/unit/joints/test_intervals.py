import numpy as np
import pytest

from bkind3d.joints.intervals import find_radii, group_frames


def test_a_radius_is_the_quantile_of_the_scores():
    scores = np.arange(1, 101, dtype=float)[:, None]
    assert find_radii(scores, np.arange(100), 0.9)[0] == 91  # 0.9 of 101


def test_every_unit_counts_alike():
    """Nine tenths of the frames are one unit's, whose errors are small: the others' count more than a tenth."""
    scores = np.concatenate([np.full(900, 1.0), np.full(100, 5.0)])[:, None]
    assert find_radii(scores, np.arange(1000), 0.85)[0] == 1
    assert find_radii(scores, np.r_[np.zeros(900, int), np.arange(1, 11).repeat(10)], 0.85)[0] == 5


def test_gaps_have_no_say_and_an_unknown_joint_no_radius():
    scores = np.array([[1.0, np.nan], [np.nan, np.nan], [3.0, np.nan]])
    radii = find_radii(scores, np.arange(3), 0.5)
    assert radii[0] == 3 and np.isnan(radii[1])


@pytest.mark.parametrize(("n_subjects", "unit"), [(9, "second"), (10, "subject")])
def test_from_ten_subjects_on_they_are_what_is_counted(n_subjects, unit):
    subject = np.arange(n_subjects).repeat(20)
    codes, kind = group_frames(subject, subject, np.tile(np.arange(20) / 10, n_subjects))
    assert kind == unit
    assert len(np.unique(codes)) == (n_subjects if unit == "subject" else 2 * n_subjects)


def test_intervals_of_new_subjects_hold_what_they_say():
    """Errors of frames of a subject are alike, and subjects differ: intervals of a study of twelve hold 90 % of other subjects' errors."""
    generator = np.random.default_rng(0)
    draw = lambda n: np.abs(generator.normal(size=(n, 60))) * generator.lognormal(0, 0.3, size=(n, 1))  # noqa: E731
    covered = [(draw(50) <= find_radii(draw(12).reshape(-1, 1), np.arange(12).repeat(60), 0.9)[0]).mean() for _ in range(20)]
    assert 0.86 < np.mean(covered) < 0.94
