from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bkind3d.calibration.boards import Corners
from bkind3d.calibration.judgement import Finding, check_views, check_world_points, judge_measures, refuse
from bkind3d.config import CalibrationConfig, InputError

CONFIG = CalibrationConfig()
GOOD = {"camera": "left", "mean_px": 0.4, "mean_percent": 0.1, "mean_world": 0.2, "spread_percent": 0.2, "coverage": 0.5}
GOOD |= {"depth_range": 0.6, "tilt_range": 40.0}
SQUARES = {"mean_percent": 0.1, "p95_percent": 0.5}


@pytest.mark.parametrize(
    ("changes", "level", "kind", "text"),
    [
        ({"mean_px": 4.2}, "failure", "error", "misses held-out corners of the board by 4.20 px"),
        ({"mean_px": np.nan}, "warning", "views", "could not be judged"),
        ({"spread_percent": 5.0}, "failure", "spread", "comes out 5.0 % of its distance to the board elsewhere"),
        ({"coverage": 0.05}, "warning", "views", "covered only 5 % of the picture"),
        ({"depth_range": 0.95}, "warning", "views", "hardly changed its distance, so"),
        ({"tilt_range": 5.0, "depth_range": 0.9}, "warning", "views", "hardly changed its distance and tilt"),
    ],
)
def test_a_camera_beyond_a_limit_is_named(changes: dict, level: str, kind: str, text: str) -> None:
    table = pd.DataFrame([{**GOOD, "camera": "right"}, GOOD | changes])
    (finding,) = judge_measures(table, SQUARES, CONFIG, "mm")
    assert (finding.level, finding.kind, finding.cameras) == (level, kind, ("left",))
    assert text in finding.text


def test_the_worst_camera_stands_first_and_good_ones_are_not_named() -> None:
    assert judge_measures(pd.DataFrame([GOOD]), SQUARES, CONFIG, "mm") == []
    table = pd.DataFrame([GOOD | {"camera": name, "mean_px": error} for name, error in (("a", 5.0), ("b", 9.0), ("c", 1.0))])
    assert [finding.cameras for finding in judge_measures(table, SQUARES, CONFIG, "mm")] == [("b",), ("a",)]


def test_squares_and_points_of_another_size_are_failures() -> None:
    (finding,) = judge_measures(pd.DataFrame([GOOD]), {"mean_percent": -3.4, "p95_percent": 5}, CONFIG, "mm")
    assert "the board's squares measure -3.4 % from their true size" in finding.text
    points = {"scale_percent": 1.5, "residual_percent": 1.0, "residual": 2.0, "worst": "a", "mirrored": False, "below": False}
    assert check_world_points({}, CONFIG) == check_world_points({"world_points": points}, CONFIG) == []
    assert [finding.kind for finding in check_world_points({"world_points": points | {"scale_percent": -2.5}}, CONFIG)] == ["scale"]


def test_failures_stop_unless_they_are_accepted() -> None:
    findings = [Finding("warning", "views", ("a",), "seen little"), Finding("failure", "error", ("b",), "camera 'b' is bad")]
    with pytest.raises(InputError, match=r"not good enough: camera 'b' is bad; calibration\.accept_poor: true goes on"):
        refuse(findings, accepted=False)
    refuse(findings, accepted=True)
    refuse(findings[:1], accepted=False)


def test_cameras_with_too_few_views_are_named_with_their_counts(exact_corners: Corners) -> None:
    check_views(exact_corners, CONFIG)
    points = exact_corners.points.copy()
    points[1, 4:] = np.nan
    with pytest.raises(InputError, match=r"too few of 24 searched frames show the board to right \(4\), at least 6"):
        check_views(replace(exact_corners, points=points), CONFIG)
