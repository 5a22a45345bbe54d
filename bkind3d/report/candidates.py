"""What methods and sets of features are called and which colours they have, and their rows in the tables of results."""

import pandas as pd

from bkind3d.report.palette import ACCENT, FLOOR, ORACLE

#: What everything is compared with; the rest that is not ours is an oracle.
FLOORS = ("mean_pose", "untrained")

#: What the methods and features are called in sentences.
LABELS = {
    "bkind3d": "BKinD-3D, this run",
    "oracle_4": "oracle: 4 true joints",
    "oracle_8": "oracle: 8 true joints",
    "mean_pose": "mean pose (floor)",
    "untrained": "untrained network (floor)",
    "discovered": "discovered keypoints",
    "ground_truth": "annotated joints",
    "both": "keypoints and joints",
    "majority_class": "majority class (floor)",
}


def label_of(method: str) -> str:
    """What a method or a set of features is called in tables and figures."""
    return LABELS.get(method, method.replace("_", " "))


def colour_of(method: str) -> str:
    """Colour of a method: accent for ours, grey for floors, ochre for oracles."""
    if method in FLOORS or method == "majority_class":
        return FLOOR
    return ORACLE if method.startswith(("oracle", "ground_truth")) else ACCENT


def rows_of(table: pd.DataFrame, experiment: str) -> pd.DataFrame:
    """The rows of one experiment in a result table."""
    if table.empty or "experiment" not in table:
        return pd.DataFrame()
    return table[table["experiment"] == experiment].reset_index(drop=True)


def has_reference(rows: pd.DataFrame, column: str = "pa_mpjpe") -> bool:
    """Whether any of the rows was measured."""
    return column in rows and bool(rows[column].notna().any())
