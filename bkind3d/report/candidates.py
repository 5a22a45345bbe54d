"""What candidates and sets of features are called and which colours they have, and their rows in the tables of results."""

import pandas as pd

from bkind3d.data.results import BOTH, FOUND_JOINTS, GROUND_TRUTH, MAJORITY_CLASS, MEAN_POSE, UNTRAINED, role_of
from bkind3d.report.palette import ACCENT, FLOOR, ORACLE

#: What the evaluation's own candidates, and all features, are called in sentences. Features of a method are named for its role.
LABELS = {
    MEAN_POSE: "mean pose (floor)",
    UNTRAINED: "untrained network (floor)",
    "discovered": "discovered keypoints",
    "supervised": "joints that were learned",
    GROUND_TRUTH: "annotated joints",
    BOTH: "keypoints and joints",
    FOUND_JOINTS: "joints found from labelled frames",
    MAJORITY_CLASS: "majority class (floor)",
}


def label_of(name: str, title: str | None = None) -> str:
    """What a candidate or a set of features is called in tables and figures; `title` is that of the experiment's method."""
    if name in LABELS:
        return LABELS[name]
    if role_of(name) == "regressed":
        return f"{title or name.partition('+')[0]}, after the regression"
    if role_of(name) == "oracle":
        return f"oracle: {name.rpartition('_')[2]} true joints"
    return title or name.replace("_", " ")


def colour_of(name: str) -> str:
    """Colour of a candidate: accent for what was found, grey for floors, ochre for oracles."""
    return ACCENT if name == BOTH else {"floor": FLOOR, "oracle": ORACLE}.get(role_of(name) or "", ACCENT)


def is_ours(name: str) -> bool:
    """Whether a candidate or a set of features is what the experiment's method found."""
    return role_of(name) is None


def rows_of(table: pd.DataFrame, experiment: str) -> pd.DataFrame:
    """The rows of one experiment in a result table."""
    if table.empty or "experiment" not in table:
        return pd.DataFrame()
    return table[table["experiment"] == experiment].reset_index(drop=True)


def has_reference(rows: pd.DataFrame, column: str = "pa_mpjpe") -> bool:
    """Whether any of the rows was measured."""
    return column in rows and bool(rows[column].notna().any())
