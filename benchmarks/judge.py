"""``python -m benchmarks.judge WHAT...``: the one judge: how good keypoints are on subjects and rigs that nobody tunes to.

WHAT is the name of a method (:data:`METHODS`), which is trained on a scene's subjects for tuning with a budget of counted operations, or the
folder of a study whose trained experiments are judged as they are. Either is applied to the scene's sealed subjects: a regression to
joints is fitted to subjects for tuning and measured on sealed ones, beside floors and oracles on the same frames.

A frame without an answer, because the subject was not located there, say, counts as the mean pose would: nobody gains by passing over
what is hard. All work is the workflow's, in studies under ``--folder``: a second call goes on where one was interrupted, and adds what is new. Every
look is noted in ``benchmarks/looks.tsv``: sealed subjects are looked at once, at the end of a piece of work. Until then ``--tuning`` judges on
subjects for tuning that a scene does not train on. With ``--labels`` methods that learn from joints are also trained on fewer labelled frames, and a
table, a figure and a sentence say from how many on labels are worth it.
"""

import argparse
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from benchmarks.ablation import climb
from benchmarks.scenes import SCENES, Scene
from bkind3d.checkpoint import load_model
from bkind3d.config import DEFAULT_METHOD, EvaluationConfig, find_settings
from bkind3d.data.parquet import read_table
from bkind3d.data.points import read_points
from bkind3d.data.results import MEAN_POSE, UNTRAINED, name_oracle, name_regressed
from bkind3d.evaluation.bootstrap import find_intervals, make_units
from bkind3d.evaluation.candidates import ORACLES, Candidate, measure_candidates
from bkind3d.evaluation.label_efficiency import measure_label_efficiency
from bkind3d.evaluation.labelled_frames import select_common, stack_frames
from bkind3d.evaluation.labels import collect_labels, say_when
from bkind3d.evaluation.metrics import mean_known
from bkind3d.evaluation.recordings import Recording, read_recordings
from bkind3d.report.labels import write_labels
from bkind3d.study.layout import Layout
from bkind3d.study.opening import read_yaml
from bkind3d.study.sheets import read_sessions

ROOT = Path(__file__).resolve().parents[1]
LOOKS = ROOT / "benchmarks/looks.tsv"

#: Scenes with true joints in 3D; and those of them that need no real data and have short takes, of every frame of which there are true silhouettes.
JOINTED = [name for name, scene in SCENES.items() if isinstance(scene, Scene)]
SHORT = [name for name, scene in SCENES.items() if isinstance(scene, Scene) and scene.seconds < 20 and not scene.motion]
#: What can be judged without a trained study: settings of an experiment.
METHODS: dict[str, dict[str, Any]] = {
    "bkind3d": {"preset": "bkind3d"},
    "paper": {"preset": "demo", **climb()["paper_objective"]},
    "taught": {"method": "supervised"},
    **{name: {"method": name} for name in ("volumetric", "algebraic", "dannce", "keypoint3d", "metapose", "metapose_calibrated")},
}
#: Subjects of a scene: the first ones are learned from, the last ones judged.
PARTS = ("tuning", "sealed")
#: Files of a training, which a study that is given brings along.
TRAINED = ("model", "untrained_model", "history", "edges")
RESAMPLES, SEED = 1000, 0
#: The regression as published; and one in the body's own axes, as users get it: in eight seconds, half of it rest, a subject faces few ways and
#: takes few poses, and least squares in the world's axes then fails even for true joints.
PUBLISHED, BODY = EvaluationConfig(), EvaluationConfig(axes="body", regressor="kernel")


