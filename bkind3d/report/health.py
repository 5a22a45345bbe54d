"""The keypoints of a session in numbers, as the evaluation found them."""

import pandas as pd

from bkind3d.report.elements import Cell, Table, choose_decimals, format_number, format_share
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
        cells = [Cell(f"{row['keypoint']} ({fault})" if fault else row["keypoint"], "bad" if fault else "", mark=mark_of(index))]
        cells += [Cell(format_share(row["present"])), Cell(format_number(row["confidence"], 2))]
        cells += [Cell(format_number(row["spread"], decimals)), Cell(format_number(row["reprojection_px"], 1))]
        cells += [Cell(format_number(row["motion"], decimals)), Cell(row["nearest"]), Cell(format_number(row["distance"], decimals))]
        rows.append(cells)
    return Table(columns, rows, frozenset(columns) - {"keypoint", "nearest keypoint"})
