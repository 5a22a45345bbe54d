"""The errors of all candidates as tables: by frame, by joint, and by subject, session and behaviour."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bkind3d.data.parquet import TABLES
from bkind3d.evaluation.candidates import CandidateResult
from bkind3d.evaluation.labelled_frames import LabelledFrames
from bkind3d.evaluation.metrics import ERRORS, JointErrors, PoseErrors, count_correct, count_known, mean_over_frames, mean_over_joints
from bkind3d.evaluation.recordings import Recording


def _list_metrics(errors: PoseErrors, threshold: float) -> dict[str, JointErrors]:
    """Every metric of every frame and joint, under its column's name."""
    pck, auc = count_correct(errors.root_mpjpe, threshold)
    return {name: getattr(errors, name) for name in ERRORS} | {"pck": pck, "auc": auc}


def _rename_columns(columns: Mapping[str, str]) -> dict[str, str]:
    """A sheet's further columns, under another name where the table has a column of that name."""
    return {f"{name}_of_sheet" if name in TABLES["errors"] else name: value for name, value in columns.items()}


def make_errors_table(
    results: Sequence[CandidateResult], test: LabelledFrames, recordings: Sequence[Recording], threshold: float
) -> pd.DataFrame:
    """One row per candidate and test frame: means over the joints that are known; further columns of the sheet are carried along."""
    where = pd.DataFrame({"session": [recordings[i].session for i in test.session], "frame": test.frame, "time_s": test.time_s})
    where["behaviour"] = test.behaviour
    extra = pd.DataFrame([{**_rename_columns(r.columns), "session": r.session, "subject": r.subject} for r in recordings])
    where = where.merge(extra, on="session", how="left", validate="many_to_one")
    tables = []
    for result in results:
        means = {name: mean_over_joints(values) for name, values in _list_metrics(result.errors, threshold).items()}
        tables.append(where.assign(method=result.name, **means))
    return pd.concat(tables, ignore_index=True)


def make_joints_table(results: Sequence[CandidateResult], names: tuple[str, ...], threshold: float) -> pd.DataFrame:
    """One row per candidate and joint: means over the test frames in which the joint is known, and how often it is and is not."""
    tables = []
    for result in results:
        known = count_known(result.errors.mpjpe)
        means = {name: mean_over_frames(values) for name, values in _list_metrics(result.errors, threshold).items()}
        counts = {"n_frames": known, "n_unknown": len(result.errors.mpjpe) - known}
        tables.append(pd.DataFrame({"method": result.name, "joint": list(names), **counts, **means}))
    return pd.concat(tables, ignore_index=True)


def group_errors(errors: pd.DataFrame) -> list[dict[str, Any]]:
    """Mean errors of each candidate by subject, session and behaviour, in the order in which these first appear.

    Returns
    -------
    Entries with kind, name, method, n_frames and every metric. Frames without behaviour count for no behaviour.
    """
    entries = []
    for kind in ("subject", "session", "behaviour"):
        named = errors[errors[kind] != ""]
        means = named.groupby([kind, "method"], sort=False)[[*ERRORS, "pck", "auc"]].mean()
        sizes = named.groupby([kind, "method"], sort=False)["frame"].size()
        for (name, method), row in means.iterrows():
            entry = {"kind": kind, "name": str(name), "method": str(method), "n_frames": int(sizes[name, method])}
            entries.append(entry | {metric: None if np.isnan(value) else float(value) for metric, value in row.items()})
    return entries
