"""``python -m benchmarks.warnings FOLDER``: how well the report's warnings tell results that are of no use from those that are.

FOLDER holds studies that were judged (``python -m benchmarks.judge``, ``benchmarks.error_budget``). A run is what one network, trained or not,
found in one session. It is of no use if its PA-MPJPE, by the regression in the body's own axes, is not below that of the mean pose in that
session, and far off if it is above 1.5 times that. Of every warning, and of all together, the table says how often a run of no use was warned
of, how often one of use was (both errors), and what the measure could do with any limit: the chance that it is worse in a run of no use than
in one of use (AUC).

Judged are the sealed subjects, which is a look at them (``benchmarks/looks.tsv``); with ``--tuning`` each training session in turn, by a
regression that is fitted to the others.
"""

import argparse
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from benchmarks.judge import BODY, Entry, measure_entry, measure_floors, measure_frames, note_look, write_tables
from bkind3d.data.cubes import read_cube
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.data.results import MEAN_POSE, UNTRAINED
from bkind3d.evaluation.candidates import Candidate
from bkind3d.evaluation.doubts import measure_keypoints, measure_location, measure_silhouettes
from bkind3d.evaluation.recordings import read_recordings
from bkind3d.study.doubts import KINDS, Measure
from bkind3d.study.opening import load_study
from bkind3d.study.study import Study

#: Multiple of the mean pose's error beyond which a run is far off.
_FAR = 1.5


def find_studies(folder: Path) -> list[Path]:
    """Studies below a folder that have keypoints, found in the study's one cube."""
    studies = [path.parents[1] for path in sorted(folder.rglob("config/config.yaml"))]
    return [
        path for path in studies if (path / "results/cube.json").exists() and any(path.glob("results/experiments/*/keypoints/*.parquet"))
    ]


def find_entry(study: Study, experiment: str) -> Entry | None:
    """What is judged of an experiment; none where a session lacks keypoints or joints."""
    entry = Entry(experiment, study.results, [experiment], Candidate.of(study.config.experiments[experiment].description))
    untrained = all(study.results.untrained_keypoints(experiment, session).exists() for session in study.sessions)
    needed = [study.results.keypoints(experiment, session) for session in study.sessions] + list(entry.find_joints().values())
    return replace(entry, untrained=untrained) if all(path.exists() for path in needed) else None


def measure_errors(entry: Entry, tuning: bool) -> pd.DataFrame:
    """PA-MPJPE of the trained and the untrained network (columns trained, untrained) and of the mean pose in every judged session."""
    names = {entry.name: "trained", entry.method.name: "trained", f"{entry.name} {UNTRAINED}": UNTRAINED}
    if tuning:
        read = read_recordings(entry.sheet, entry.find_points(entry.experiments[0]), entry.find_joints())
        known = [one for one in read if one.split == "train"]
        parts = [[replace(other, split="test" if other is one else "train") for other in known] for one in known]
        measured = pd.concat([measure_frames(part, entry.method, BODY) for part in parts])
    else:
        floors = measure_floors(entry, BODY)
        measured = floors.join(measure_entry(entry, BODY)[0])
    measured = measured.rename(columns=names)
    kept = [name for name in ("trained", UNTRAINED) if name in measured]
    return measured[kept].apply(lambda column: column.fillna(measured[MEAN_POSE])).join(measured[MEAN_POSE]).groupby(level="session").mean()


def list_measures(study: Study, experiment: str, session: str, network: str) -> list[Measure]:
    """Everything that can be doubted of a run."""
    path = study.results.location(session)
    location, place = read_table(path, "location"), read_metadata(path)
    side = read_cube(study.results.cube(), str(place.get("units", "")))
    find = study.results.keypoints if network == "trained" else study.results.untrained_keypoints
    size = study.config.framesets[study.config.experiments[experiment].frames].size
    keypoints = measure_keypoints(find(experiment, session), session, experiment, location, side, size)
    silhouettes = measure_silhouettes(study, session, location, side)
    return [*measure_location(study, session, location, place), *silhouettes, *keypoints]


