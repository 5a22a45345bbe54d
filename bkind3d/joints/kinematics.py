"""What is measured of joints: angles, lengths and speeds, by definitions that need no other frame of reference than the joints' own."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy.typing import NDArray

from bkind3d.config import KinematicsConfig
from bkind3d.data.parquet import write_table
from bkind3d.data.points import Points, read_points

log = logging.getLogger(__name__)


def measure_kinematics(joints: Path, config: KinematicsConfig, output: Path) -> None:
    """Measure what the settings define in every frame of a session and write a table ``kinematics``; gaps are NaN."""
    points = read_points(joints, "found_joints")
    measures = compute_measures(points, config)
    table = pd.DataFrame({"frame": np.repeat(points.frames, len(measures)), "time_s": np.repeat(points.time_s, len(measures))})
    table["measure"] = [*measures] * len(points.frames)
    table["value"] = np.stack([*measures.values()], axis=1).ravel() if measures else []
    units = str(points.metadata.get("units", ""))
    kinds = [*[(name, "degrees") for name in config.angles], *[(name, units) for name in config.lengths]]
    kinds += [(name, f"{units}/s") for name in config.speeds]
    write_table(
        table,
        "kinematics",
        output,
        {"units": {name: unit for name, unit in kinds if name in measures}, "rate": points.metadata.get("rate")},
    )


def compute_measures(points: Points, config: KinematicsConfig) -> dict[str, Float[NDArray, "frame"]]:
    """Angles (degrees), lengths (world units) and speeds (world units per second) of every frame.

    The angle of joints a, b, c is the one at b between the directions to a and to c, from 0 (folded) to 180 (straight). A speed is the
    distance between the positions in the frames before and after over the time between them, and NaN where either is not there.
    """
    found: dict[str, Float[NDArray, frame]] = {}
    defined = {**config.angles, **config.lengths, **{name: (joint,) for name, joint in config.speeds.items()}}
    for name, joints in defined.items():
        if missing := [joint for joint in joints if joint not in points.names]:
            log.warning("%s is not measured: there is no joint %s, only %s", name, missing[0], ", ".join(points.names) or "none")
            continue
        places = [points.positions[:, points.names.index(joint)] for joint in joints]
        if name in config.angles:
            found[name] = measure_angle(*places)
        elif name in config.lengths:
            found[name] = np.linalg.norm(places[0] - places[1], axis=1)
        else:
            found[name] = measure_speed(places[0], points.time_s)
    return found


def measure_angle(
    first: Float[NDArray, "frame 3"], middle: Float[NDArray, "frame 3"], last: Float[NDArray, "frame 3"]
) -> Float[NDArray, "frame"]:
    """Angle at `middle`, degrees; exact near 0 and 180, too (Kahan's formula)."""
    one, other = first - middle, last - middle
    lengths = np.linalg.norm(one, axis=1, keepdims=True), np.linalg.norm(other, axis=1, keepdims=True)
    one, other = one * lengths[1], other * lengths[0]
    return np.degrees(2 * np.arctan2(np.linalg.norm(one - other, axis=1), np.linalg.norm(one + other, axis=1)))


def measure_speed(positions: Float[NDArray, "frame 3"], time_s: Float[NDArray, "frame"]) -> Float[NDArray, "frame"]:
    """Speed in every frame, world units per second; NaN in the first and last."""
    speeds = np.full(len(positions), np.nan)
    if len(positions) > 2:
        speeds[1:-1] = np.linalg.norm(positions[2:] - positions[:-2], axis=1) / (time_s[2:] - time_s[:-2])
    return speeds