@dataclass(frozen=True)
class Entry:
    """One thing that is judged: an experiment of a study, or several of different seeds.

    Attributes
    ----------
    name : in the table.
    results : of the study.
    experiments : its seeds.
    method : what they are.
    untrained : whether the same networks are judged before their training, too.
    regressed : whether joints that were learned are judged after a regression to all labels, too.
    """

    name: str
    results: Layout
    experiments: Sequence[str]
    method: Candidate
    untrained: bool = True
    regressed: bool = True

    @property
    def tflop(self) -> float:
        """Counted operations of a training, in units of 10^12; 0 where its model does not say it."""
        provenance = load_model(self.results.model(self.experiments[0]))[1]
        return provenance.steps * provenance.tflop_per_step

    @property
    def sheet(self) -> Path:
        """The study's sheet of sessions."""
        return self.results.folder.parent / "config/sessions.tsv"

    def find_points(self, experiment: str) -> dict[str, dict[str, Path]]:
        """Keypoints of every session, by what found them."""
        kinds = {self.method.name: self.results.keypoints} | ({UNTRAINED: self.results.untrained_keypoints} if self.untrained else {})
        return {name: {session: find(experiment, session) for session in read_sessions(self.sheet)} for name, find in kinds.items()}

    def find_joints(self) -> dict[str, Path]:
        """True joints of every session."""
        return {session: self.results.joints(session) for session in read_sessions(self.sheet)}

    def list_targets(self) -> list[str]:
        """What the workflow has to make, relative to the study."""
        points = [path for name in self.experiments for paths in self.find_points(name).values() for path in paths.values()]
        return [str(path.relative_to(self.results.folder.parent)) for path in (*points, *self.find_joints().values())]


@dataclass(frozen=True)
class Errors:
    """PA-MPJPE of every candidate on the sealed frames, world units.

    Attributes
    ----------
    table : one row per frame, indexed by session, frame and time_s; one column per candidate.
    missing : what is judged, in order, and the share of the frames to which it has no answer; most have a column ``NAME untrained``, too.
    """

    table: pd.DataFrame
    missing: Mapping[str, float]

    @cached_property
    def intervals(self) -> dict[tuple[str, str], tuple[float, float]]:
        """95 % intervals of means, as (name, ""), and of paired differences, as (name, other)."""
        sessions, seconds = (self.table.index.get_level_values(level) for level in ("session", "time_s"))
        units = make_units(pd.factorize(sessions)[0], seconds.to_numpy(float))
        return find_intervals({name: column.to_numpy() for name, column in self.table.items()}, units, RESAMPLES, SEED)

    def describe(self, name: str, minus: str = "") -> str:
        """Mean of a candidate and its 95 % interval; of its paired difference from another where one is named. Empty where one is not there."""
        if (name, minus) not in self.intervals:
            return ""
        value = self.table[name].mean() - (self.table[minus].mean() if minus else 0.0)
        low, high = self.intervals[name, minus]
        return f"{value:.2f} [{low:.2f}, {high:.2f}]"

    def share(self, name: str) -> str:
        """How much of the way from the mean pose to the oracle of most joints a candidate comes, in per cent."""
        mean, best = self.table.mean(), name_oracle(max(ORACLES))
        return f"{100 * (mean[MEAN_POSE] - mean[name]) / (mean[MEAN_POSE] - mean[best]):.0f}" if best in mean else ""


def film_scene(name: str, folder: Path, parts: Sequence[str] = PARTS) -> Path:
    """Render the subjects of a scene, for tuning and sealed; what is there is not rendered again. Give the folder of both."""
    recordings = folder / "recordings" / name
    for part in parts:
        SCENES[name].write_study(recordings / part, sealed=part == "sealed")
    return recordings


