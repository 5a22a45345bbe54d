"""What a run was: every setting and where it departs from the preset and the paper, how training went, versions, hashes of what went in."""

import math
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from bkind3d import __version__
from bkind3d.config import ExperimentConfig, FramesConfig, Section
from bkind3d.data.parquet import read_metadata
from bkind3d.data.spacing import step_indices
from bkind3d.report.elements import Cell, Chart, Fold, Note, Table, make_chart, make_row
from bkind3d.report.formatting import format_number
from bkind3d.report.palette import LINES
from bkind3d.report.rendering import write_caption
from bkind3d.study.sections import list_entries
from bkind3d.study.study import Study

#: Packages whose version is stated, by the name of their distribution.
PACKAGES = ("torch", "lightning", "numpy", "pandas", "pyarrow", "opencv-contrib-python", "av", "aniposelib",
            "plotly", "matplotlib", "snakemake")  # fmt: skip

_HASH = re.compile(r"[0-9a-f]{16,128}")


def list_settings(section: Section, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """Every key of a section, in the order of its definition, with its value and its meaning."""
    for key, field in type(section).model_fields.items():
        value = getattr(section, key)
        if isinstance(value, Section):
            yield from list_settings(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value, field.description or ""


def list_preset(experiment: ExperimentConfig, preset: str) -> dict[str, Any]:
    """What every key of an experiment would be as a preset of its method has it."""
    settings = type(experiment).model_validate({"method": experiment.method, "preset": preset, "frames": experiment.frames})
    return {key: value for key, value, _ in list_settings(settings)}


def describe_weights(experiment: ExperimentConfig) -> Note:
    """Say plainly whether any pretrained weights had a part in an experiment."""
    first, features = experiment.model.first_weights, experiment.losses.perceptual_features
    return Note(write_caption("weights", first=first, features=features), "info")


def build_settings_table(experiment: ExperimentConfig, without: tuple[str, ...] = ()) -> Table:
    """Every switch of an experiment beside the same key of its preset, and of the paper where its method is the paper's.

    Keys that begin with one of `without` are left out.
    """
    known = {f"preset {experiment.preset}": list_preset(experiment, experiment.preset)}
    if "paper" not in experiment.presets:
        return _compare_settings(experiment, known, "Marked: changed from the preset.", without=without)
    known |= {"paper": list_preset(experiment, "paper")}
    return _compare_settings(experiment, known, "Bold: not as in the paper. Marked: changed from the preset.", without=without)


def _compare_settings(
    section: Section, known: Mapping[str, Mapping[str, Any]], caption: str = "", prefix: str = "", without: tuple[str, ...] = ()
) -> Table:
    """Every key of a section beside what it is in others, by heading: marked where it departs from the first, bold from a later one."""
    rows = []
    for key, value, meaning in list_settings(section):
        if key.startswith(without):
            continue
        first, *others = (values[key] for values in known.values())
        style = "changed" if value != first and key != "preset" else "strong" if any(value != other for other in others) else ""
        shown = (Cell(_show(other), "muted") for other in (first, *others))
        rows.append([Cell(f"{prefix}{key}", "code"), Cell(_show(value), style), *shown, Cell(meaning, "small")])
    return Table(["setting", "this run", *known, "meaning"], rows, frozenset(), caption)


def _show(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None or value == "" else str(value)


def build_settings(study: Study, experiment: str, is_judged: bool = True) -> list[Note | Fold]:
    """How an experiment was set: weights, pictures, every switch, but how it is judged only where that is shown."""
    settings = study.config.experiments[experiment]
    defaults = {key: value for key, value, _ in list_settings(FramesConfig())}  # type: ignore[call-arg]
    pictures = _compare_settings(study.config.framesets[settings.frames], {"default": defaults}, prefix="frames.")
    tables = [build_settings_table(settings, () if is_judged else ("evaluation.", "actions.")), pictures]
    n_changed = sum(row[1].style == "changed" for row in tables[0].rows)
    return [describe_weights(settings), Fold(f"All settings (preset {settings.preset}, {n_changed} changed)", tables)]


def split_terms(history: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The terms of the training history that say anything, each with its rows."""
    terms = [(str(term), rows.sort_values("step")) for term, rows in history.groupby("term", sort=False)]
    return [(term, rows) for term, rows in terms if rows["value"].notna().any() and (rows["value"] != 0).any()]


def build_learning_charts(terms: Sequence[tuple[str, pd.DataFrame]]) -> list[Chart]:
    """One small chart for each term of the training history."""
    charts = []
    for index, (term, rows) in enumerate(terms):
        thinned = rows.iloc[step_indices(len(rows), 600)]
        values = [value if math.isfinite(value) else None for value in thinned["value"]]
        line = {"width": 1.5, "color": LINES[index % len(LINES)]}
        figure = go.Figure(go.Scatter(x=thinned["step"].tolist(), y=values, mode="lines", line=line))
        title = {"text": term.replace("_", " "), "x": 0.02, "font": {"size": 13}}
        charts.append(make_chart(figure, 190, title=title, margin={"l": 50, "r": 10, "t": 34, "b": 34}))
    return charts


def list_versions() -> list[tuple[str, str]]:
    """Names and versions of what this report was made with."""
    found = [("bkind3d", __version__), ("python", platform.python_version())]
    for package in PACKAGES:
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            continue
    return [*found, ("system", f"{platform.system()} {platform.machine()}")]


def build_versions() -> Table:
    """Versions as a table."""
    return Table(["package", "version"], [[Cell(name), Cell(number, "code")] for name, number in list_versions()])


def build_stages(study: Study) -> list[Table]:
    """The time that every stage of the workflow took, and the most memory of one of its jobs, as Snakemake measured them; nothing where it did not."""
    folder = study.results.benchmarks()
    jobs = [(path.relative_to(folder).parts[0].removesuffix(".tsv"), pd.read_csv(path, sep="\t")) for path in sorted(folder.rglob("*.tsv"))]
    columns = ["stage", "s", "cpu_time", "max_rss"]
    measured = [table.assign(stage=stage)[columns] for stage, table in jobs if set(columns[1:]) <= set(table)]
    if not measured:
        return []
    numbers = pd.concat(measured).set_index("stage").apply(pd.to_numeric, errors="coerce")
    grouped = numbers.groupby("stage")
    stages = grouped[["s", "cpu_time"]].sum(min_count=1).assign(jobs=grouped.size(), memory=grouped["max_rss"].max())
    rows = []
    for stage, row in zip(stages.index, stages.to_dict("records"), strict=True):
        minutes = (format_number(row[key] / 60) for key in ("s", "cpu_time"))
        rows.append(make_row(str(stage).replace("_", " "), row["jobs"], *minutes, format_number(row["memory"] / 1000, 2)))
    columns = ["stage", "jobs", "time (min)", "processor (min)", "memory (GB)"]
    return [Table(columns, rows, frozenset(columns[1:]), write_caption("stages"))]


def build_hashes(study: Study, sessions: list[str]) -> list[Fold]:
    """Hashes of the inputs that the tables of these sessions note, and the versions that wrote them."""
    paths = [study.results.calibration_quality(rig) for rig in dict.fromkeys(study.sessions[name].rig for name in sessions)]
    for name in sessions:
        paths += [*(study.results.survey(name, camera) for camera in study.cameras[name]), study.results.location(name)]
        for experiment in study.config.experiments:
            paths += [*study.find_frames(experiment, name).values(), study.results.keypoints(experiment, name)]
    rows = []
    for path in dict.fromkeys(paths):
        if path.exists():
            metadata = read_metadata(path)
            noted = [f"{key} {value[:16]}" for key, value in list_entries(metadata) if isinstance(value, str) and _HASH.fullmatch(value)]
            place = Cell(path.relative_to(study.results.folder).as_posix(), "code")
            rows.append(make_row(place, metadata.get("version", "–"), Cell(", ".join(noted) or "–", "code")))
    return [Fold(f"{len(rows)} files behind these pages", [Table(["file", "written by version", "hashes of its inputs"], rows)])]
