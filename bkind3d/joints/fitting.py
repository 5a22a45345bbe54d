"""Fit joints to keypoints on labelled frames: which regression, how sure it is, and what more labels would bring."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from bkind3d.config import InputError, JointsConfig
from bkind3d.data.parquet import read_failure
from bkind3d.data.points import Points, read_points
from bkind3d.data.results import MIN_FRAMES
from bkind3d.data.spacing import spread_indices
from bkind3d.joints.intervals import find_radii, group_frames
from bkind3d.joints.model import JointModel, describe_poses, measure_distances
from bkind3d.joints.poses import Heading, fit_heading, smooth_points
from bkind3d.joints.regression import Kind, Tuning, fit_regressor, split_folds
from bkind3d.study.sheets import read_sessions

log = logging.getLogger(__name__)

#: Widths of the average over neighbouring frames that are tried, kept frames; folds; frames that are looked at while choosing.
_WIDTHS, _FOLDS, _MOST_CHOSEN = (0.0, 1.0, 2.0), 6, 2000
#: Frames in which a joint has to be known where others are held out: fewer than where none are.
_LEAST_HELD = MIN_FRAMES // 2
#: Numbers of labelled frames of the learning curve, and draws of each.
_NUMBERS, _DRAWS = (10, 15, 20, 30, 50, 70, 100, 150, 200, 300), 8
#: Further labels of which is said what they would bring.
_MORE = 30


@dataclass(frozen=True)
class LabelledSession:
    """Keypoints and known joints of a session.

    Attributes
    ----------
    chosen : of the keypoints' frames, those that may be learned from; all without it.
    """

    session: str
    subject: str
    keypoints: Points
    joints: Points
    chosen: Bool[NDArray, "frame"] | None = None


@dataclass(frozen=True)
class _Labels:
    """The labelled frames of all sessions, one row each; world units."""

    poses: Float[NDArray, "frame keypoint 3"]
    joints: Float[NDArray, "frame joint 3"]
    session: Int[NDArray, "frame"]
    subject: Int[NDArray, "frame"]
    time_s: Float[NDArray, "frame"]

    def take(self, rows: Int[NDArray, "..."]) -> "_Labels":
        return _Labels(*(values[rows] for values in vars(self).values()))


class JointFit(NamedTuple):
    """`summary` is what is said of the model: which regression, errors in the cross-validation, learning curve."""

    model: JointModel
    summary: dict[str, Any]


class _Held(NamedTuple):
    """Answers to frames that were held out: errors (world units, NaN where a joint is not known), and distances to the nearest pose seen."""

    errors: Float[NDArray, "frame joint"]
    distances: Float[NDArray, "frame"]


def fit_joints(sessions: Sequence[LabelledSession], config: JointsConfig, role: str = "discovered") -> JointFit:
    """Fit the regression from keypoints to joints.

    Which regression, and over how many neighbouring frames keypoints are averaged, is chosen by cross-validation: over subjects where there
    are several, else over sessions, else over blocks of a second. Its errors on frames held out give the intervals
    (:mod:`bkind3d.joints.intervals`).

    Parameters
    ----------
    sessions : of one model. Joints may be known in few of their frames.
    role : supervised where the points are joints already; nothing is fit then, and the frames must not be those that it learned from.

    Returns
    -------
    A model without joints, and a summary with a ``reason``, where too few frames are labelled.
    """
    names = list(dict.fromkeys(name for entry in sessions for name in entry.joints.names))
    keypoints = sessions[0].keypoints.names if sessions else ()
    labels = _collect(sessions, keypoints, names, 0.0)
    known = np.isfinite(labels.joints).all(axis=2).sum(axis=0)
    kept = [index for index, number in enumerate(known) if number >= MIN_FRAMES and (role != "supervised" or names[index] in keypoints)]
    if not kept:
        most = int(known.max(initial=0))
        reason = f"no joint is labelled in {MIN_FRAMES} frames that have keypoints (at most in {most}): label more frames"
        log.warning("%s", reason)
        empty = JointModel(keypoints, (), None, 0.0, np.zeros(len(keypoints), complex), np.empty((0, 0)), 1.0, np.empty(0))
        return JointFit(empty, {"joints": {}, "reason": reason})
    dropped = {names[index]: int(known[index]) for index in range(len(names)) if index not in kept}
    chosen = [names[index] for index in kept]
    if role == "supervised":
        return _accept(_collect(sessions, keypoints, chosen, 0.0), keypoints, chosen, config, dropped)
    return _fit(sessions, keypoints, chosen, config, dropped)


def read_labelled(sheet: str | Path, keypoints: Mapping[str, str | Path], joints: Mapping[str, str | Path]) -> list[LabelledSession]:
    """Read the sessions that have both, in the order of the sheet; one that could not be done has none."""
    rows = read_sessions(Path(sheet))
    return [
        LabelledSession(name, row.subject, read_points(keypoints[name], "keypoints"), read_points(joints[name], "joints"))
        for name, row in rows.items()
        if name in keypoints and name in joints and not (read_failure(keypoints[name]) or read_failure(joints[name]))
    ]


def _collect(sessions: Iterable[LabelledSession], keypoints: Sequence[str], names: Sequence[str], width: float) -> _Labels:
    """Frames that have all keypoints and any of the joints."""
    parts: list[tuple[Any, ...]] = []
    subjects: list[str] = []
    for number, entry in enumerate(sessions):
        points = smooth_points(entry.keypoints, width)
        order = [points.names.index(name) for name in keypoints]
        poses = points.positions[:, order]
        place = [entry.joints.names.index(name) if name in entry.joints.names else -1 for name in names]
        given = entry.joints.positions_at(points.frames)
        joints = np.concatenate([given, np.full((len(given), 1, 3), np.nan)], axis=1)[:, place]
        rows = np.isfinite(poses).all(axis=(1, 2)) & np.isfinite(joints).all(axis=2).any(axis=1)
        rows &= True if entry.chosen is None else entry.chosen
        subjects.append(entry.subject)
        session, subject = (np.full(int(rows.sum()), code) for code in (number, list(dict.fromkeys(subjects)).index(entry.subject)))
        parts.append((poses[rows], joints[rows], session, subject, points.time_s[rows]))
    if not parts:
        none = np.empty(0, dtype=np.int64)
        return _Labels(np.empty((0, len(keypoints), 3)), np.empty((0, len(names), 3)), none, none, np.empty(0))
    return _Labels(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _fit(
    sessions: Sequence[LabelledSession], keypoints: tuple[str, ...], names: list[str], config: JointsConfig, dropped: dict[str, int]
) -> JointFit:
    smoothed = {width: _collect(sessions, keypoints, names, width) for width in (_WIDTHS if config.neighbours else _WIDTHS[:1])}
    labels = smoothed[0.0]
    groups, folded = group_frames(labels.subject, labels.session, labels.time_s, least_subjects=2)
    heading = fit_heading(labels.poses)
    few = spread_indices(len(labels.time_s), _MOST_CHOSEN)
    few_groups = groups[few]
    wanted: list[Kind] = ["linear", "ridge", "kernel", "shared"] if config.regressor == "best" else [config.regressor]
    # The width first, by one regression; then which regression.
    by_width = {width: _hold_out(wanted[-1], part.take(few), heading, few_groups, names) for width, part in smoothed.items()}
    width = min(by_width, key=lambda entry: _mean(by_width[entry][0].errors))
    labels = smoothed[width]
    held: dict[Kind, tuple[_Held, Tuning | None]] = {wanted[-1]: by_width[width]}
    for kind in wanted:
        if kind not in held:
            try:
                held[kind] = _hold_out(kind, labels.take(few), heading, few_groups, names)
            except InputError as error:  # least squares has no answer to fewer frames than parameters
                if len(wanted) == 1:
                    raise
                log.info("%s: %s", kind, error)
    errors = {kind: _mean(held[kind][0].errors) for kind in wanted if kind in held}
    kind = min(errors, key=lambda entry: errors[entry])
    found, tuning = held[kind]
    features, placement = describe_poses(labels.poses, heading)
    regressor = fit_regressor(kind, features, placement.enter(labels.joints), groups, tuple(names), tuning)
    typical = float(np.median(found.distances))
    scales = 1 + found.distances / max(typical, 1e-12)
    part = labels.take(few)
    units, unit = group_frames(part.subject, part.session, part.time_s)
    radii = find_radii(found.errors / scales[:, None], units, config.level)
    model = JointModel(keypoints, tuple(names), regressor, width, heading, features[spread_indices(len(features), 2000)], typical, radii)
    curve = _draw_curve(kind, part, heading, few_groups, names, tuning)
    summary = _describe(found.errors, labels, names, config, dropped)
    summary |= {"regressor": kind, "neighbours": width, "folds": folded, "unit": unit, "n_units": len(np.unique(units))}
    summary |= {"errors": errors, "curve": curve, "gain": _estimate_gain(curve, len(labels.time_s), summary["error"])}
    return JointFit(model, summary)


def _accept(labels: _Labels, keypoints: tuple[str, ...], names: list[str], config: JointsConfig, dropped: dict[str, int]) -> JointFit:
    """Take the points of a supervised method as they are; their errors are those on the frames that are labelled."""
    errors = np.linalg.norm(labels.poses[:, [keypoints.index(name) for name in names]] - labels.joints, axis=2)
    units, unit = group_frames(labels.subject, labels.session, labels.time_s)
    radii = find_radii(errors, units, config.level)
    model = JointModel(keypoints, tuple(names), None, 0.0, np.zeros(len(keypoints), complex), np.empty((0, 0)), 1.0, radii)
    summary = _describe(errors, labels, names, config, dropped)
    return JointFit(model, summary | {"regressor": "none", "unit": unit, "n_units": len(np.unique(units))})


def _hold_out(
    kind: Kind, labels: _Labels, heading: Heading, groups: Int[NDArray, "frame"], names: Sequence[str]
) -> tuple[_Held, Tuning | None]:
    """Errors on every frame of a regression that has not seen its group."""
    features, placement = describe_poses(labels.poses, heading)
    targets = placement.enter(labels.joints)
    tuning = fit_regressor(kind, features, targets, groups, tuple(names)).tuning
    errors, distances = np.full(targets.shape[:2], np.nan), np.full(len(features), np.nan)
    for fit, held in split_folds(groups, _FOLDS):
        members = _known_enough(targets[fit], _LEAST_HELD)
        if not len(members):
            continue
        regressor = fit_regressor(kind, features[fit], targets[fit][:, members], groups[fit], _pick(names, members), tuning, _LEAST_HELD)
        errors[np.ix_(held, members)] = np.linalg.norm(regressor.predict(features[held]) - targets[held][:, members], axis=2)
        distances[held] = measure_distances(features[held], features[fit])
    return _Held(errors, distances), tuning


def _known_enough(targets: Float[NDArray, "frame joint 3"], least: int = MIN_FRAMES) -> Int[NDArray, "member"]:
    """Joints that are known often enough to be fit."""
    return np.flatnonzero(np.isfinite(targets).all(axis=2).sum(axis=0) >= least)


def _pick(names: Sequence[str], members: Int[NDArray, "member"]) -> tuple[str, ...]:
    return tuple(names[index] for index in members)


def _mean(errors: Float[NDArray, "frame joint"]) -> float:
    return float(np.nanmean(errors)) if np.isfinite(errors).any() else float("inf")


def _draw_curve(
    kind: Kind, labels: _Labels, heading: Heading, groups: Int[NDArray, "frame"], names: Sequence[str], tuning: Tuning | None
) -> list[dict[str, Any]]:
    """Mean error on frames held out when only some of the others are labelled, by draws."""
    features, placement = describe_poses(labels.poses, heading)
    targets, folds, generator = placement.enter(labels.joints), split_folds(groups, _FOLDS), np.random.default_rng(0)
    least = min(len(fit) for fit, _ in folds)
    curve = []
    for number in [number for number in _NUMBERS if number <= least]:
        draws = []
        for _ in range(_DRAWS):
            errors = []
            for fit, held in folds:
                drawn = generator.choice(fit, number, replace=False)
                members, asked = _known_enough(targets[drawn]), held[spread_indices(len(held), 300)]
                if len(members) and (kind != "linear" or number >= features.shape[1]):
                    regressor = fit_regressor(
                        kind, features[drawn], targets[drawn][:, members], groups[drawn], _pick(names, members), tuning
                    )
                    errors.append(np.linalg.norm(regressor.predict(features[asked]) - targets[asked][:, members], axis=2).ravel())
            if errors:
                draws.append(float(np.nanmean(np.concatenate(errors))))
        curve += [{"n_frames": number, "draws": draws, "error": float(np.mean(draws))}] if draws else []
    return curve


def _estimate_gain(curve: Sequence[dict[str, Any]], n_frames: int, error: float) -> dict[str, Any] | None:
    """What more labels are expected to bring: errors fall with the root of the number of frames, towards what no label changes.

    The interval is that of 200 resamples of the draws.
    """
    if len(curve) < 2:
        return None
    generator, gains = np.random.default_rng(0), []
    step = n_frames**-0.5 - (n_frames + _MORE) ** -0.5
    for resample in range(201):
        means = [np.mean(entry["draws"] if not resample else generator.choice(entry["draws"], len(entry["draws"]))) for entry in curve]
        slope = np.polyfit([entry["n_frames"] ** -0.5 for entry in curve], means, 1)[0]
        gains.append(float(np.clip(slope * step, 0, error)))
    low, high = np.percentile(gains[1:], [5, 95])
    return {"n_frames": _MORE, "expected": gains[0], "low": float(low), "high": float(high)}


def _describe(
    errors: Float[NDArray, "frame joint"], labels: _Labels, names: Sequence[str], config: JointsConfig, dropped: dict[str, int]
) -> dict[str, Any]:
    """Errors on frames held out, over all joints and of each (world units)."""
    table = pd.DataFrame(errors, columns=list(names))
    within = table.quantile(config.level)
    each = {name: {"n_frames": int(table[name].notna().sum()), "error": table[name].mean(), "within": within[name]} for name in names}
    return {
        "n_frames": len(labels.time_s),
        "n_sessions": len(np.unique(labels.session)),
        "n_subjects": len(np.unique(labels.subject)),
        "error": _mean(errors),
        "within": float(np.nanquantile(errors, config.level)),
        "level": config.level,
        "joints": each,
        "too_few": dropped,
    }
