"""``python -m benchmarks.resources STUDY [STUDY ...]``: what the jobs of finished studies used, by Snakemake's benchmark files."""

import sys
from pathlib import Path

import pandas as pd


def read_benchmarks(study: Path) -> pd.DataFrame:
    """One row per job: its rule, seconds by the clock, processor seconds and peak resident memory (MB) of all its processes."""
    folder = study / "results/benchmarks"
    parts = [
        pd.read_csv(path, sep="\t").assign(rule=path.relative_to(folder).parts[0].removesuffix(".tsv")) for path in folder.rglob("*.tsv")
    ]
    jobs = pd.concat(parts, ignore_index=True)
    return jobs[["rule", "s", "cpu_time", "max_rss"]].apply(
        lambda column: pd.to_numeric(column, errors="coerce") if column.name != "rule" else column
    )


def main() -> None:
    """Print a table of the largest job of every rule."""
    for study in map(Path, sys.argv[1:]):
        jobs = read_benchmarks(study).groupby("rule")
        largest = jobs.max().assign(jobs=jobs.size()).sort_index()
        print(f"\n{study.resolve().name}\n\n| rule | jobs | peak memory MB | processor s | s |\n|---|---|---|---|---|")
        for rule, row in largest.iterrows():
            print(f"| {rule} | {row['jobs']:.0f} | {row['max_rss']:.0f} | {row['cpu_time']:.1f} | {row['s']:.1f} |")


if __name__ == "__main__":
    main()
