"""Doubts become sentences: what, how much, where, and what to do; the worst first."""

import math

from bkind3d.study.doubts import KINDS, Measure, describe_doubts


def test_what_is_within_its_limit_or_not_known_is_no_doubt():
    assert not any(Measure(kind, "s", KINDS[kind].limit).is_doubtful or Measure(kind, "s", math.nan).is_doubtful for kind in KINDS)
    assert Measure("views", "s", 0.5).is_doubtful and not Measure("views", "s", 0.9).is_doubtful
    assert Measure("jitter", "s", 0.9).is_doubtful and not Measure("jitter", "s", 0.2).is_doubtful


def test_a_sentence_says_what_how_much_where_and_what_to_do():
    measures = [
        Measure("outlines", "day1", 0.41, "cam2"),
        Measure("outlines", "day2", 0.12, "cam1"),
        Measure("outlines", "day2", 0.9, "cam2"),
        Measure("off", "day2", 0.5, experiment="one"),
    ]
    outlines, off = describe_doubts(measures)
    contradict = "Silhouettes of a camera contradict those of the others"
    assert outlines.startswith(
        f"{contradict}: day2, cam1 (12 % in common with the hull of all), day1, cam2 (41 % in common with the hull of all); look at"
    )
    assert off.startswith("one: Keypoints lie off the subject's silhouettes: day2 (50 % of them); look at") and off.endswith("train again.")


def test_many_places_are_counted_and_what_holds_for_all_is_said_once():
    many = [Measure("wide", f"s{number}", 1.5 + number) for number in range(9)]
    assert "s8 (9.5 times as wide), s7" in describe_doubts(many)[0] and "and 3 more; set location.side" in describe_doubts(many)[0]
    same = [Measure("headings", f"s{number}", 0.4, experiment="one") for number in range(9)]
    (sentence,) = describe_doubts(same)
    assert "independent fits disagree: in all of 9 sessions (40 % of frames agree); check which axis is up" in sentence
