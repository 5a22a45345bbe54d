"""Judge discovered keypoints by regression to joints, beside floors and oracles, all on the same frames."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from bkind3d.config import EvaluationConfig
from bkind3d.data.parquet import TABLES
from bkind3d.data.results import NO_REFERENCE, POSE_COLUMNS
from bkind3d.evaluation.body_parts import measure_identity, measure_truth, summarise_method
from bkind3d.evaluation.bootstrap import Units, make_units, percentile_interval, resample_means
from bkind3d.evaluation.candidates import MethodResult, measure_methods
from bkind3d.evaluation.label_efficiency import measure_label_efficiency
from bkind3d.evaluation.labelled_frames import LabelledFrames, all_known, select_common, stack_frames
from bkind3d.evaluation.metrics import ERRORS, mean_over_joints
from bkind3d.evaluation.pose_tables import group_errors, make_errors_table, make_joints_table
from bkind3d.evaluation.recordings import Points, Recording, common_units
from bkind3d.evaluation.splits import TEST, TRAIN
from bkind3d.evaluation.steadiness import Motion, find_steps
from bkind3d.evaluation.swaps import body_length
from bkind3d.evaluation.upstream import judge_as_upstream

logger = logging.getLogger(__name__)

Edge = tuple[str, str]

#: Share of the body's length up to which a joint is correct, where the settings give no threshold.
PCK_SHARE = 0.1


@dataclass(frozen=True)
class PoseJudgement:
    """`summary` is the content of pose.json; `errors` and `joint_errors` are its tables."""

    summary: dict[str, Any]
    errors: pd.DataFrame
    joint_errors: pd.DataFrame


def _find_intervals(results: Sequence[MethodResult], units: Units, config: EvaluationConfig) -> list[dict[str, float]]:
    """95 % intervals of each method's PA-MPJPE and of its paired differences to the floors; negative differences are better."""
    series = np.stack([mean_over_joints(result.errors.pa_mpjpe) for result in results])
    means = resample_means(series, units, config.bootstrap, config.seed)
    index = {result.name: column for column, result in enumerate(results)}
    intervals = []
    for column, result in enumerate(results):
        entry = dict(zip(("pa_mpjpe_ci_low", "pa_mpjpe_ci_high"), percentile_interval(means[:, column]), strict=True))
        for floor in ("mean_pose", "untrained"):
            difference = np.nan * means[:, 0] if result.name == floor else means[:, column] - means[:, index[floor]]
            low, high = percentile_interval(difference)
            entry |= {f"vs_{floor}_ci_low": low, f"vs_{floor}_ci_high": high}
        intervals.append(entry)
    return intervals


def _count_views(recordings: Sequence[Recording]) -> int | None:
    """Number of views of the keypoints, None where files do not say or differ."""
    metadata = [recording.keypoints.metadata for recording in recordings]
    numbers = {entry.get("n_views") or len(entry.get("cameras") or ()) or None for entry in metadata}
    return numbers.pop() if len(numbers) == 1 else None


def _describe_network(recordings: Sequence[Recording]) -> dict[str, str | None]:
    """Image encoder and perceptual features of the network that found the keypoints, None where files do not say or differ."""
    found: dict[str, str | None] = {}
    for key in ("encoder", "perceptual"):
        stated = {recording.keypoints.metadata.get(key) for recording in recordings}
        found[key] = stated.pop() if len(stated) == 1 else None
    return found


def _list_models(recordings: Sequence[Recording]) -> dict[str, list[str]]:
    """Identities of the models that made the keypoints, as their files state them."""
    made = {
        "bkind3d": [recording.keypoints for recording in recordings],
        "untrained": [recording.untrained for recording in recordings if recording.untrained],
    }
    stated = {method: {str(points.metadata["model"]) for points in group if "model" in points.metadata} for method, group in made.items()}
    return {method: sorted(models) for method, models in stated.items()}


