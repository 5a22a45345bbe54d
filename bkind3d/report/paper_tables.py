"""Tables of the paper: what was measured, each row with its file, and beside it what others published, each with its source."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bkind3d.config import PaperTableConfig
from bkind3d.data.results import BOTH, FOUND_JOINTS, GROUND_TRUTH, read_json
from bkind3d.data.writing import replaced_when_complete
from bkind3d.report.candidates import is_ours, label_of
from bkind3d.report.rendering import write_caption
from bkind3d.report.tables import show_cell
from bkind3d.study.layout import Layout
from bkind3d.study.published import NOT_READABLE, read_published

#: What a title begins with where nothing of the data was filmed.
SIMULATED = "SIMULATED"

#: Columns of a table, by its measure. `origin` is measured or published; `source` a file of the study, or who published it.
COLUMNS = {
    "pose": (
        "name", "origin", "experiment", "method", "supervision", "n_views", "n_keypoints", "regressor", "split", "n_frames", "n_missing",
        "mpjpe", "root_mpjpe", "n_mpjpe", "pa_mpjpe", "pa_mpjpe_ci_low", "pa_mpjpe_ci_high", "vs_untrained_ci_low", "vs_untrained_ci_high",
        "vs_first", "vs_first_ci_low", "vs_first_ci_high", "n_common", "interval_unit", "unit", "dataset", "source",
    ),
    "actions": (
        "name", "origin", "experiment", "features", "supervision", "classifier", "n_classes", "n_train", "n_test", "accuracy",
        "accuracy_ci_low", "accuracy_ci_high", "vs_ground_truth_ci_low", "vs_ground_truth_ci_high", "macro_f1",
        "mean_average_precision", "interval_unit", "dataset", "source",
    ),
}  # fmt: skip

#: What of a table is printed: heading, column, decimals (none: as it is), and factor.
_PRINTED = {
    "pose": (
        ("supervision", "supervision"), ("views", "n_views"), ("keypoints", "n_keypoints"), ("regressor", "regressor"),
        ("MPJPE", "mpjpe"), ("to root", "root_mpjpe"), ("N-MPJPE", "n_mpjpe"), ("PA-MPJPE", "pa_mpjpe"), ("95 % interval", "pa_mpjpe_ci"),
        ("minus untrained", "vs_untrained_ci"), ("minus first row", "vs_first_ci"), ("frames", "n_frames"), ("source", "source"),
    ),
    "actions": (
        ("supervision", "supervision"), ("classifier", "classifier"), ("classes", "n_classes"), ("test windows", "n_test"),
        ("accuracy %", "accuracy"), ("95 % interval", "accuracy_ci"), ("minus joints", "vs_ground_truth_ci"),
        ("macro F1 %", "macro_f1"), ("mAP %", "mean_average_precision"), ("source", "source"),
    ),
}  # fmt: skip

#: What features were learned from.
_SUPERVISION = {"discovered": "none", "supervised": "3D", GROUND_TRUTH: "3D", BOTH: "3D", FOUND_JOINTS: "few labels"}
_COUNTS = ("n_views", "n_keypoints", "n_frames", "n_missing", "n_common", "n_classes", "n_train", "n_test")


def collect_table(settings: PaperTableConfig, results: Layout, differences: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Put a table together: the experiments in their order, the floors of the first one, then what was published.

    For poses, `differences` are those of each experiment to the first one (:func:`bkind3d.evaluation.comparison.compare_errors`).

    Returns
    -------
    A table with the columns of :data:`COLUMNS`. What is not known is empty; what was published but cannot be read says so.
    """
    first, *_ = settings.rows
    rows = [row for name, label in settings.rows.items() for row in _collect(settings.measure, name, label, results, name == first)]
    if settings.measure == "pose":
        rows = [row | dict(differences.get(row["experiment"], {})) if is_ours(row["method"]) else row for row in rows]
    rows.sort(key=lambda row: row.pop("order"))
    if settings.published:
        rows += [_read_row(row) for row in read_published(settings.published, settings.measure)]
    return pd.DataFrame(rows, columns=list(COLUMNS[settings.measure]), dtype=object)


def _collect(measure: str, name: str, label: str, results: Layout, is_first: bool) -> list[dict[str, Any]]:
    """Our row of an experiment; of the first one also all that is compared with it. Where nothing could be measured the row says so."""
    path, key = (results.pose(name), "method") if measure == "pose" else (results.actions(name), "features")
    content = read_json(path)
    rows = []
    for row in content["rows"]:
        ours = is_ours(row[key])
        more = {} if measure == "pose" else _describe_features(row[key], content)
        more |= {"origin": "measured", "source": path.relative_to(results.folder.parent).as_posix()}
        if ours or is_first:
            rows.append(row | more | {"name": label if ours else label_of(row[key]), "order": 0 if ours else 1})
    return rows


