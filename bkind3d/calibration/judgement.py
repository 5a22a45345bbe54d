"""What is found out about a calibration, in three degrees, and whether it is good enough: its measures against the settings' limits."""

import logging
import math
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from bkind3d.calibration.boards import Corners
from bkind3d.config import CalibrationConfig, InputError

log = logging.getLogger(__name__)

#: Beyond this share the board hardly changed its distance, and below these degrees its tilt: a small error proves little.
_FLAT_DEPTH, _FLAT_TILT = 0.85, 15.0
#: A point of the world that is off by more than this share of the points' reach was mistyped, or marked elsewhere.
_MISPLACED_PERCENT = 10.0

#: Beyond a limit, or plainly wrong; what a user should see to; what he may like to know.
Level = Literal["failure", "warning", "remark"]


@dataclass(frozen=True)
class Finding:
    """One thing that is found, the cameras (names) that it is about, and what it is in one sentence.

    Kinds: error, square, spread, copy, mirrored, back, moved, timing, misfit, scale, squares, unshared, views, world.
    """

    level: Level
    kind: str
    cameras: tuple[str, ...]
    text: str


def check_views(corners: Corners, config: CalibrationConfig) -> None:
    """Refuse cameras that see the board too seldom to be calibrated; name them with their counts.

    Raises
    ------
    InputError : in one line.
    """
    counts = dict(zip(corners.cameras, corners.seen.sum(axis=1).tolist(), strict=True))
    few = {name: count for name, count in counts.items() if count < config.min_board_frames}
    if few:
        listed = ", ".join(f"{name} ({count})" for name, count in few.items())
        raise InputError(
            "",
            f"too few of {len(corners.frames)} searched frames show the board to {listed}, at least {config.min_board_frames} are needed",
            "film the board longer where these cameras see it, or raise calibration.max_board_frames",
        )


def judge_measures(table: pd.DataFrame, squares: Mapping[str, float], config: CalibrationConfig, units: str) -> list[Finding]:
    """What the measures say: failures beyond the limits of `config`, warnings where a small error proves little.

    `table` and `squares` are those of :mod:`bkind3d.calibration.quality`, the table with ``spread_percent`` if that is known.
    """
    findings = []
    if abs(squares["mean_percent"]) > config.max_square_percent:
        text = (
            f"the board's squares measure {squares['mean_percent']:+.1f} % from their true size, more than calibration.max_square_percent "
            f"{config.max_square_percent:g}; check the board's square_length and how it was printed"
        )
        findings.append(Finding("failure", "square", (), text))
    for row in table.sort_values("mean_px", ascending=False, kind="stable").to_dict("records"):
        name = str(row["camera"])
        findings += [Finding(level, kind, (name,), f"camera {name!r}{text}") for level, kind, text in _judge_camera(row, config, units)]
    return findings


def check_world_points(details: Mapping[str, Any], config: CalibrationConfig) -> list[Finding]:
    """Whether the world's named points, if there are any, lie to each other as the cameras measure them.

    Their ``world_points`` are what :func:`bkind3d.calibration.world.place_by_points` says of them.
    """
    points = details.get("world_points")
    if not points:
        return []
    if points["residual_percent"] > _MISPLACED_PERCENT and points["mirrored"]:
        text = "the world's named points are those of a mirrored world; exchange two of their axes, or the sign of one (x, y, z are right-handed)"
        return [Finding("failure", "world", (), text)]
    findings = []
    if points["below"]:
        text = (
            "all cameras stand below the world's named points; where they film from above, the points are those of a mirrored world: "
            "exchange x and y of all points"
        )
        findings.append(Finding("warning", "world", (), text))
    if abs(points["scale_percent"]) > config.max_square_percent:
        text = (
            f"distances between the world's named points measure {points['scale_percent']:+.1f} % from their true length, more than "
            f"calibration.max_square_percent {config.max_square_percent:g}; check the board's square_length, and the points"
        )
        findings.append(Finding("failure", "scale", (), text))
    if points["residual_percent"] > _MISPLACED_PERCENT:
        text = (
            f"the world's named point {points['worst']!r} lies {points['residual']:.3g} from its place ({points['residual_percent']:.0f} % of "
            "how far the points reach); correct where it is, or where it was marked"
        )
        findings.append(Finding("failure", "world", (), text))
    return findings


def log_findings(findings: Iterable[Finding]) -> None:
    """Say all that was found."""
    for finding in findings:
        (log.info if finding.level == "remark" else log.warning)("%s", finding.text)


def list_failures(findings: Iterable[Finding]) -> list[str]:
    """What those say that stop the workflow."""
    return [finding.text for finding in findings if finding.level == "failure"]


def refuse(findings: list[Finding], accepted: bool) -> None:
    """Stop where there are failures that were not accepted beforehand.

    Raises
    ------
    InputError : with all failures in one line.
    """
    failures = list_failures(findings)
    if failures and not accepted:
        advice = "calibration.accept_poor: true goes on, and the report says so"
        raise InputError("", f"the calibration is not good enough: {'; '.join(failures)}", advice)


def _judge_camera(row: Mapping[Hashable, Any], config: CalibrationConfig, units: str) -> Iterator[tuple[Level, str, str]]:
    """Level, kind, and what to say behind the camera's name, of all that is wrong in a row of the table."""
    if math.isnan(row["mean_px"]):
        text = " could not be judged: no held-out view shows it the board together with another camera; film the board longer"
        yield "warning", "views", text
    elif row["mean_px"] > config.max_error_px:
        text = (
            f" misses held-out corners of the board by {row['mean_px']:.2f} px ({row['mean_percent']:.2f} % of the picture's width, "
            f"{row['mean_world']:.3g} {units} at the board), more than calibration.max_error_px {config.max_error_px:g}"
        )
        yield "failure", "error", text
    if row.get("spread_percent", math.nan) > config.max_spread_percent:
        text = (
            f" comes out {row['spread_percent']:.1f} % of its distance to the board elsewhere when other board views are used, "
            f"more than calibration.max_spread_percent {config.max_spread_percent:g}; show it the board at more distances and tilts"
        )
        yield "failure", "spread", text
    if row["coverage"] < config.min_coverage:
        yield "warning", "views", f": the board covered only {100 * row['coverage']:.0f} % of the picture; move it into the corners"
    flat = ["distance"] * (row["depth_range"] > _FLAT_DEPTH) + ["tilt"] * (row["tilt_range"] < _FLAT_TILT)
    if flat:
        text = (
            f": the board hardly changed its {' and '.join(flat)}, so a small error proves little; move it nearer and farther, and tilt it"
        )
        yield "warning", "views", text
