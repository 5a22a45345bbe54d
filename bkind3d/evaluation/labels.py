"""When labels are worth it: the error of every method of a study against the labelled frames that it learned from, on one axis.

Discovered keypoints need labels for their regression alone; :mod:`bkind3d.evaluation.label_efficiency` measured how the error falls with
their number. A supervised method that was trained with a budget (``training.labels``) is a point of its method's curve.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from bkind3d.data.results import MEAN_POSE, role_of

#: Columns of ``results/tables/labels.csv``: one row per experiment and number of labelled frames. The interval is that over the draws of
#: labels for a regression (`interval` draws: best and worst of n_draws), the bootstrap's 95 % for a method that was trained (`bootstrap`).
LABEL_COLUMNS = (
    "experiment", "method", "supervision", "labels", "n_draws", "regressor", "pa_mpjpe", "pa_mpjpe_low", "pa_mpjpe_high", "interval",
    "unit", "dataset", "split",
)  # fmt: skip


def collect_labels(judgements: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Put the curves of all experiments (contents of pose.json) on one axis; of the constant pose, that of the first one that has it."""
    rows: list[dict[str, Any]] = []
    for content in judgements:
        judged = next((row for row in content.get("rows", ()) if role_of(row["method"]) is None), None)
        if judged is None or judged.get("pa_mpjpe") is None:
            continue
        shared = {key: judged.get(key) for key in ("experiment", "dataset", "split", "unit")}
        known = any(row["method"] == MEAN_POSE for row in rows)
        if judged["regressor"] == "none":
            found = {"low": judged.get("pa_mpjpe_ci_low"), "high": judged.get("pa_mpjpe_ci_high")}
            own = {key: judged.get(key) for key in ("method", "supervision", "labels", "pa_mpjpe", "regressor")}
            rows.append(
                shared | own | {"n_draws": 1, "interval": "bootstrap", **{f"pa_mpjpe_{end}": value for end, value in found.items()}}
            )
        for entry in content.get("label_efficiency", ()):
            if entry["method"] == judged["method"] or (entry["method"] == MEAN_POSE and not known):
                supervision = judged["supervision"] if entry["method"] == judged["method"] else "3D"
                values = {key: value for key, value in entry.items() if key in LABEL_COLUMNS}
                rows.append(shared | values | {"labels": entry["n_frames"], "supervision": supervision, "interval": "draws"})
    table = pd.DataFrame(rows, columns=list(LABEL_COLUMNS))
    return table[table["labels"].notna()].astype({"labels": "int64", "n_draws": "int64"}).reset_index(drop=True)


def say_when(table: pd.DataFrame) -> list[str]:
    """Say for every pair of a discovery and a supervised method from how many labelled frames on labels are worth it."""
    discovered = {name: rows for name, rows in _list_curves(table) if (rows["regressor"] != "none").all() and name != MEAN_POSE}
    trained = {name: rows for name, rows in _list_curves(table) if (rows["regressor"] == "none").all() and name != MEAN_POSE}
    return [_compare(own, curve, other, rows) for own, curve in discovered.items() for other, rows in trained.items()]


def _list_curves(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Curves: of a regression the rows of one experiment, of a supervised method those of all its experiments (their mean where several
    learned from as many labels, such as those of several seeds).
    """
    curves = []
    for (name, regressor), rows in table.groupby(["method", "regressor"], sort=False):
        if name == MEAN_POSE or regressor == "none":
            mean = rows.groupby("labels", as_index=False)["pa_mpjpe"].mean().assign(regressor=regressor)
            curves.append((str(name), mean))
        else:
            curves += [(str(experiment), own.sort_values("labels")) for experiment, own in rows.groupby("experiment", sort=False)]
    return curves


def _compare(own: str, curve: pd.DataFrame, other: str, rows: pd.DataFrame) -> str:
    """One sentence about a discovery with its regression, and a supervised method."""
    numbers, errors = rows["labels"].to_numpy(float), rows["pa_mpjpe"].to_numpy(float)
    there = np.interp(np.log(numbers), np.log(curve["labels"].to_numpy(float)), curve["pa_mpjpe"].to_numpy(float))
    gain = there - errors  # above 0: labels are worth it
    if (gain > 0).all():
        return (
            f"{other} is better than {own} and its regression at all numbers of labelled frames that were tried, from {numbers[0]:.0f} on"
        )
    if gain[-1] <= 0:
        return f"up to {numbers[-1]:.0f} labelled frames, the most that were tried, {own} and its regression is better here than {other}"
    last = int(np.flatnonzero(gain <= 0)[-1])
    share = -gain[last] / (gain[last + 1] - gain[last])
    crossing = math.exp(math.log(numbers[last]) + share * (math.log(numbers[last + 1]) - math.log(numbers[last])))
    return f"with fewer than {crossing:.0f} labelled frames, {own} and its regression is better here than {other}"