def write_study(
    folder: Path,
    recordings: Path,
    experiments: Mapping[str, Any],
    settings: Mapping[str, Any] | None = None,
    parts: Sequence[str] = PARTS,
) -> None:
    """Write a study that trains on subjects for tuning (those that the scene trains on) and tests on sealed ones.

    Parameters
    ----------
    folder : of the study; experiments that it has already stay in it.
    recordings : of :func:`film_scene`.
    experiments : settings by name.
    settings : what the study has in place of the scene's own settings.
    parts : with subjects for tuning alone, those that the scene does not train on are tested on.
    """
    folders = {part: recordings / part / "config" for part in parts}
    config = folder / "config"
    config.mkdir(parents=True, exist_ok=True)
    sheets = {(part, name): pd.read_csv(path / f"{name}.tsv", sep="\t", dtype=str) for part, path in folders.items() for name in _FILES}
    if "sealed" in parts:
        tuning, sealed = (sheets[part, "sessions"] for part in PARTS)
        sheets["tuning", "sessions"], sheets["sealed", "sessions"] = tuning[tuning["split"] == "train"], sealed.assign(split="test")
    for part in parts:
        kept = sheets[part, "cameras"]["session"].isin(sheets[part, "sessions"]["session"])
        sheets[part, "cameras"] = sheets[part, "cameras"][kept]
    for name, columns in _FILES.items():
        tables = [sheets[part, name].assign(**{c: f"{part}/" + sheets[part, name][c] for c in columns}) for part in parts]
        _write_if_new(config / f"{name}.tsv", pd.concat(tables).to_csv(sep="\t", index=False))
    own = read_yaml(folders["tuning"] / "config.yaml") | dict(settings or {})
    before = read_yaml(config / "config.yaml")["experiments"] if (config / "config.yaml").exists() else {}
    own |= {"recordings": os.path.relpath(recordings, folder), "experiments": before | dict(experiments)}
    _write_if_new(config / "config.yaml", yaml.safe_dump(own, sort_keys=False))


#: Sheets, and which of their columns name files.
_FILES = {"sessions": ("joints", "behaviours"), "cameras": ("video",), "rigs": ("calibration",)}


