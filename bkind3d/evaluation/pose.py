"""Judge what a method found by joints, beside floors and oracles, all on the same frames."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Shaped
from numpy.typing import NDArray

from bkind3d.config import EvaluationConfig, InputError, JointsConfig
from bkind3d.data.parquet import TABLES
from bkind3d.data.points import Points
from bkind3d.data.results import FLOORS, MEAN_POSE, NO_REFERENCE, POSE_COLUMNS, UNTRAINED, role_of
from bkind3d.evaluation.body_parts import measure_identity, measure_truth, summarise_candidate
from bkind3d.evaluation.bootstrap import find_intervals, make_units
from bkind3d.evaluation.candidates import Candidate, CandidateResult, measure_candidates
from bkind3d.evaluation.found_joints import judge_joints
from bkind3d.evaluation.label_efficiency import measure_label_efficiency
from bkind3d.evaluation.labelled_frames import TEST, TRAIN, LabelledFrames, all_known, assign_parts, select_common, stack_frames
from bkind3d.evaluation.metrics import ERRORS, JointErrors, PoseErrors, count_correct, mean_known
from bkind3d.evaluation.recordings import Recording, common_units
from bkind3d.evaluation.steadiness import Motion, find_steps
from bkind3d.evaluation.swaps import body_length
from bkind3d.evaluation.upstream import judge_as_upstream

logger = logging.getLogger(__name__)

Edge = tuple[str, str]

#: Share of the body's length up to which a joint is correct, where the settings give no threshold.
PCK_SHARE = 0.1


class PoseJudgement(NamedTuple):
    """`summary` is the content of pose.json; `errors` and `joint_errors` are its tables."""

    summary: dict[str, Any]
    errors: pd.DataFrame
    joint_errors: pd.DataFrame


def _describe_network(recordings: Sequence[Recording]) -> dict[str, Any]:
    """Number of views, image encoder, perceptual features and labels of what found the points; None where files do not say or differ."""
    metadata = [recording.judged.metadata for recording in recordings]
    stated: dict[str, set[Any]] = {key: {entry.get(key) for entry in metadata} for key in ("encoder", "perceptual")}
    stated["n_views"] = {entry.get("n_views") or len(entry.get("cameras") or ()) or None for entry in metadata}
    stated["labels"] = {entry.get("labels") for entry in metadata}
    return {key: values.pop() if len(values) == 1 else None for key, values in stated.items()}


def _list_models(recordings: Sequence[Recording], method: Candidate) -> dict[str, list[str]]:
    """Identities of the models that made the method's points and the untrained ones, as their files state them."""
    made = {name: [recording.points[name] for recording in recordings if name in recording.points] for name in (method.name, UNTRAINED)}
    return {name: sorted({str(points.metadata["model"]) for points in group if "model" in points.metadata}) for name, group in made.items()}


def _describe_motion(
    positions: Float[NDArray, "frame keypoint 3"],
    session: Int[NDArray, "frame"],
    time_s: Float[NDArray, "frame"],
    sources: Sequence[Points],
) -> Motion:
    """Keypoints of the judged frames over time; spread and agreement are means over the whole sessions of `sources`."""
    spreads = [points.spreads for points in sources if points.spreads is not None]
    stated = [points.metadata.get("agreement") or {} for points in sources]
    agreement: dict[str, Shaped[NDArray, ...]] = {}
    for kind in ("turned", "fewer_views"):
        found = [entry[kind] for entry in stated if entry.get(kind)]
        agreement |= {kind: np.mean(found, axis=0)} if found else {}
    spread = np.nanmean(np.concatenate(spreads), axis=0) if spreads else None
    return Motion(positions, session, find_steps(session, time_s), spread, agreement)


def _summarise_identity(
    train: LabelledFrames, test: LabelledFrames, judged: Sequence[Recording], method: Candidate, edges: Sequence[Edge]
) -> dict[str, Any]:
    """Identity of the method's points, and beside it that of the untrained network's, on the test frames."""
    assert judged[0].joints is not None
    names, joint_names = judged[0].judged.names, judged[0].joints.names
    content = measure_identity(test.points[method.name], names, test.joints, joint_names)
    summaries = {}
    for candidate, positions in test.points.items():
        points = [judged[index].points[candidate] for index in np.unique(test.session)]
        motion = _describe_motion(positions, test.session, test.time_s, points)
        truth = measure_truth(train, test, candidate, names, joint_names)
        summaries[candidate] = summarise_candidate(motion, _index_edges(edges, names), names, truth)
    return content | {"methods": summaries}


def _index_edges(edges: Sequence[Edge], names: Sequence[str]) -> list[tuple[int, int]]:
    """Edges as pairs of places in `names`; those of other keypoints are passed over."""
    return [(names.index(one), names.index(other)) for one, other in edges if one in names and other in names]


