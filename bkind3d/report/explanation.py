"""What is behind a row of a table: files with their hashes, settings, seeds and versions."""

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bkind3d.checkpoint import hash_file, read_content
from bkind3d.config import MODEL_REVISION, ExperimentConfig, InputError, read_section, read_text
from bkind3d.data.parquet import hash_content, read_metadata
from bkind3d.data.results import UNTRAINED, read_json
from bkind3d.report.origin import list_preset, list_settings, list_versions
from bkind3d.study.layout import Layout
from bkind3d.study.sections import list_entries

#: What a row is found by in its JSON file.
_KEYS = ("method", "features")
#: Bytes of a table.
_MOST_BYTES = 2**26
_TABLES = "give results/tables/pose.csv, results/tables/actions.csv, or one of results/paper"


def explain_row(table: Path, number: int) -> str:
    """Explain row `number` (from 1, without the header) of a table of ours: pose.csv, actions.csv, or one of the paper's tables.

    Raises
    ------
    InputError : where the file is none of our tables, has no such row, or what is behind it is gone.
    """
    row = read_row(table, number)
    shown = ", ".join(f"{key} {value:.6g}" if isinstance(value, float) else f"{key} {value}" for key, value in row.items())
    lines = [f"{table}, row {number}: {shown}"]
    if row.get("origin") == "published":
        return "\n".join([*lines, "", f"Published by others and not measured here. Read in: {row['source']}"])
    results, experiment = Layout(table.resolve().parents[1]), str(row["experiment"])
    key = next(key for key in _KEYS if key in row)
    judgement, column = (results.pose(experiment), "pa_mpjpe") if key == "method" else (results.actions(experiment), "accuracy")
    content = read_json(judgement)
    lines += ["", "Files", *_list_files(results, experiment, judgement, content, untrained=row[key] == UNTRAINED)]
    lines += ["", "Settings", *_list_settings(results, experiment), "", "Versions of what runs now"]
    lines += [f"  {name} {version}" for name, version in list_versions()]
    found = np.array([entry.get(column) for entry in content.get("rows", []) if entry.get(key) == row[key]], dtype=np.float64)
    # A table's numbers have six digits; both may be missing.
    if not np.isclose(found, float(row.get(column, np.nan)), rtol=1e-4, atol=0, equal_nan=True).any():
        lines += ["", f"CAUTION: {judgement.name} has another {column} than the table; make the table again"]
    return "\n".join(lines)


def read_row(table: Path, number: int) -> dict[str, Any]:
    """Read a row of one of our tables, without its empty cells."""
    text = read_text(table, most=_MOST_BYTES)
    try:
        rows = pd.read_csv(io.StringIO(text), dtype={"experiment": str})
    except (ValueError, OverflowError):
        raise InputError(table, "is no CSV table", _TABLES) from None
    if not {"experiment", "dataset"} <= set(rows) or not set(_KEYS) & set(rows):
        raise InputError(table, "is none of the workflow's tables of results", _TABLES)
    if not 1 <= number <= len(rows):
        raise InputError(table, f"has no row {number}", f"its rows are 1 to {len(rows)}, not counting the header")
    return {str(key): value for key, value in rows.iloc[number - 1].items() if pd.notna(value)}


def _list_files(results: Layout, experiment: str, judgement: Path, content: Mapping[str, Any], untrained: bool) -> Iterator[str]:
    """Every file between the videos and the row, the last one first."""
    split = content.get("split", {})
    named = [name for part in ("train", "test") if isinstance(split.get(part), dict) for name in split[part].get("sessions", [])]
    found = _find_all(results.untrained_keypoints(experiment, "*") if untrained else results.keypoints(experiment, "*"))
    keypoints = [path for path in found if path.stem in named or not named]
    model = results.untrained_model(experiment) if untrained else results.model(experiment)
    for path in (judgement, *keypoints, model):
        yield _describe_file(path, results)
    frameset = read_section(ExperimentConfig, results.settings(f"experiments/{experiment}")).frames
    learned = yield from _describe_model(model, results, frameset)
    for session in sorted({*learned, *(path.stem for path in keypoints)}):
        paths = [*_find_all(results.frames(frameset, session, "*")), results.joints(session), results.location(session)]
        for path in (*paths, *_find_all(results.survey(session, "*"))):
            if path.exists():
                yield _describe_file(path, results)
    for path in _find_all(results.calibration("*")):
        yield _describe_file(path, results)


def _find_all(pattern: Path) -> list[Path]:
    """Files whose names match that of `pattern`."""
    return sorted(pattern.parent.glob(pattern.name))


def _describe_model(path: Path, results: Layout, frameset: str) -> Any:
    """Lines about a model's training, and the sessions that it learned from; says which of their frames have changed since."""
    stored = read_content(path, "bkind3d-model", MODEL_REVISION, "train it again")
    origin = json.loads(stored["provenance"])
    tflop = origin["steps"] * origin.get("tflop_per_step", 0)
    cost = f" ({tflop:.4g} TFLOP)" if tflop else ""
    yield f"    training {origin['identity']}, step {origin['steps']}{cost}, seed {origin['seed']}, encoder {origin['encoder_revision'] or 'from random weights'}"
    for session, hashes in origin["data"].items():
        now = {hash_content(found) for found in _find_all(results.frames(frameset, session, "*"))}
        state = "as they are now" if set(hashes) <= now else "CHANGED since, or gone"
        yield f"    learned from the frames of {session} ({len(hashes)} cameras), {state}"
    return list(origin["data"])


def _describe_file(path: Path, results: Layout) -> str:
    """A file, its hash, and of a table what its writer noted: version, model, hashes of what it was made from."""
    if not path.exists():
        raise InputError(path, "is gone", "run the workflow again")
    line = f"  {path.relative_to(results.folder.parent)}  sha256 {hash_file(path)[:16]}"
    if path.suffix != ".parquet":
        return line
    noted = dict(list_entries(read_metadata(path)))
    kept = {key: value for key, value in noted.items() if key in ("version", "model", "video") or "sha256" in key}
    return f"{line}  {', '.join(f'{key} {str(value)[:64]}' for key, value in kept.items())}".rstrip()


def _list_settings(results: Layout, experiment: str) -> Iterator[str]:
    """Where the settings lie, all seeds, and what departs from the preset."""
    path = results.settings(f"experiments/{experiment}")
    settings = read_section(ExperimentConfig, path)
    preset = list_preset(settings, settings.preset)
    yield _describe_file(path, results)
    yield f"  preset {settings.preset}"
    for key, value, _ in list_settings(settings):
        if key.endswith("seed") or value != preset[key]:
            yield f"  {key}: {value}{'' if value == preset[key] else f' (preset: {preset[key]})'}"