def _write_if_new(path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def run_workflow(folder: Path, targets: Iterable[str], cores: str, site: Path | None = None) -> None:
    """Let the workflow make some files of a study; what was put there, and is newer than what it is made of, stays.

    `site` is a folder of further packages, for methods that are not this project's.
    """
    paths = [str(site)] * (site is not None) + [str(ROOT)] + os.environ.get("PYTHONPATH", "").split(os.pathsep)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "OMP_NUM_THREADS": "1"}
    command = ["snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder), "--cores", cores]
    run = subprocess.run([*command, "--", *targets], check=False, env=environment)
    if run.returncode:
        sys.exit(f"benchmarks.judge: the workflow stopped in {folder}; the same command goes on from there")


@dataclass(frozen=True)
class Plan:
    """How methods are trained, and on whom they are judged.

    Attributes
    ----------
    tflop : counted operations of a training, in units of 10^12.
    seeds : of the trainings.
    labels : budgets of labelled frames, beside all.
    parts : subjects: for tuning alone, or sealed ones, too.
    untrained : whether networks are judged before their training, too.
    """

    tflop: float
    seeds: Sequence[int] = (0,)
    labels: Sequence[int] = ()
    parts: Sequence[str] = PARTS
    untrained: bool = True

    def find_trainings(self, name: str, labels: int) -> dict[str, dict[str, Any]]:
        """Settings of the trainings of a method, by experiment; 0 labels stand for all."""
        chosen = METHODS[name].get("training", {}) | {"budget_tflop": self.tflop} | ({"labels": labels} if labels else {})
        start = f"{name}-{self.tflop:g}" + (f"-{labels}labels" if labels else "")
        return {f"{start}-{seed}".replace(".", "_"): {**chosen, "seed": seed} for seed in self.seeds}


def judge_methods(names: Sequence[str], plan: Plan, study: Path, recordings: Path, cores: str) -> list[Entry]:
    """Train methods on a scene's `recordings` in a `study`, and find keypoints of the subjects that are judged."""
    if not names:
        return []
    found, experiments = [], {}
    for name in names:
        candidate = find_candidate(METHODS[name])
        budgets = plan.labels if candidate.role == "supervised" else ()
        for labels in (0, *budgets):
            chosen = plan.find_trainings(name, labels)
            experiments |= {experiment: make_experiment(METHODS[name], values) for experiment, values in chosen.items()}
            title = f"{name}, {labels} labels" if labels else name
            found.append(Entry(title, Layout(study / "results"), list(chosen), candidate, plan.untrained and not labels, not labels))
    write_study(study, recordings, experiments, parts=plan.parts)
    run_workflow(study, [path for entry in found for path in entry.list_targets()], cores)
    return found


def find_candidate(settings: Mapping[str, Any]) -> Candidate:
    """What an experiment's method is, by its settings."""
    return Candidate.of(find_settings(settings.get("method", DEFAULT_METHOD)).description)


def make_experiment(settings: Mapping[str, Any], training: Mapping[str, Any]) -> dict[str, Any]:
    """An experiment on the frames that follow the subject, judged by joints alone."""
    return {"frames": "subject", **settings, "training": dict(training), "actions": {"enabled": False}}


def judge_study(given: Path, study: Path, recordings: Path, cores: str, parts: Sequence[str] = PARTS) -> list[Entry]:
    """Apply the trained experiments of a `given` study, with its settings, to a scene's `recordings`, in a `study` of their own."""
    settings, results = read_yaml(given / "config/config.yaml"), Layout(given / "results")
    experiments = {name: values for name, values in settings["experiments"].items() if results.model(name).exists()}
    if not experiments:
        sys.exit(f"benchmarks.judge: {given} has no trained experiment; run its workflow first")
    kept = {key: settings[key] for key in ("survey", "location", "framesets") if key in settings}
    quiet = {name: {**values, "actions": {"enabled": False}} for name, values in experiments.items()}
    write_study(study, recordings, quiet, kept, parts)
    sessions = pd.read_csv(study / "config/cameras.tsv", sep="\t", dtype=str)
    framesets = {values["frames"] for values in experiments.values()}
    frames = [f"results/frames/{name}/{row.session}/{row.camera}.parquet" for name in framesets for row in sessions.itertuples()]
    wanted = [f"results/config/training/{name}.json" for name in experiments]
    run_workflow(study, ["results/config/training_sessions.json", *wanted, *frames], cores)
    own = Layout(study / "results")
    copy_models(results, own, experiments)
    entries = [Entry(f"{given.resolve().name}/{name}", own, [name], find_candidate(values)) for name, values in experiments.items()]
    run_workflow(study, [path for entry in entries for path in entry.list_targets()], cores)
    return entries


def copy_models(source: Layout, target: Layout, experiments: Iterable[str]) -> None:
    """Give a study the trained models of another: newer than all that they would be made of, so that nothing is trained."""
    for name in experiments:
        for kind in TRAINED:
            given, copy = getattr(source, kind)(name), getattr(target, kind)(name)
            if not copy.exists() or copy.read_bytes() != given.read_bytes():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(given, copy)


def measure_frames(recordings: Sequence[Recording], method: Candidate, config: EvaluationConfig = PUBLISHED) -> pd.DataFrame:
    """PA-MPJPE of the method, floors and oracles in every sealed frame that can be judged: indexed by session, frame and time_s."""
    assert recordings[0].joints is not None
    frames = stack_frames(recordings, config)
    train, test = select_common(frames)
    points, joints = recordings[0].judged.names, recordings[0].joints.names
    measured, _ = measure_candidates(frames, train, test, method, points, config, joints)
    index = [[recordings[number].session for number in test.session], test.frame, test.time_s]
    columns = {result.name: mean_known(result.errors.pa_mpjpe, axis=1) for result in measured}
    return pd.DataFrame(columns, index=pd.MultiIndex.from_arrays(index, names=["session", "frame", "time_s"]))


def measure_floors(entry: Entry, config: EvaluationConfig = PUBLISHED) -> pd.DataFrame:
    """Measure the mean pose and the oracles, which look at no picture, in all sealed frames of a study."""
    truth, recordings = Candidate("truth", "supervised", "3D"), []
    for name, row in read_sessions(entry.sheet).items():
        times = read_table(entry.results.location(name), "location", ["frame", "time_s"]).set_index("frame")["time_s"]
        joints = read_points(entry.results.joints(name), "joints")
        joints = replace(joints, time_s=times.loc[joints.frames].to_numpy())
        recordings.append(Recording(name, row.subject, row.split, (0, math.inf), name, {}, {truth.name: joints}, joints))
    return measure_frames(recordings, truth, config).drop(columns=[truth.name, name_regressed(truth.name)], errors="ignore")


def measure_entry(entry: Entry, config: EvaluationConfig = PUBLISHED) -> list[pd.DataFrame]:
    """Measure every experiment of an entry; under the entry's name, with `untrained` behind it those of the untrained network, and where joints
    were learned those after the regression, too.
    """
    names = {entry.method.name: entry.name, UNTRAINED: f"{entry.name} {UNTRAINED}"}
    if entry.regressed:
        names[name_regressed(entry.method.name)] = name_regressed(entry.name)
    tables = []
    for experiment in entry.experiments:
        recordings = read_recordings(entry.sheet, entry.find_points(experiment), entry.find_joints())
        measured = measure_frames(recordings, entry.method, config)
        tables.append(measured[[name for name in names if name in measured]].rename(columns=names))
    return tables


def join_errors(measured: Mapping[str, Sequence[pd.DataFrame]], floors: pd.DataFrame) -> Errors:
    """Put the errors of everything that was measured (:func:`measure_entry`) beside the `floors`; of several seeds, the mean of each frame."""
    columns, missing = {}, {}
    for entry, tables in measured.items():
        seeds = [table.reindex(floors.index) for table in tables]
        missing[entry] = float(np.mean([seed[entry].isna().mean() for seed in seeds]))
        for name in seeds[0]:
            columns[name] = sum(seed[name].fillna(floors[MEAN_POSE]) for seed in seeds) / len(seeds)
    return Errors(floors.assign(**columns), missing)


def compare(entries: Sequence[Entry], config: EvaluationConfig = PUBLISHED) -> Errors:
    """Measure all entries of a scene on the same frames."""
    return join_errors({entry.name: measure_entry(entry, config) for entry in entries}, measure_floors(entries[0], config))


def make_table(scene: str, errors: Errors, entries: Sequence[Entry]) -> pd.DataFrame:
    """One row for everything that is judged, and one for each floor and oracle; differences are paired, and below 0 where it is better."""
    first, rows = entries[0].name, []
    trained = {entry.name: entry for entry in entries}
    for name in [*(row for entry in trained for row in (entry, name_regressed(entry))), MEAN_POSE, *map(name_oracle, ORACLES)]:
        if name not in errors.table:
            continue
        entry = trained.get(name)
        rows.append(
            {
                "scene": scene,
                "what": name,
                "seeds": len(entry.experiments) if entry else "",
                "TFLOP": f"{entry.tflop:.3g}" if entry and entry.tflop else "",
                "PA-MPJPE mm": errors.describe(name),
                f"minus {MEAN_POSE}": errors.describe(name, MEAN_POSE),
                f"minus its {UNTRAINED}": errors.describe(name, f"{name} {UNTRAINED}") if entry else "",
                f"minus {first}": errors.describe(name, first),
                "% to 8 joints": errors.share(name),
                f"{UNTRAINED} mm": errors.describe(f"{name} {UNTRAINED}") if entry else "",
                "no answer %": f"{100 * errors.missing[name]:.1f}" if entry else "",
                "frames": len(errors.table),
            }
        )
    return pd.DataFrame(rows)


def measure_labels(entries: Sequence[Entry], errors: Errors, unit: str = "mm") -> pd.DataFrame:
    """Errors against labelled frames (columns of :data:`bkind3d.evaluation.labels.LABEL_COLUMNS`): of methods that were trained with several
    budgets as the table has them, of discovered keypoints those of their regression in the body's axes.
    """
    contents = []
    for entry in entries:
        recordings = read_recordings(entry.sheet, entry.find_points(entry.experiments[0]), entry.find_joints())
        assert recordings[0].joints is not None
        frames = stack_frames(recordings, BODY)
        train, test = select_common(frames)
        low, high = errors.intervals[entry.name, ""]
        row = {"experiment": entry.name, "method": entry.method.name, "supervision": entry.method.supervision, "unit": unit}
        row |= {"pa_mpjpe": float(errors.table[entry.name].mean()), "pa_mpjpe_ci_low": low, "pa_mpjpe_ci_high": high}
        row |= {"regressor": "none", "labels": recordings[0].judged.metadata.get("labels")}
        content: dict[str, Any] = {"rows": [row]}
        if entry.method.role == "discovered":
            row["regressor"] = BODY.regressor
            content["label_efficiency"] = measure_label_efficiency(train, test, [entry.method.name], BODY, recordings[0].joints.names)
        contents.append(content)
    return collect_labels(contents)


def note_look(what: str, table: pd.DataFrame, result: str, path: Path = LOOKS) -> None:
    """Append what was seen of the sealed subjects: one line per row of the table."""
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+"], capture_output=True, text=True, check=False
    ).stdout
    lines = [] if path.exists() else ["date\tcommit\twhat\tscene\tresult"]
    now = f"{datetime.now():%Y-%m-%d %H:%M}"
    lines += [f"{now}\t{commit.strip() or '-'}\t{what}: {row['what']}\t{row['scene']}\t{row[result]}" for row in table.to_dict("records")]
    with path.open("a") as file:
        file.write("\n".join(lines) + "\n")


