"""``python -m benchmarks.identity STUDY``: how well measures that need no truth tell which training is the better one.

Takes every experiment of a study whose evaluation is there, and correlates (Spearman) over the trainings what can be measured
without truth with what cannot. Signs are turned so that a positive correlation means: steadier in itself, truer to the
body. Writes ``identity.csv`` and ``identity.svg``.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
from scipy.stats import spearmanr

from bkind3d.evaluation.body_parts import WITHOUT_TRUTH

#: What the truth says of a training, and whether more of it is better.
TRUTHS = {"pa_mpjpe": False, "swaps": False, "scatter": False, "nearest": True, "left_right": True}

#: Fewer trainings than this are not worth a rank correlation.
LEAST = 4


def read_experiments(study: Path) -> pd.DataFrame:
    """One row per experiment and method (bkind3d: trained, untrained), with all measures; those without reference are left out."""
    rows: list[dict[str, Any]] = []
    for path in sorted(study.glob("results/experiments/*/evaluation/pose.json")):
        pose = json.loads(path.read_text())
        errors = {row["method"]: row["pa_mpjpe"] for row in pose["rows"]}
        for method, measures in pose["identity"].get("methods", {}).items():
            if errors.get(method) is not None:
                values = {name: measures.get(name) for name in (*TRUTHS, *WITHOUT_TRUTH)}
                rows.append({"experiment": path.parts[-3], "method": method, **values, "pa_mpjpe": errors[method]})
    return pd.DataFrame(rows)


def correlate(table: pd.DataFrame) -> pd.DataFrame:
    """Spearman's correlation, its p-value and the number of trainings for every pair of measures that varies."""
    rows = []
    for predictor in WITHOUT_TRUTH:
        for truth, more_is_better in TRUTHS.items():
            pairs = table[[predictor, truth]].astype(float).dropna()
            if len(pairs) < LEAST or (pairs.nunique() < 2).any():
                continue
            found = spearmanr(pairs[predictor], -pairs[truth] if more_is_better else pairs[truth])
            rows.append({"predictor": predictor, "truth": truth, "correlation": found.statistic, "p": found.pvalue, "n": len(pairs)})
    return pd.DataFrame(rows, columns=["predictor", "truth", "correlation", "p", "n"])


def plot_measures(table: pd.DataFrame, path: Path) -> None:
    """Scatter plots of every measure without truth (columns) against those with truth (rows), one point per network."""
    mpl.use("Agg")
    figure, axes = plt.subplots(len(TRUTHS), len(WITHOUT_TRUTH), figsize=(12, 9), sharex="col", sharey="row", layout="constrained")
    for row, truth in zip(axes, TRUTHS, strict=True):
        for axis, predictor in zip(row, WITHOUT_TRUTH, strict=True):
            for method, colour, label in (("untrained", "#b0b0b0", "untrained"), ("bkind3d", "#1f6f8b", "trained")):
                part = table[table["method"] == method]
                axis.scatter(part[predictor].astype(float), part[truth].astype(float), s=18, color=colour, label=label)
    for axis, predictor in zip(axes[-1], WITHOUT_TRUTH, strict=True):
        axis.set_xlabel(predictor)
    for axis, truth in zip(axes[:, 0], TRUTHS, strict=True):
        axis.set_ylabel(truth)
    axes[0, 0].legend(fontsize=8)
    figure.savefig(path)
    plt.close(figure)


def main() -> None:
    """Correlate over the trained networks, and over these and the untrained ones; print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, nargs="+", help="folders of studies with finished experiments")
    parser.add_argument("--output", type=Path, help="folder of the table and the plot; the first study if not given")
    arguments = parser.parse_args()
    table = pd.concat([read_experiments(study).assign(study=study.name) for study in arguments.study], ignore_index=True)
    if table.empty:
        sys.exit(
            f"benchmarks: {arguments.study[0]}: no experiment has been judged against joints; run the workflow to results/tables/pose.csv"
        )
    trained = table[table["method"] == "bkind3d"]
    found = pd.concat([correlate(trained).assign(networks="trained"), correlate(table).assign(networks="trained and untrained")])
    output = arguments.output or arguments.study[0]
    output.mkdir(parents=True, exist_ok=True)
    found.to_csv(output / "identity.csv", index=False)
    plot_measures(table, output / "identity.svg")
    print(table.round(3).to_string(index=False))
    if found.empty:
        print(f"{len(trained)} trainings: a rank correlation needs {LEAST}")
    for networks, part in found.groupby("networks", sort=False):
        print(f"\n{networks}:")
        print(part.pivot(index="predictor", columns="truth", values="correlation").reindex(columns=[*TRUTHS]).round(2).to_string())


if __name__ == "__main__":
    main()