def _without_reference(
    recordings: Sequence[Recording], method: Candidate, base: dict[str, Any], reason: str, edges: Sequence[Edge]
) -> PoseJudgement:
    """What can be said where nothing is known of the joints: distances between keypoints, and how steady they are."""
    row = dict.fromkeys(POSE_COLUMNS) | base | {"method": method.name, "supervision": method.supervision, "regressor": NO_REFERENCE}
    found = [recording.judged for recording in recordings]
    positions = np.concatenate([points.positions for points in found]) if found else np.empty((0, 0, 3))
    names = found[0].names if found else ()
    row |= {"n_keypoints": len(names) or None} | _describe_network(recordings)
    known = all_known(positions) if found else np.empty(0, dtype=bool)
    identity = measure_identity(positions[known], names)
    if known.any():
        session = np.repeat(np.arange(len(found)), [len(points.frames) for points in found])
        time_s = np.concatenate([points.time_s for points in found])
        motion = _describe_motion(positions[known], session[known], time_s[known], found)
        identity |= {"methods": {method.name: summarise_candidate(motion, _index_edges(edges, names), names)}}
    summary = base | {"split": {"name": base["split"]}, "reference": None, "reason": reason}
    summary |= {"models": _list_models(recordings, method), "rows": [row], "identity": identity}
    return PoseJudgement(summary, *(pd.DataFrame(columns=list(TABLES[kind])) for kind in ("errors", "joint_errors")))


def judge_poses(
    recordings: Sequence[Recording],
    method: Candidate,
    config: EvaluationConfig,
    experiment: str,
    dataset: str,
    edges: Sequence[Edge] = (),
    joints: JointsConfig | None = None,
) -> PoseJudgement:
    """Judge what the method of an experiment found on the sessions that have joints.

    Where they do not allow it, the summary's ``reason`` says why (``failed``), and what needs no joints is measured all the same.

    Parameters
    ----------
    recordings : of :func:`read_recordings`, with joints, the points of `method`, and, if there are any, those of floors.
    experiment, dataset : names for the tables.
    edges : the skeleton of the keypoints, as pairs of names; the lengths of its edges are watched.
    joints : how the joints are fit that the study hands out, which are judged, too; the defaults without it.
    """
    base: dict[str, Any] = {"experiment": experiment, "dataset": dataset, "split": config.split, "unit": common_units(recordings)}
    judged = [r for r in recordings if r.joints is not None and (config.split == "blocks" or r.split in ("train", "test"))]
    if not judged:
        reason = "no train or test session has joints" if config.split == "blocks" else "joints are not in both train and test sessions"
        logger.info("%s: %s", NO_REFERENCE, reason)
        return _without_reference(recordings, method, base, reason, edges)
    try:
        judgement = _judge_by_joints(judged, method, config, base, edges)
        if method.role == "discovered":
            handed = judge_joints(judged, assign_parts(judged, config), joints or JointsConfig())
            judgement = judgement._replace(summary=judgement.summary | {"found_joints": handed})
        return judgement
    except InputError as error:
        logger.warning("not evaluated: %s", error)
        judgement = _without_reference(recordings, method, base, f"not evaluated: {error}", edges)
        return judgement._replace(summary=judgement.summary | {"failed": True})


def _judge_by_joints(
    judged: Sequence[Recording], method: Candidate, config: EvaluationConfig, base: dict[str, Any], edges: Sequence[Edge]
) -> PoseJudgement:
    """Judge recordings that all have joints.

    Raises
    ------
    InputError
        Where they cannot be split into train and test as the configuration asks, or too little is known of them.
    """
    names = judged[0].joints.names if judged[0].joints else ()
    frames = stack_frames(judged, config)
    train, test = select_common(frames)
    results, oracle_joints = measure_candidates(frames, train, test, method, judged[0].judged.names, config, names)
    regressed = [name for name in frames.points if name != method.name or method.role == "discovered"]
    units = make_units(test.session, test.time_s)
    series = {result.name: mean_known(result.errors.pa_mpjpe, axis=1) for result in results}
    threshold = config.pck_threshold or PCK_SHARE * body_length(test.joints)
    errors = make_errors_table(results, test, judged, threshold)
    n_unknown = int((~np.isfinite(test.joints).all(axis=2)).sum())
    shared = base | {"n_frames": len(test.frame), "n_unknown": n_unknown} | _describe_network(judged)
    shared |= {"n_train": len(train.frame)}
    shared |= {"pck_threshold": threshold, "interval_unit": units.kind}
    summary = base | {
        "reference": "joints",
        "models": _list_models(judged, method),
        "rows": _make_rows(results, find_intervals(series, units, config.bootstrap, config.seed), shared, errors),
        "groups": group_errors(errors),
        "label_efficiency": measure_label_efficiency(train, test, regressed, config, names),
        "upstream": judge_as_upstream(train, test, regressed),
        "mirrored": {result.name: result.mirrored for result in results if result.mirrored is not None},
        "root": config.root or "centroid",
        "regressor": {"name": config.regressor, "strengths": {r.name: r.strengths for r in results if r.strengths}},
        "split": _describe_split(frames, train, test, judged, config),
        "bootstrap": {"unit": units.kind, "n_units": units.number, "resamples": config.bootstrap, "seed": config.seed},
        "oracle_joints": oracle_joints,
        "joints": list(names),
        "n_unknown_joints": n_unknown,
        "identity": _summarise_identity(train, test, judged, method, edges),
    }
    return PoseJudgement(summary, errors, make_joints_table(results, names, threshold))