def write_tables(tables: Sequence[pd.DataFrame], path: Path) -> None:
    """Print the tables of all scenes, and write them as Markdown and TSV."""
    table = pd.concat(tables)
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path.with_suffix(".tsv"), sep="\t", index=False)
    lines = [table.columns, ["---"] * table.shape[1], *table.astype(str).to_numpy()]
    path.with_suffix(".md").write_text("".join(f"| {' | '.join(line)} |\n" for line in lines))
    print(path.with_suffix(".md").read_text())


def add_options(parser: argparse.ArgumentParser, scenes: Sequence[str]) -> None:
    """Options that all who look at the sealed subjects of some of the `scenes` have."""
    parser.add_argument("--scenes", nargs="+", choices=scenes, default=SHORT, help="scenes (default: short takes of simulated motion)")
    parser.add_argument("--folder", type=Path, default=Path("build/judge"), help="working folder")
    parser.add_argument("--tflop", type=float, default=50, help="budget of a training: counted operations, in units of 10^12")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of the trainings")
    parser.add_argument("--cores", default="all", help="cores of the workflow")


def main() -> None:
    """Judge what is asked for, scene by scene."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="+", metavar="WHAT", help=f"a method ({', '.join(METHODS)}) or the folder of a trained study")
    add_options(parser, JOINTED)
    parser.add_argument("--tuning", action="store_const", dest="parts", const=PARTS[:1], default=PARTS, help="look at no sealed subject")
    parser.add_argument("--labels", type=int, nargs="+", default=[], help="budgets of labelled frames, such as 10 30 100 300, beside all")
    arguments = parser.parse_args()
    for name in arguments.what:
        if name not in METHODS and not (Path(name) / "config/config.yaml").exists():
            parser.error(f"{name} is neither a method ({', '.join(METHODS)}) nor the folder of a study")
    folder, tables = arguments.folder.resolve(), []
    plan = Plan(arguments.tflop, arguments.seeds, arguments.labels, arguments.parts)
    place = folder if "sealed" in plan.parts else folder / "tuning"
    for scene in arguments.scenes:
        recordings, methods = film_scene(scene, folder, plan.parts), [name for name in arguments.what if name in METHODS]
        entries = judge_methods(methods, plan, place / "methods" / scene, recordings, arguments.cores)
        for given in (Path(name) for name in arguments.what if name not in METHODS):
            entries += judge_study(given, place / "studies" / given.resolve().name / scene, recordings, arguments.cores, plan.parts)
        errors, body_errors = compare(entries), compare(entries, BODY)
        tables.append(make_table(scene, errors, entries))
        body = make_table(scene, body_errors, entries)
        for column in ("PA-MPJPE mm", f"minus {MEAN_POSE}", f"minus its {UNTRAINED}", f"{UNTRAINED} mm", "% to 8 joints"):
            tables[-1][f"{column}, body axes"] = body[column]
        if plan.labels:
            curves = measure_labels(entries, body_errors)
            write_labels(curves, say_when(curves), place / f"labels-{scene}.csv")
        if "sealed" in plan.parts:
            note_look("judge", tables[-1], "PA-MPJPE mm")
            note_look("judge, body axes", body, "PA-MPJPE mm")
    write_tables(tables, place / "judge")


if __name__ == "__main__":
    main()
