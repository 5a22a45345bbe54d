"""How well behaviours are recognised from keypoints: tables of what the evaluation wrote."""

import numpy as np
import pandas as pd

from bkind3d.data.parquet import read_table
from bkind3d.data.results import GROUND_TRUTH, NO_REFERENCE
from bkind3d.report.candidates import is_ours, label_of
from bkind3d.report.contents import read_judgement
from bkind3d.report.elements import Cell, Matrix, Table, make_row
from bkind3d.report.formatting import format_count, format_number, format_share, format_text, is_missing
from bkind3d.study.study import Study


def build_actions_table(rows: pd.DataFrame) -> Table:
    """Recognition of behaviours from what the method found, annotated joints, and by always naming the most frequent one."""
    columns = ["features", "classifier", "classes", "train windows", "test windows", "accuracy", "95 % interval", "macro F1", "mAP"]
    body = []
    for row in rows.to_dict("records"):
        style = "strong" if is_ours(row["features"]) else "muted"
        low, high = row.get("accuracy_ci_low"), row.get("accuracy_ci_high")
        interval = "" if is_missing(low) else f"[{format_share(low)}, {format_share(high)}]"
        start = Cell(label_of(str(row["features"])), style), format_text(row.get("classifier")).replace(NO_REFERENCE, "–")
        counts = (format_count(row.get(key)) for key in ("n_classes", "n_train", "n_test"))
        reached = Cell(NO_REFERENCE, "muted") if is_missing(row.get("accuracy")) else Cell(format_share(row["accuracy"]), style)
        scores = (format_number(row.get(key), 2) for key in ("macro_f1", "mean_average_precision"))
        body.append(make_row(*start, *counts, reached, interval, *scores))
    return Table(columns, body, frozenset(columns[2:]))


def build_class_table(study: Study, experiment: str) -> Table | None:
    """How well each behaviour is recognised from the keypoints, beside the F1 from joints; None where there is no reference."""
    tables = read_judgement(study.results.actions(experiment)).get("by_class", {})
    if not tables:
        return None
    joints = {entry["behaviour"]: entry["f1"] for entry in tables.get(GROUND_TRUTH, [])}
    ours, rows = next(features for features in tables if is_ours(features)), []
    for entry in tables[ours]:
        shares = (format_share(entry[key]) for key in ("precision", "recall"))
        scores = (format_number(entry[key], 2) for key in ("f1", "average_precision"))
        beside = Cell(format_number(joints.get(entry["behaviour"]), 2), "muted")
        rows.append(make_row(entry["behaviour"], entry["n_test"], *shares, *scores, beside))
    columns = ["behaviour", "test windows", "precision", "recall", "F1", "average precision", "F1 from joints"]
    return Table(columns, rows, frozenset(columns[1:]), f"From {label_of(ours)}.")


def read_confusion(study: Study, experiment: str) -> dict[str, pd.DataFrame]:
    """Counts of true and predicted behaviours from each set of features, the method's first; empty where there is no reference."""
    path = study.results.confusion(experiment)
    if not path.exists():
        return {}
    return {str(features): rows for features, rows in read_table(path, "confusion").groupby("features", sort=False)}


def count_confusion(table: pd.DataFrame) -> pd.DataFrame:
    """A square table: true behaviours in rows, recognised ones in columns."""
    labels = sorted(set(table["true"]) | set(table["predicted"]))
    counts = table.pivot_table(index="true", columns="predicted", values="count", aggfunc="sum", fill_value=0)
    return counts.reindex(index=labels, columns=labels, fill_value=0)


def build_confusion(table: pd.DataFrame, features: str) -> Matrix:
    """What was taken for what; `table` has true, predicted, count."""
    counts = count_confusion(table)
    labels = [str(label) for label in counts.index]
    rows = []
    for values in counts.to_numpy(dtype=np.int64):
        total = max(int(values.sum()), 1)
        rows.append([Cell(str(int(value)), share=float(value) / total) for value in values])
    return Matrix(labels, rows, f"From {label_of(features)}. Rows: what it was. Columns: what was recognised.")
