"""How much one experiment differs from another, frame by frame on the same frames."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from bkind3d.data.parquet import read_table
from bkind3d.data.results import read_json, role_of
from bkind3d.evaluation.bootstrap import find_intervals, make_units
from bkind3d.study.layout import Layout

#: What is read of the errors of each experiment.
_COLUMNS = ["session", "frame", "time_s", "pa_mpjpe"]


def compare_experiments(results: Layout, experiments: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Compare every experiment with the first one, as :func:`compare_errors` does; with the first one's bootstrap.

    Experiments that have no reference to be judged by are left out.
    """
    judged = {name: read_table(results.errors(name), "errors", ["method", *_COLUMNS]) for name in experiments}
    bootstrap = read_json(results.pose(experiments[0])).get("bootstrap")
    if bootstrap is None:
        return {}
    first = judged[experiments[0]]
    return {name: compare_errors(first, judged[name], bootstrap["resamples"], bootstrap["seed"]) for name in experiments[1:]}


def compare_errors(reference: pd.DataFrame, other: pd.DataFrame, resamples: int, seed: int) -> dict[str, Any]:
    """Paired difference of PA-MPJPE between the methods of two experiments, with its 95 % interval (negative: `other` is better).

    Parameters
    ----------
    reference, other : tables ``errors`` of two experiments on the same sessions, world units; the frames that both have count.
    resamples, seed : of the bootstrap, over sessions or blocks of a second (:func:`bkind3d.evaluation.bootstrap.make_units`).

    Returns
    -------
    vs_first, vs_first_ci_low, vs_first_ci_high (world units), n_common: frames; without a difference where there are none.
    """
    first, second = (table.loc[[role_of(name) is None for name in table["method"]], _COLUMNS] for table in (reference, other))
    both = first.merge(second.drop(columns="time_s"), on=["session", "frame"], suffixes=("", "_other")).dropna()
    if both.empty:
        return {"n_common": 0}
    difference = (both["pa_mpjpe_other"] - both["pa_mpjpe"]).to_numpy(float)
    units = make_units(pd.factorize(both["session"])[0], both["time_s"].to_numpy(float))
    low, high = find_intervals({"difference": difference}, units, resamples, seed)["difference", ""]
    return {"vs_first": difference.mean(), "vs_first_ci_low": low, "vs_first_ci_high": high, "n_common": len(both)}