def _describe_motion(
    positions: Float[np.ndarray, "frame keypoint 3"],
    session: Int[np.ndarray, " frame"],
    time_s: Float[np.ndarray, " frame"],
    sources: Sequence[Points],
) -> Motion:
    """Keypoints of the judged frames over time; spread and agreement are means over the whole sessions of `sources`."""
    spreads = [points.spreads for points in sources if points.spreads is not None]
    stated = [points.metadata.get("agreement") or {} for points in sources]
    agreement: dict[str, np.ndarray] = {}
    for kind in ("turned", "fewer_views"):
        found = [entry[kind] for entry in stated if entry.get(kind)]
        agreement |= {kind: np.mean(found, axis=0)} if found else {}
    spread = np.nanmean(np.concatenate(spreads), axis=0) if spreads else None
    return Motion(positions, session, find_steps(session, time_s), spread, agreement)


def _summarise_identity(train: LabelledFrames, test: LabelledFrames, judged: Sequence[Recording], edges: Sequence[Edge]) -> dict[str, Any]:
    """Identity of the keypoints, and beside it that of the untrained network, on the test frames."""
    assert judged[0].joints is not None
    names, joint_names = judged[0].keypoints.names, judged[0].joints.names
    content = measure_identity(test.keypoints, names, test.joints, joint_names)
    methods = {}
    for method, attribute in (("bkind3d", "keypoints"), ("untrained", "untrained")):
        points = [getattr(judged[index], attribute) for index in np.unique(test.session)]
        motion = _describe_motion(getattr(test, attribute), test.session, test.time_s, points)
        truth = measure_truth(train, test, attribute, names, joint_names)
        methods[method] = summarise_method(motion, _index_edges(edges, names), names, truth)
    return content | {"methods": methods}


def _index_edges(edges: Sequence[Edge], names: Sequence[str]) -> list[tuple[int, int]]:
    """Edges as pairs of places in `names`; those of other keypoints are passed over."""
    return [(names.index(one), names.index(other)) for one, other in edges if one in names and other in names]


def _without_reference(recordings: Sequence[Recording], base: dict[str, Any], reason: str, edges: Sequence[Edge]) -> PoseJudgement:
    """What can be said where nothing is known of the joints: distances between keypoints, and how steady they are."""
    logger.info("%s: %s", NO_REFERENCE, reason)
    row = dict.fromkeys(POSE_COLUMNS) | base | {"method": "bkind3d", "supervision": "none", "regressor": NO_REFERENCE}
    positions = np.concatenate([r.keypoints.positions for r in recordings]) if recordings else np.empty((0, 0, 3))
    names = recordings[0].keypoints.names if recordings else ()
    row |= {"n_keypoints": len(names) or None, "n_views": _count_views(recordings)} | _describe_network(recordings)
    known = all_known(positions) if recordings else np.empty(0, dtype=bool)
    identity = measure_identity(positions[known], names)
    if known.any():
        session = np.concatenate([np.full(len(r.keypoints.frames), index) for index, r in enumerate(recordings)])
        time_s = np.concatenate([r.keypoints.time_s for r in recordings])
        motion = _describe_motion(positions[known], session[known], time_s[known], [r.keypoints for r in recordings])
        identity |= {"methods": {"bkind3d": summarise_method(motion, _index_edges(edges, names), names)}}
    summary = base | {"split": {"name": base["split"]}, "reference": None, "reason": reason}
    summary |= {"models": _list_models(recordings), "rows": [row], "identity": identity}
    return PoseJudgement(summary, *(pd.DataFrame(columns=list(TABLES[kind])) for kind in ("errors", "joint_errors")))


