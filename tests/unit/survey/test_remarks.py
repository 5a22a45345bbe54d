import numpy as np
import pandas as pd

from bkind3d.config import LocationConfig
from bkind3d.survey.remarks import describe_nothing, remark_others, remark_track
from bkind3d.survey.tracking import follow_subject
from tests.unit.survey.test_tracking import ELSEWHERE, TIMES, make_candidates, walk


def make_table(points: np.ndarray, n_views: int | np.ndarray = 4) -> pd.DataFrame:
    table = pd.DataFrame(points, columns=["x", "y", "z"])
    return table.assign(n_views=n_views, valid=np.isfinite(points).all(axis=1))


def test_a_subject_that_walks_and_is_seen_needs_no_remark() -> None:
    assert remark_track(make_table(walk()), 4, 100.0, "mm") == []


def test_a_subject_that_keeps_its_place_is_remarked_on() -> None:
    (remark,) = remark_track(make_table(walk() * 0.05), 4, 100.0, "mm")
    assert "hardly leaves its place" in remark
    assert "\n" not in remark


def test_a_subject_that_is_seldom_seen_is_remarked_on_once() -> None:
    (remark,) = remark_track(make_table(walk(), np.arange(120) % 3), 4, 100.0, "mm")
    assert "1.0 of 4 cameras see it on average, and two agree in 33 % of the frames" in remark


def test_a_second_subject_is_named() -> None:
    candidates = make_candidates((walk(), 3.5, 100.0), (ELSEWHERE, 2.0, 50.0))
    subject = follow_subject(candidates, TIMES)
    (remark,) = remark_others(candidates, subject, TIMES, np.ones((120, 2), bool), "mm")
    assert "two subjects move, and one is supported" in remark
    assert "around (0, 900, 0) mm in 100 % of the frames, seen by 2.0 cameras, 0.5 times as large" in remark


def test_somebody_who_passes_by_or_is_outside_of_the_region_is_not_named() -> None:
    support = np.zeros(120)
    support[:10] = 2.0
    candidates = make_candidates((walk(), 3.5, 100.0), (ELSEWHERE, support, 50.0))
    assert remark_others(candidates, follow_subject(candidates, TIMES), TIMES, np.ones((120, 2), bool), "mm") == []
    candidates = make_candidates((walk(), 3.5, 100.0), (ELSEWHERE, 2.0, 50.0))
    inside = candidates.points[..., 1] < 500
    assert remark_others(candidates, follow_subject(candidates, TIMES, inside), TIMES, inside, "mm") == []


def test_why_nothing_is_located_is_told() -> None:
    line = describe_nothing("rig.toml", {"cam1": 0, "cam2": 0, "cam3": 5}, LocationConfig())
    assert line.startswith("camera cam1, cam2: nothing moves in any frame")
    assert "rig.toml: in no frame" in describe_nothing("rig.toml", {"cam1": 3, "cam2": 5}, LocationConfig())
