"""The result tables: all experiments in one CSV, and the same for a terminal."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from bkind3d.config import InputError
from bkind3d.data.parquet import replaced_when_complete
from bkind3d.data.results import ACTION_COLUMNS, NO_REFERENCE, POSE_COLUMNS, read_json

_POSE_KEY = ["experiment", "method", "dataset", "split"]
_ACTION_KEY = ["experiment", "features", "dataset"]


def _merge(paths: Iterable[str | Path], columns: Sequence[str], key: list[str]) -> pd.DataFrame:
    """Put the ``rows`` of all files under each other; refuse rows with other columns than `columns`, and rows that are there twice."""
    rows = []
    for path in paths:
        found = read_json(path).get("rows")
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise InputError(f"{path}: has no list of rows; make it anew with the workflow")
        for row in found:
            odd = sorted(set(row) ^ set(columns))
            if odd:
                problem = "unknown" if odd[0] in row else "missing"
                raise InputError(f"{path}: column {odd[0]!r} is {problem}; make the file anew with this version")
        rows += found
    table = pd.DataFrame(rows, columns=list(columns))
    repeated = table.duplicated(key)
    if repeated.any():
        raise InputError(f"{dict(table.loc[repeated, key].iloc[0])} is there twice; give each experiment's file once")
    counts = [column for column in columns if column.startswith("n_") and column != "n_mpjpe"]
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


def _number(value: float | None) -> str:
    """Four significant digits, never with an exponent; a dash where there is no number."""
    if value is None or pd.isna(value):
        return "-"
    digits = f"{value:.4g}"
    if "e" in digits:
        digits = f"{value:.0f}" if abs(value) > 1 else f"{value:.6f}"
    return digits


def _interval(row: pd.Series, name: str, factor: float = 1.0) -> str:
    """The interval `name` of a row in brackets; a dash where there is none."""
    low, high = row[f"{name}_ci_low"], row[f"{name}_ci_high"]
    return "-" if pd.isna(low) or pd.isna(high) else f"[{_number(factor * low)}, {_number(factor * high)}]"


def _lay_out(cells: list[dict[str, str]], left: int) -> str:
    """Columns as wide as their widest cell; the first `left` of them to the left, the others to the right."""
    if not cells:
        return "  (none)"
    widths = {name: max(len(name), *(len(row[name]) for row in cells)) for name in cells[0]}
    lines = [{name: name for name in widths}, {name: "-" * width for name, width in widths.items()}, *cells]
    aligned = [
        [row[name].ljust(width) if index < left else row[name].rjust(width) for index, (name, width) in enumerate(widths.items())]
        for row in lines
    ]
    return "\n".join(f"  {'  '.join(row).rstrip()}" for row in aligned)


def format_poses(table: pd.DataFrame) -> str:
    """Lay out the table of pose.csv for a terminal: keypoints first, floors and oracles under them."""
    cells = []
    for _, row in table.iterrows():
        unknown = row["regressor"] == NO_REFERENCE
        cells.append(
            {
                "experiment": str(row["experiment"]),
                "method": str(row["method"]),
                "split": str(row["split"]),
                "regressor": str(row["regressor"]),
                "frames": _number(row["n_frames"]),
                "missing": _number(row["n_missing"]),
                "MPJPE": NO_REFERENCE if unknown else _number(row["mpjpe"]),
                "N-MPJPE": _number(row["n_mpjpe"]),
                "PA-MPJPE": _number(row["pa_mpjpe"]),
                "95 % interval": _interval(row, "pa_mpjpe"),
                "minus mean_pose": _interval(row, "vs_mean_pose"),
                "minus untrained": _interval(row, "vs_untrained"),
            }
        )
    units = sorted({str(unit) for unit in table["unit"].dropna()}) or ["unit of the rig"]
    return f"Regression to joints ({', '.join(units)}; differences of PA-MPJPE below 0: better than that floor)\n{_lay_out(cells, 4)}"


def format_actions(table: pd.DataFrame) -> str:
    """Lay out the table of actions.csv for a terminal."""
    cells = []
    for _, row in table.iterrows():
        unknown = row["classifier"] == NO_REFERENCE
        cells.append(
            {
                "experiment": str(row["experiment"]),
                "features": str(row["features"]),
                "classifier": str(row["classifier"]),
                "behaviours": _number(row["n_classes"]),
                "train": _number(row["n_train"]),
                "test": _number(row["n_test"]),
                "accuracy %": NO_REFERENCE if unknown else _number(100 * row["accuracy"]),
                "95 % interval": _interval(row, "accuracy", 100.0),
                "macro F1 %": "-" if pd.isna(row["macro_f1"]) else _number(100 * row["macro_f1"]),
            }
        )
    return f"Recognition of behaviours (windows)\n{_lay_out(cells, 3)}"