def judge_poses(
    recordings: Sequence[Recording], config: EvaluationConfig, experiment: str, dataset: str, edges: Sequence[Edge] = ()
) -> PoseJudgement:
    """Judge the keypoints of an experiment on the sessions that have joints.

    Parameters
    ----------
    recordings : of :func:`read_recordings`, with keypoints, untrained keypoints and joints.
    experiment, dataset : names for the tables.
    edges : the skeleton of the keypoints, as pairs of names; the lengths of its edges are watched.

    Raises
    ------
    InputError
        Where sessions with joints cannot be split into train and test as the configuration asks, or nothing is left to judge.
    """
    base: dict[str, Any] = {"experiment": experiment, "dataset": dataset, "split": config.split, "unit": common_units(recordings)}
    judged = [r for r in recordings if r.joints is not None and (config.split == "blocks" or r.split in ("train", "test"))]
    if not judged:
        reason = "no train or test session has joints" if config.split == "blocks" else "joints are not in both train and test sessions"
        return _without_reference(recordings, base, reason, edges)
    names = judged[0].joints.names if judged[0].joints else ()
    frames = stack_frames(judged, config)
    train, test = select_common(frames)
    results, oracle_joints = measure_methods(frames, train, test, config, names)
    units = make_units(test.session, test.time_s)
    threshold = config.pck_threshold or PCK_SHARE * body_length(test.joints)
    errors = make_errors_table(results, test, judged, threshold)
    n_unknown = int((~np.isfinite(test.joints).all(axis=2)).sum())
    shared = base | {"n_views": _count_views(judged), "n_frames": len(test.frame), "n_unknown": n_unknown} | _describe_network(judged)
    shared |= {"pck_threshold": threshold, "interval_unit": units.kind}
    summary = base | {
        "reference": "joints",
        "models": _list_models(judged),
        "rows": _make_rows(results, _find_intervals(results, units, config), shared, config, errors),
        "groups": group_errors(errors),
        "label_efficiency": measure_label_efficiency(train, test, config, names),
        "upstream": judge_as_upstream(train, test),
        "root": config.root or "centroid",
        "regressor": {"name": config.regressor, "strengths": {r.name: r.strengths for r in results if r.strengths}},
        "split": _describe_split(frames, train, test, judged, config),
        "bootstrap": {"unit": units.kind, "n_units": units.number, "resamples": config.bootstrap, "seed": config.seed},
        "oracle_joints": oracle_joints,
        "joints": list(names),
        "n_unknown_joints": n_unknown,
        "identity": _summarise_identity(train, test, judged, edges),
    }
    return PoseJudgement(summary, errors, make_joints_table(results, names, threshold))


def _make_rows(
    results: Sequence[MethodResult],
    intervals: Sequence[dict[str, float]],
    base: dict[str, Any],
    config: EvaluationConfig,
    errors: pd.DataFrame,
) -> list[dict[str, Any]]:
    """The rows of pose.csv, one for each method: means over frames of the means over each frame's known joints.

    Floors and oracles that look at no picture have no views and no network.
    """
    means = errors.groupby("method")[[*ERRORS, "pck", "auc"]].mean()
    rows = []
    for result, interval in zip(results, intervals, strict=True):
        row = base | interval
        row |= {"method": result.name, "supervision": result.supervision, "n_keypoints": result.n_points, "n_missing": result.n_missing}
        row |= means.loc[result.name].to_dict()
        row["regressor"] = config.regressor if result.n_points else "none"
        if result.supervision != "none":
            row |= {"n_views": 0, "encoder": None, "perceptual": None}
        rows.append({column: row[column] for column in POSE_COLUMNS})
    return rows


def _describe_split(
    frames: LabelledFrames, train: LabelledFrames, test: LabelledFrames, judged: Sequence[Recording], config: EvaluationConfig
) -> Mapping[str, Any]:
    """Which sessions and how many frames taught and tested, and what was left out and why."""
    content: dict[str, Any] = {"name": config.split}
    if config.split == "blocks":
        content |= {"block_frames": config.block_frames, "border_frames": config.border_frames}
    for name, part, chosen in (("train", TRAIN, train), ("test", TEST, test)):
        of_part = frames.part == part
        content[name] = {
            "sessions": [judged[i].session for i in np.unique(frames.session[of_part])],
            "n_frames": len(chosen.frame),
            "n_labelled": int((of_part & frames.is_labelled).sum()),
            "n_unlabelled": int((of_part & ~frames.is_labelled).sum()),
        }
    return content