def _make_rows(
    results: Sequence[CandidateResult],
    intervals: Mapping[tuple[str, str], tuple[float, float]],
    base: dict[str, Any],
    errors: pd.DataFrame,
) -> list[dict[str, Any]]:
    """The rows of pose.csv, one for each candidate: means over frames of the means over each frame's known joints.

    The mean pose and the oracles, which look at no picture, have no views and no network. `base` has the labels of the method, and `n_train`
    frames of the regression; whatever is regressed has seen the joints of the more of both.
    """
    means = errors.groupby("method")[[*ERRORS, "pck", "auc"]].mean()
    rows = []
    for result in results:
        row = base | {"method": result.name, "supervision": result.candidate.supervision, "regressor": result.regressor}
        row |= {"n_keypoints": result.n_points, "n_missing": result.n_missing} | means.loc[result.name].to_dict()
        for column, floor in {"pa_mpjpe": "", **{f"vs_{floor}": floor for floor in FLOORS}}.items():
            row[f"{column}_ci_low"], row[f"{column}_ci_high"] = intervals.get((result.name, floor), (np.nan, np.nan))
        if result.name == MEAN_POSE or role_of(result.name) == "oracle":
            row |= {"n_views": 0, "encoder": None, "perceptual": None, "labels": row["n_train"]}
        elif result.regressor != "none":
            row["labels"] = max(row["n_train"], row["labels"] if role_of(result.name) == "regressed" and row["labels"] else 0)
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


def _list_metrics(errors: PoseErrors, threshold: float) -> dict[str, JointErrors]:
    """Every metric of every frame and joint, under its column's name."""
    pck, auc = count_correct(errors.root_mpjpe, threshold)
    return {name: getattr(errors, name) for name in ERRORS} | {"pck": pck, "auc": auc}


def make_errors_table(
    results: Sequence[CandidateResult], test: LabelledFrames, recordings: Sequence[Recording], threshold: float
) -> pd.DataFrame:
    """One row per candidate and test frame: means over the joints that are known; further columns of the sheet are carried along."""
    where = pd.DataFrame({"session": [recordings[i].session for i in test.session], "frame": test.frame, "time_s": test.time_s})
    where["behaviour"] = test.behaviour
    # Under another name where the table has a column of that name.
    extra = pd.DataFrame([dict(r.columns) for r in recordings]).rename(
        columns=lambda name: f"{name}_of_sheet" if name in TABLES["errors"] else name
    )
    extra = extra.assign(session=[r.session for r in recordings], subject=[r.subject for r in recordings])
    where = where.merge(extra, on="session", how="left", validate="many_to_one")
    tables = []
    for result in results:
        means = {name: mean_known(values, axis=1) for name, values in _list_metrics(result.errors, threshold).items()}
        tables.append(where.assign(method=result.name, **means))
    return pd.concat(tables, ignore_index=True)


def make_joints_table(results: Sequence[CandidateResult], names: tuple[str, ...], threshold: float) -> pd.DataFrame:
    """One row per candidate and joint: means over the test frames in which the joint is known, and how often it is and is not."""
    tables = []
    for result in results:
        known = np.isfinite(result.errors.mpjpe).sum(axis=0)
        means = {name: mean_known(values, axis=0) for name, values in _list_metrics(result.errors, threshold).items()}
        counts = {"n_frames": known, "n_unknown": len(result.errors.mpjpe) - known}
        tables.append(pd.DataFrame({"method": result.name, "joint": list(names), **counts, **means}))
    return pd.concat(tables, ignore_index=True)


def group_errors(errors: pd.DataFrame) -> list[dict[str, Any]]:
    """Mean errors of each candidate by subject, session and behaviour, in the order in which these first appear.

    Returns
    -------
    Entries with kind, name, method, n_frames and every metric. Frames without behaviour count for no behaviour.
    """
    entries: list[dict[str, Any]] = []
    for kind in ("subject", "session", "behaviour"):
        groups = errors[errors[kind] != ""].groupby([kind, "method"], sort=False)
        table = (
            groups[[*ERRORS, "pck", "auc"]].mean().assign(kind=kind, n_frames=groups.size()).rename_axis(["name", "method"]).reset_index()
        )
        table = table[["kind", "name", "method", "n_frames", *ERRORS, "pck", "auc"]].astype(object)
        entries += table.where(table.notna(), None).to_dict("records")
    return entries
