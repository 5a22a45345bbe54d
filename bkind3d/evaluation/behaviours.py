"""Judge what a method found by how well behaviours are recognised from them, beside joints and the majority class."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Shaped
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, confusion_matrix, f1_score, precision_recall_fscore_support

from bkind3d.config import ActionsConfig, EvaluationConfig, InputError
from bkind3d.data.parquet import TABLES
from bkind3d.data.points import Points
from bkind3d.data.results import ACTION_COLUMNS, BOTH, FOUND_JOINTS, GROUND_TRUTH, MAJORITY_CLASS, NO_REFERENCE
from bkind3d.evaluation.actions import classify_windows
from bkind3d.evaluation.bootstrap import find_intervals, make_units
from bkind3d.evaluation.candidates import Candidate
from bkind3d.evaluation.labelled_frames import TEST, TRAIN, assign_parts
from bkind3d.evaluation.motion_windows import Windows, cut_windows, find_whole_windows, half_width
from bkind3d.evaluation.recordings import Recording

logger = logging.getLogger(__name__)

#: Windows that train or test at most, evenly spread over all there are: neighbours are near copies.
MAX_WINDOWS = 20_000


class WindowPart(NamedTuple):
    """Labelled windows of the train or the test sessions.

    `windows` has an entry for what the method found and, where they are known, for ground_truth and found_joints.
    """

    windows: Mapping[str, Windows]
    behaviours: Shaped[NDArray, "..."]
    session: Int[NDArray, "window"]
    time_s: Float[NDArray, "window"]
    n_labelled: int


class ActionJudgement(NamedTuple):
    """`summary` is the content of actions.json; `confusion` counts test windows by true and predicted behaviour."""

    summary: dict[str, Any]
    confusion: pd.DataFrame


def collect_windows(
    recordings: Sequence[Recording],
    parts: Sequence[Int[NDArray, "frame"]],
    part: int,
    found: str,
    joints: Mapping[str, Mapping[str, Points]],
    window_seconds: float,
) -> WindowPart:
    """Cut the labelled windows of the recordings that play `part`: those of what the method found are called `found`, further ones as `joints`."""
    chosen = [(index, r) for index, (r, codes) in enumerate(zip(recordings, parts, strict=True)) if (codes == part).any()]
    halves = {index: half_width(r.judged.time_s, window_seconds) for index, r in chosen}
    sources, middles = {}, {}
    for index, recording in chosen:
        judged = recording.judged
        sources[index] = {found: judged}
        for key, points in joints.items():
            given = points[recording.session]
            sources[index][key] = Points(given.names, judged.frames, judged.time_s, given.positions_at(judged.frames))
        # Labelled frames around which every source has a whole window: so all features see the same windows.
        known = [find_whole_windows(one, halves[index]) for one in sources[index].values()]
        middles[index] = np.flatnonzero(np.logical_and.reduce([np.asarray(recording.behaviours) != "", *known]))
    name = "train" if part == TRAIN else "test"
    number = sum(len(rows) for rows in middles.values())
    if not number:
        raise InputError(
            "", f"no {name} session has a labelled window of {window_seconds:g} s without gaps", "shorten actions.window_seconds"
        )
    stride = -(-number // MAX_WINDOWS)
    middles = {index: rows[::stride] for index, rows in middles.items()}
    features = (found, *joints)
    return WindowPart(
        windows={key: Windows.join([cut_windows(sources[i][key], middles[i], halves[i]) for i, _ in chosen]) for key in features},
        behaviours=np.concatenate([np.asarray(r.behaviours)[middles[i]] for i, r in chosen]),
        session=np.concatenate([np.full(len(middles[i]), i) for i, _ in chosen]),
        time_s=np.concatenate([r.judged.time_s[middles[i]] for i, r in chosen]),
        n_labelled=sum(int((np.asarray(r.behaviours) != "").sum()) for _, r in chosen),
    )


def score_behaviours(
    train: WindowPart, test: WindowPart, classes: Shaped[NDArray, "..."], config: ActionsConfig
) -> dict[str, Float[NDArray, "window behaviour"]]:
    """Score each of `classes` in every test window, from each kind of features, from what was found and true joints together, and from nothing."""
    labels = np.searchsorted(classes, train.behaviours)
    described = {}
    for name, windows in train.windows.items():
        heading = windows.fit_heading()
        # The paper's network sees positions, and makes of them what it needs; trees have to be given velocities and distances.
        derived = config.classifier != "conv1d"
        described[name] = windows.describe(heading, derived), test.windows[name].describe(heading, derived)
    if GROUND_TRUTH in described:
        parts = zip(next(iter(described.values())), described[GROUND_TRUTH], strict=True)
        described[BOTH] = (np.concatenate(next(parts), axis=2), np.concatenate(next(parts), axis=2))
    scores = {name: classify_windows(one, labels, other, len(classes), config) for name, (one, other) in described.items()}
    majority = np.eye(len(classes))[np.bincount(labels).argmax()]
    return scores | {MAJORITY_CLASS: np.tile(majority, (len(test.behaviours), 1))}


def measure_classes(
    true: Int[NDArray, "window"], scores: Float[NDArray, "window behaviour"], classes: Shaped[NDArray, "..."]
) -> list[dict[str, Any]]:
    """Precision, recall, F1 and average precision of each behaviour; None where no test window has it (average precision, recall)."""
    predicted = scores.argmax(axis=1)
    indices = np.arange(len(classes))
    precision, recall, f1, support = precision_recall_fscore_support(true, predicted, labels=indices, zero_division=0.0)
    found = support > 0
    averages = [average_precision_score(true == index, scores[:, index]) if found[index] else None for index in indices]
    columns = {"precision": precision, "recall": np.where(found, recall, None), "f1": f1, "average_precision": averages}
    return pd.DataFrame({"behaviour": classes.astype(str), "n_test": support, **columns}, dtype=object).to_dict("records")


def count_confusion(true: Int[NDArray, "window"], predicted: Int[NDArray, "window"], classes: Shaped[NDArray, "..."]) -> pd.DataFrame:
    """Count the windows of every true and predicted behaviour, zeros included."""
    counts = confusion_matrix(true, predicted, labels=np.arange(len(classes))).ravel()
    return pd.DataFrame({"true": np.repeat(classes, len(classes)), "predicted": np.tile(classes, len(classes)), "count": counts})


def _without_reference(base: dict[str, Any], features: str, reason: str, **more: Any) -> ActionJudgement:
    logger.log(logging.WARNING if more else logging.INFO, "%s: %s", NO_REFERENCE, reason)
    row = dict.fromkeys(ACTION_COLUMNS) | base | {"features": features, "classifier": NO_REFERENCE}
    return ActionJudgement(
        {**base, "reference": None, "reason": reason, "rows": [row], **more}, pd.DataFrame(columns=list(TABLES["confusion"]))
    )


def _check_classes(train: WindowPart, test: WindowPart) -> Shaped[NDArray, "..."]:
    """All behaviours, in alphabetical order; refuse train or test windows that know only one."""
    for name, part in (("train", train), ("test", test)):
        if len(np.unique(part.behaviours)) < 2:
            raise InputError(
                "",
                f"the {name} windows have only the behaviour '{part.behaviours[0]}'",
                "label at least two, or set actions.enabled to false",
            )
    return np.unique(np.concatenate([train.behaviours, test.behaviours]))


def judge_actions(  # noqa: PLR0913
    recordings: Sequence[Recording],
    method: Candidate,
    config: ActionsConfig,
    evaluation: EvaluationConfig,
    experiment: str,
    dataset: str,
    found_joints: Mapping[str, Points] | None = None,
) -> ActionJudgement:
    """Judge how well behaviours are recognised from what the method of an experiment found, on sessions of the sheet's split.

    Ground-truth joints are judged beside them where every session with behaviours has joints, and those that were found from labelled frames
    where every session has these; all features see the same windows.
    Blocks of a few frames hold no windows: with ``split: blocks`` the sheet's train and test sessions are used where there are both.
    Where train or test sessions are missing, share a subject (``split: subject``), hold no whole window, or only one behaviour, the
    summary's ``reason`` says so (``failed``).
    """
    base: dict[str, Any] = {"experiment": experiment, "dataset": dataset}
    if not config.enabled:
        return _without_reference(base, method.role, "actions.enabled is false")
    judged = [r for r in recordings if r.behaviours is not None and r.split in ("train", "test")]
    if not judged:
        return _without_reference(base, method.role, "no train or test session has behaviours")
    if evaluation.split == "blocks":
        if len({r.split for r in judged}) < 2:
            return _without_reference(base, method.role, "split: blocks, and behaviours are not in both train and test sessions")
        evaluation = evaluation.model_copy(update={"split": "session"})
    joints: dict[str, dict[str, Points]] = {
        GROUND_TRUTH: {r.session: r.joints for r in judged if r.joints is not None},
        FOUND_JOINTS: {r.session: points for r in judged if (points := (found_joints or {}).get(r.session)) and points.names},
    }
    joints = {name: points for name, points in joints.items() if len(points) == len(judged)}
    try:
        parts = assign_parts(judged, evaluation)
        train, test = (collect_windows(judged, parts, part, method.role, joints, config.window_seconds) for part in (TRAIN, TEST))
        return _compare_features(train, test, config, evaluation, base)
    except InputError as error:
        return _without_reference(base, method.role, f"not evaluated: {error}", failed=True)


def _compare_features(
    train: WindowPart, test: WindowPart, config: ActionsConfig, evaluation: EvaluationConfig, base: dict[str, Any]
) -> ActionJudgement:
    """Train on the windows of `train` from all features, and compare them on those of `test`."""
    classes = _check_classes(train, test)
    true = np.searchsorted(classes, test.behaviours)
    scores = score_behaviours(train, test, classes, config)
    predictions = {name: values.argmax(axis=1) for name, values in scores.items()}
    tables = {name: measure_classes(true, values, classes) for name, values in scores.items()}
    correct = {name: (predicted == true).astype(np.float64) for name, predicted in predictions.items()}
    units = make_units(test.session, test.time_s)
    intervals = find_intervals(correct, units, evaluation.bootstrap, evaluation.seed)
    first, *others = correct
    counts = {"n_classes": len(classes), "n_train": len(train.behaviours), "n_test": len(test.behaviours)}
    rows = []
    for name, predicted in predictions.items():
        row = base | counts | {"features": name, "classifier": "majority" if name == MAJORITY_CLASS else config.classifier}
        row |= {"accuracy": correct[name].mean(), "accuracy_ci_low": intervals[name, ""][0], "accuracy_ci_high": intervals[name, ""][1]}
        row["macro_f1"] = f1_score(true, predicted, average="macro", zero_division=0.0)
        row["mean_average_precision"] = np.mean([entry["average_precision"] for entry in tables[name] if entry["n_test"]])
        rows.append({column: row[column] for column in ACTION_COLUMNS})
    if GROUND_TRUTH not in predictions:
        rows.append(dict.fromkeys(ACTION_COLUMNS) | base | {"features": GROUND_TRUTH, "classifier": NO_REFERENCE})
    summary = base | {
        "reference": "behaviours",
        "rows": rows,
        "differences": {f"{first} - {name}": intervals[first, name] for name in others},
        "classes": classes.tolist(),
        "by_class": tables,
        "split": {"name": evaluation.split, "n_labelled_train": train.n_labelled, "n_labelled_test": test.n_labelled},
        "window_seconds": config.window_seconds,
        "bootstrap": {"unit": units.kind, "n_units": units.number, "resamples": evaluation.bootstrap, "seed": evaluation.seed},
    }
    confusion = pd.concat([count_confusion(true, p, classes).assign(features=name) for name, p in predictions.items()], ignore_index=True)
    return ActionJudgement(summary, confusion)