def describe_run(measures: Iterable[Measure]) -> dict[str, float]:
    """The worst value of every kind; infinitely good where it is not known."""
    worst = {name: -math.inf if kind.above else math.inf for name, kind in KINDS.items()}
    for measure in measures:
        if math.isfinite(measure.value):
            worst[measure.kind] = (max if KINDS[measure.kind].above else min)(worst[measure.kind], measure.value)
    return worst


def list_runs(folder: Path, tuning: bool) -> Iterator[dict[str, object]]:
    """All runs of the studies below a folder: where, their errors, and their measures."""
    for path in find_studies(folder):
        study = load_study(folder=path)
        for experiment in study.config.experiments:
            entry = find_entry(study, experiment)
            if entry is None:
                print(f"{path} {experiment}: not all sessions have keypoints and joints; passed over", file=sys.stderr)
                continue
            for session, row in measure_errors(entry, tuning).iterrows():
                for network in [name for name in ("trained", UNTRAINED) if name in row]:
                    where = {"study": str(path.relative_to(folder)), "experiment": experiment, "network": network, "session": session}
                    errors = {"error": row[network], MEAN_POSE: row[MEAN_POSE], "useless": row[network] >= row[MEAN_POSE]}
                    yield where | errors | describe_run(list_measures(study, experiment, str(session), network))


def judge_warnings(runs: pd.DataFrame) -> pd.DataFrame:
    """One row per kind of warning, and one for all together: both errors, and what the measure could do with any limit."""
    useless, far = runs["useless"].to_numpy(bool), (runs["error"] > _FAR * runs[MEAN_POSE]).to_numpy()
    warned = {name: (runs[name] > kind.limit if kind.above else runs[name] < kind.limit).to_numpy() for name, kind in KINDS.items()}
    warned["any"] = np.logical_or.reduce(list(warned.values()))
    rows = []
    for name, said in warned.items():
        values = np.clip(np.nan_to_num(runs[name].to_numpy(float) * (1 if KINDS[name].above else -1)), -1e9, 1e9) if name in KINDS else said
        known = int(np.isfinite(runs[name].to_numpy(float)).sum()) if name in KINDS else len(runs)
        rows.append(
            {
                "warning": name,
                "limit": f"{'>' if KINDS[name].above else '<'} {KINDS[name].limit:g}" if name in KINDS else "",
                "runs": known,
                "of no use, warned of": f"{(said & useless).sum()} of {useless.sum()}",
                "of use, warned of": f"{(said & ~useless).sum()} of {(~useless).sum()}",
                "far off, warned of": f"{(said & far).sum()} of {far.sum()}",
                "AUC": f"{roc_auc_score(useless, values):.2f}" if 0 < useless.sum() < len(runs) else "",
            }
        )
    return pd.DataFrame(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of all warnings, and write every run beside it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="holds the studies")
    parser.add_argument("--tuning", action="store_true", help="judge training sessions, each in turn, in place of sealed ones")
    given = parser.parse_args(arguments)
    sys.path.append(str(given.folder.resolve() / "site"))  # methods of benchmarks.error_budget
    runs = pd.DataFrame(list_runs(given.folder, given.tuning))
    if runs.empty:
        sys.exit(f"benchmarks.warnings: {given.folder} holds no study whose sessions all have keypoints and joints")
    runs.to_csv(given.folder / "warnings_runs.tsv", sep="\t", index=False)
    table = pd.concat([judge_warnings(part).assign(network=name) for name, part in runs.groupby("network")])
    write_tables([table], given.folder / "warnings")
    if not given.tuning:
        together = table[table["warning"] == "any"]
        note_look("warnings", together.assign(what=together["network"], scene=given.folder.name), "of no use, warned of")


if __name__ == "__main__":
    main()