def _describe_features(features: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """What actions.json says elsewhere than in the row of a set of features."""
    more = {"supervision": _SUPERVISION.get(features), "interval_unit": content.get("bootstrap", {}).get("unit")}
    low, high = content.get("differences", {}).get(f"{features} - {GROUND_TRUTH}") or (None, None)
    return more | {"vs_ground_truth_ci_low": low, "vs_ground_truth_ci_high": high}


def _read_row(row: Mapping[str, str]) -> dict[str, Any]:
    """A published row: numbers as numbers, what cannot be read in words."""
    found: dict[str, Any] = {"name": row["method"], "origin": "published", "dataset": row["data"], "source": row["source"]}
    found |= {"unit": "mm", "regressor": row["regressor"] or None, "supervision": row["supervision"]}
    for key in ("n_views", "n_keypoints"):
        found[key] = int(row[key]) if row[key] else None
    for key in ("mpjpe", "n_mpjpe", "pa_mpjpe", "accuracy"):
        text = row[key]
        found[key] = text if text == NOT_READABLE else float(text) / (100 if key == "accuracy" else 1) if text else None
    return found


def list_datasets(table: pd.DataFrame) -> list[str]:
    """Names of the data that were measured on."""
    return [str(name) for name in table.loc[table["origin"] == "measured", "dataset"].unique()]


def find_title(settings: PaperTableConfig, datasets: Sequence[str]) -> str:
    """The table's title; it begins with SIMULATED where the measured data were simulated, as their names say."""
    return f"{SIMULATED}: {settings.title}" if any(name.lower().startswith("simulated") for name in datasets) else settings.title


#: Letters that mean something else in LaTeX, and what prints them.
_LATEX = str.maketrans(
    {letter: f"\\{letter}" for letter in "%_&#${}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\n": " "}
)


def print_table(settings: PaperTableConfig, table: pd.DataFrame) -> pd.DataFrame:
    """The table as it is printed: rounded, intervals in brackets, and words where there is no number."""
    columns = _PRINTED[settings.measure]
    rows = table.to_dict("records")
    return pd.DataFrame([{"method": row["name"], **{heading: _print_cell(row, column) for heading, column in columns}} for row in rows])


def _print_cell(row: Mapping[Any, Any], column: str) -> str:
    # What others published has the digits that they gave it; a metre's errors need more decimals than a millimetre's.
    decimals = {"m": ".4f", "cm": ".2f"}.get(str(row.get("unit")), ".1f")
    digits = ".0f" if column in _COUNTS else ".6g" if row["origin"] == "published" else decimals
    return show_cell(row, column, lambda value: format(value, digits), gap="")


def describe_table(settings: PaperTableConfig, table: pd.DataFrame) -> str:
    """What the table's numbers mean, in sentences."""
    measured = table[table["origin"] == "measured"]
    words = {key: list(measured[key].dropna().unique()) for key in ("interval_unit", "unit", "split") if key in measured}
    return write_caption("paper_table", settings=settings, unreadable=NOT_READABLE, **words)


def _guard(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: an apostrophe stands before a text that begins like one."""
    return f"'{value}" if isinstance(value, str) and re.match(r"[=+\-@\t\r]", value) else value


def _escape_markdown(text: str) -> str:
    """A text that ends no cell, and is no HTML."""
    return re.sub(r"\s+", " ", text).replace("|", r"\|").replace("<", "&lt;")


def write_table_files(settings: PaperTableConfig, table: pd.DataFrame, name: str, folder: Path) -> None:
    """Write the table as CSV (all columns, full numbers), Markdown and LaTeX (booktabs)."""
    title, note, printed = find_title(settings, list_datasets(table)), describe_table(settings, table), print_table(settings, table)
    # Six digits of a number, also in a column that has words, too.
    short = table.map(lambda value: float(f"{value:.6g}") if isinstance(value, float) else value)
    escaped = f"{title}. {note}".translate(_LATEX)
    texts = {
        "csv": short.map(_guard).to_csv(index=False, lineterminator="\n"),
        "md": f"# {_escape_markdown(title)}\n\n{printed.map(_escape_markdown).to_markdown(index=False, disable_numparse=True)}\n\n{note}\n",
        "tex": printed.to_latex(index=False, escape=True, caption=escaped, label=f"tab:{name}"),
    }
    for ending, text in texts.items():
        with replaced_when_complete(folder / f"{name}.{ending}") as temporary:
            temporary.write_text(text, encoding="utf-8")
