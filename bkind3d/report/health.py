"""The keypoints of a session in numbers, as the evaluation found them."""

import pandas as pd

from bkind3d.report.elements import Cell, Table, choose_decimals, format_number, format_share, make_row
from bkind3d.report.palette import mark_of


def build_keypoint_table(health: pd.DataFrame, units: str, side: float) -> Table:
    """One row per keypoint, with its mark.

    Parameters
    ----------
    health : of ``bkind3d.evaluation.health.examine_keypoints``.
    units, side : of the world, and side of the subject's cube in them.
    """
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
