"""Whether a calibration is good enough: its measures against the limits of the settings."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from bkind3d.calibration.boards import Corners
from bkind3d.calibration.findings import Finding, list_failures
from bkind3d.config import CalibrationConfig, InputError

#: Beyond this share the board hardly changed its distance, and below these degrees its tilt: a small error proves little.
_FLAT_DEPTH, _FLAT_TILT = 0.85, 15.0
#: A point of the world that is off by more than this share of the points' reach was mistyped, or marked elsewhere.
_MISPLACED_PERCENT = 10.0


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
            f"too few of {len(corners.frames)} searched frames show the board to {listed}, at least {config.min_board_frames} are needed; "
            "film the board longer where these cameras see it, or raise calibration.max_board_frames"
        )


def judge_measures(table: pd.DataFrame, squares: Mapping[str, float], config: CalibrationConfig, units: str) -> list[Finding]:
    """What the measures say: failures beyond the limits of `config`, warnings where a small error proves little.

    Parameters
    ----------
    table : as :func:`bkind3d.calibration.quality.measure_quality` gives it, with ``spread_percent`` if that is known.
    squares : as :func:`bkind3d.calibration.quality.measure_squares` gives it.
    """
    findings = _judge_squares(squares, config)
    for row in sorted(table.to_dict("records"), key=lambda row: -_or_zero(row["mean_px"])):
        name = str(row["camera"])
        findings += [*_judge_error(name, row, config, units), *_judge_spread(name, row, config), *_judge_views(name, row, config)]
    return findings


def check_world_points(details: Mapping[str, Any], config: CalibrationConfig) -> list[Finding]:
    """Whether named points of the world, where there are any, lie to each other as the cameras measure them.

    Parameters
    ----------
    details : ``world_points`` as :func:`bkind3d.calibration.world.place_by_points` gives it.
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


def refuse(findings: list[Finding], accepted: bool) -> None:
    """Stop where there are failures that were not accepted beforehand.

    Raises
    ------
    InputError : with all failures in one line.
    """
    failures = list_failures(findings)
    if failures and not accepted:
        listed = "; ".join(finding.text for finding in failures)
        raise InputError(f"the calibration is not good enough: {listed} (calibration.accept_poor: true goes on, and the report says so)")


def _judge_error(name: str, row: Mapping[str, Any], config: CalibrationConfig, units: str) -> list[Finding]:
    error = row["mean_px"]
    if math.isnan(error):
        text = (
            f"camera {name!r} could not be judged: no held-out view shows it the board together with another camera; film the board longer"
        )
        return [Finding("warning", "views", (name,), text)]
    if error <= config.max_error_px:
        return []
    text = (
        f"camera {name!r} misses held-out corners of the board by {error:.2f} px ({row['mean_percent']:.2f} % of the picture's width, "
        f"{row['mean_world']:.3g} {units} at the board), more than calibration.max_error_px {config.max_error_px:g}"
    )
    return [Finding("failure", "error", (name,), text)]


def _judge_spread(name: str, row: Mapping[str, Any], config: CalibrationConfig) -> list[Finding]:
    spread = _or_zero(row.get("spread_percent"))
    if spread <= config.max_spread_percent:
        return []
    text = (
        f"camera {name!r} comes out {spread:.1f} % of its distance to the board elsewhere when other board views are used, "
        f"more than calibration.max_spread_percent {config.max_spread_percent:g}; show it the board at more distances and tilts"
    )
    return [Finding("failure", "spread", (name,), text)]


def _judge_squares(squares: Mapping[str, float], config: CalibrationConfig) -> list[Finding]:
    deviation = squares["mean_percent"]
    if not abs(deviation) > config.max_square_percent:
        return []
    text = (
        f"the board's squares measure {deviation:+.1f} % from their true size, more than calibration.max_square_percent "
        f"{config.max_square_percent:g}; check the board's square_length and how it was printed"
    )
    return [Finding("failure", "square", (), text)]


def _judge_views(name: str, row: Mapping[str, Any], config: CalibrationConfig) -> list[Finding]:
    findings = []
    if row["coverage"] < config.min_coverage:
        text = f"camera {name!r}: the board covered only {100 * row['coverage']:.0f} % of the picture; move it into the corners"
        findings.append(Finding("warning", "views", (name,), text))
    flat = [
        words for words, is_flat in (("distance", row["depth_range"] > _FLAT_DEPTH), ("tilt", row["tilt_range"] < _FLAT_TILT)) if is_flat
    ]
    if flat:
        text = f"camera {name!r}: the board hardly changed its {' and '.join(flat)}, so a small error proves little; move it nearer and farther, and tilt it"
        findings.append(Finding("warning", "views", (name,), text))
    return findings


def _or_zero(value: Any) -> float:
    return float(value) if value is not None and not math.isnan(value) else 0.0
