"""Each keypoint in numbers, and whether it keeps to its part of the body, as the evaluation measured it. Nothing is measured anew here."""

from typing import Any

import pandas as pd

from bkind3d.data.results import UNTRAINED
from bkind3d.report.candidates import is_ours
from bkind3d.report.contents import list_given_names, read_judgement
from bkind3d.report.elements import Cell, Table, make_row
from bkind3d.report.formatting import choose_decimals, format_number, format_share
from bkind3d.report.palette import mark_of
from bkind3d.report.rendering import write_caption
from bkind3d.study.study import Study

#: What each measure is called; those for which the truth is needed come first.
MEASURES = {
    "swaps": "swapped", "scatter": "scatter", "nearest": "same nearest joint", "left_right": "left and right", "jumps": "jumps",
    "trades": "trades of place", "edge_variation": "length of edges", "spread": "spread", "turned": "turned cube",
    "fewer_views": "one camera less",
}  # fmt: skip
_NEED_TRUTH = frozenset({"swaps", "scatter", "nearest", "left_right"})

#: Measures that are shares of frames or steps; the others are in lengths of the body.
_SHARES = frozenset({"swaps", "nearest", "left_right", "jumps", "trades"})


def _read_identity(study: Study, experiment: str) -> dict[str, Any]:
    identity: dict[str, Any] = read_judgement(study.results.pose(experiment)).get("identity", {})
    return identity


def _find_measures(identity: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Measures of what the method found, and of its untrained network; empty where there are none."""
    methods: dict[str, dict[str, Any]] = identity.get("methods", {})
    return next((values for name, values in methods.items() if is_ours(name)), {}), methods.get(UNTRAINED, {})


def build_identity_table(study: Study, experiment: str) -> Table | None:
    """Measures of identity, with and without truth, of the keypoints and of the untrained network's; None where there are none."""
    ours, untrained = _find_measures(_read_identity(study, experiment))
    if not ours:
        return None
    predictors = {(entry["predictor"], entry["truth"]): entry["correlation"] for entry in ours.get("predictors", [])}
    rows = []
    for name, label in MEASURES.items():
        if ours.get(name) is None and untrained.get(name) is None:
            continue
        reached = [(values.get(name), style) for values, style in ((ours, "strong"), (untrained, "muted"))]
        found = [Cell(format_share(value) if name in _SHARES else format_number(value, 3), style) for value, style in reached]
        predicts = Cell("needs it", "muted") if name in _NEED_TRUTH else format_number(predictors.get((name, "scatter")), 2)
        rows.append(make_row(label, *found, predicts, write_caption("measure", name=name)))
    columns = ["measure", "keypoints", "untrained", "predicts the truth", "what it says"]
    return Table(columns, rows, frozenset(columns[1:4]), write_caption("identity"))


def build_nearest_table(study: Study, experiment: str, unit: str) -> Table | None:
    """Which joint each keypoint is nearest to, and in what share of the test frames; None where there is no reference."""
    entries = _read_identity(study, experiment).get("keypoints", [])
    if not entries:
        return None
    decimals = choose_decimals([entry["distance"] or 0.0 for entry in entries])
    names = list_given_names(study, experiment, study.list_shown(1)[0])
    rows = []
    for index, entry in enumerate(entries):
        name = Cell(names.get(entry["name"], entry["name"]), mark=mark_of(index))
        share = Cell(format_share(entry["share"]), share=entry["share"] or 0.0)
        rows.append(make_row(name, entry["nearest"] or "–", share, format_number(entry["distance"], decimals)))
    columns = ["keypoint", "nearest joint", "in frames", f"mean distance ({unit})"]
    return Table(columns, rows, frozenset(columns[2:]), write_caption("nearest"))


def build_side_table(study: Study, experiment: str) -> Table | None:
    """Which pairs of left and right joints are told apart by which keypoints; None where no joints are paired by name."""
    sides = _find_measures(_read_identity(study, experiment))[0].get("sides", [])
    if not sides:
        return None
    names = list_given_names(study, experiment, study.list_shown(1)[0])
    rows = []
    for entry in sides:
        one, other = (names.get(entry[key], entry[key]) for key in ("left_keypoint", "right_keypoint"))
        verdict = "one keypoint for both" if one == other else format_share(entry["share"])
        told = Cell(verdict, "muted" if one == other else "", share=entry["share"] or 0.0)
        rows.append(make_row(f"{entry['left']} and {entry['right']}", one if one == other else f"{one} and {other}", told))
    return Table(["joints", "nearest keypoints", "told apart"], rows, frozenset({"told apart"}), write_caption("sides"))


def build_keypoint_table(health: pd.DataFrame, units: str, side: float) -> Table:
    """One row per keypoint, with its mark, of what ``bkind3d.evaluation.health.examine_keypoints`` found; `side` is that of the cube in `units`."""
    spread, motion, distance = (f"{head} ({units})" for head in ("spread", "motion in the cube", "at"))
    columns = ["keypoint", "present", "confidence", spread, "off silhouette (px)", motion, "nearest keypoint", distance]
    decimals = choose_decimals([side / 10])
    rows = []
    for index, row in enumerate(health.to_dict("records")):
        fault = "dead" if row["dead"] else "merged" if row["merged"] else ""
        name = Cell(f"{row['keypoint']} ({fault})" if fault else row["keypoint"], "bad" if fault else "", mark=mark_of(index))
        lengths = [format_number(row[key], decimals) for key in ("spread", "motion", "distance")]
        seen = format_share(row["present"]), format_number(row["confidence"], 2)
        off = format_number(row["reprojection_px"], 1)
        rows.append(make_row(name, *seen, lengths[0], off, lengths[1], row["nearest"], lengths[2]))
    return Table(columns, rows, frozenset(columns) - {"keypoint", "nearest keypoint"})
