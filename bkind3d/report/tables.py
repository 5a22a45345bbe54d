"""The result tables: all experiments in one CSV, and the same for a terminal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bkind3d.config import InputError
from bkind3d.data.results import ACTION_COLUMNS, LATER_COLUMNS, NO_REFERENCE, POSE_COLUMNS, read_json
from bkind3d.data.writing import replaced_when_complete

_POSE_KEY = ["experiment", "method", "dataset", "split"]
_ACTION_KEY = ["experiment", "features", "dataset"]

#: What of a table is printed: heading and column, of an interval both of its ends. Shares are printed as percentages.
_POSES = {
    "experiment": "experiment", "method": "method", "split": "split", "regressor": "regressor", "frames": "n_frames",
    "missing": "n_missing", "MPJPE": "mpjpe", "N-MPJPE": "n_mpjpe", "PA-MPJPE": "pa_mpjpe", "95 % interval": "pa_mpjpe_ci",
    "minus mean_pose": "vs_mean_pose_ci", "minus untrained": "vs_untrained_ci",
}  # fmt: skip
_ACTIONS = {
    "experiment": "experiment", "features": "features", "classifier": "classifier", "behaviours": "n_classes", "train": "n_train",
    "test": "n_test", "accuracy %": "accuracy", "95 % interval": "accuracy_ci", "macro F1 %": "macro_f1",
}  # fmt: skip
_SHARES = frozenset({"accuracy", "accuracy_ci", "vs_ground_truth_ci", "macro_f1", "mean_average_precision"})


def _merge(paths: Iterable[str | Path], columns: Sequence[str], key: list[str]) -> pd.DataFrame:
    """Put the ``rows`` of all files under each other; refuse rows with other columns than `columns`, and rows that are there twice."""
    rows = []
    for path in paths:
        found = read_json(path).get("rows")
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise InputError(path, "has no list of rows", "make it anew with the workflow")
        for row in found:
            odd = sorted((set(row) ^ set(columns)) - (LATER_COLUMNS - set(row)))
            if odd:
                problem = "unknown" if odd[0] in row else "missing"
                raise InputError(path, f"column {odd[0]!r} is {problem}", "make the file anew with this version")
        rows += found
    table = pd.DataFrame(rows, columns=list(columns))
    repeated = table.duplicated(key)
    if repeated.any():
        raise InputError("", f"{dict(table.loc[repeated, key].iloc[0])} is there twice", "give each experiment's file once")
    counts = [column for column in columns if (column.startswith("n_") and column != "n_mpjpe") or column == "labels"]
    return table.astype(dict.fromkeys(counts, "Int64"))


def merge_poses(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Merge the pose.json of all experiments into a table with the columns of pose.csv."""
    return _merge(paths, POSE_COLUMNS, _POSE_KEY)


def merge_actions(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Merge the actions.json of all experiments into a table with the columns of actions.csv."""
    return _merge(paths, ACTION_COLUMNS, _ACTION_KEY)


def write_csv(table: pd.DataFrame, path: str | Path) -> None:
    """Write `table` as CSV, all of it or nothing; what is not known is an empty cell."""
    with replaced_when_complete(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")


def _show_number(value: float) -> str:
    """Four significant digits, never with an exponent."""
    digits = f"{value:.4g}"
    if "e" in digits:
        digits = f"{value:.0f}" if abs(value) > 1 else f"{value:.6f}"
    return digits


def show_cell(row: Mapping[Any, Any], column: str, show: Callable[[float], str], gap: str) -> str:
    """A cell of what is printed: a word, a number as `show` writes it, or an interval in brackets; `gap`, or why, where there is none."""
    factor = 100.0 if column in _SHARES else 1.0
    if column.endswith("_ci"):
        ends = [row[f"{column}_{end}"] for end in ("low", "high")]
        return gap if any(pd.isna(end) for end in ends) else f"[{', '.join(show(factor * end) for end in ends)}]"
    if pd.isna(row[column]):
        return NO_REFERENCE if column in ("mpjpe", "accuracy") and row.get("origin") != "published" else gap
    return str(row[column]) if isinstance(row[column], str) else show(factor * row[column])


def _lay_out(table: pd.DataFrame, columns: Mapping[str, str], left: int) -> str:
    """Columns as wide as their widest cell; the first `left` of them to the left, the others to the right."""
    if table.empty:
        return "  (none)"
    rows = [[show_cell(row, column, _show_number, "-") for column in columns.values()] for row in table.to_dict("records")]
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    lines = [list(columns), ["-" * width for width in widths], *rows]
    sides = [str.ljust] * left + [str.rjust] * (len(columns) - left)
    aligned = [[side(cell, width) for side, cell, width in zip(sides, line, widths, strict=True)] for line in lines]
    return "\n".join(f"  {'  '.join(line).rstrip()}" for line in aligned)


def format_poses(table: pd.DataFrame) -> str:
    """Lay out the table of pose.csv for a terminal: keypoints first, floors and oracles under them."""
    units = sorted({str(unit) for unit in table["unit"].dropna()}) or ["unit of the rig"]
    head = f"Regression to joints ({', '.join(units)}; differences of PA-MPJPE below 0: better than that floor)"
    return f"{head}\n{_lay_out(table, _POSES, 4)}"


def format_actions(table: pd.DataFrame) -> str:
    """Lay out the table of actions.csv for a terminal."""
    return f"Recognition of behaviours (windows)\n{_lay_out(table, _ACTIONS, 3)}"
