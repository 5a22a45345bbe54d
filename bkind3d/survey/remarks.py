"""What the user should know about a located subject before hours are spent on it, in one sentence each."""

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from bkind3d.config import LocationConfig
from bkind3d.survey.consensus import Candidates
from bkind3d.survey.tracking import Track, follow_subject

#: A subject on which two views agree in fewer frames than this share, or that fewer of the cameras see, is seldom seen.
_SELDOM = 0.5
#: A subject whose centre stays this near (in shares of its size) to its usual place in nine of ten frames keeps its place.
_KEEPS_PLACE = 0.5
#: Somebody else is told of who is there in more than this share of the frames.
_PRESENT = 0.1


def describe_nothing(calibration: str, seen: dict[str, int], config: LocationConfig) -> str:
    """Why nothing is located, from the number of frames in which each camera sees anything move."""
    blind = [camera for camera, count in seen.items() if count == 0]
    if len(seen) - len(blind) < 2:
        return (
            f"camera {', '.join(blind)}: nothing moves in any frame, and two cameras have to see the subject; there is no subject, or it "
            "never moves and is taken for background: look at the videos, or leave this session out"
        )
    where = "" if config.region is None else " in the region of interest"
    return (
        f"{calibration}: in no frame do two cameras' silhouettes agree on a place{where} within {config.max_residual} of the picture's "
        "longer side; check that calibration and videos belong together, and look at the survey's silhouettes"
    )


def remark_track(table: pd.DataFrame, n_cameras: int, size: float, units: str) -> list[str]:
    """What is odd about where the subject is (a table "location"): seldom seen to move, or hardly leaving its place."""
    agreed, views = float((table["n_views"] >= 2).mean()), float(table["n_views"].mean())
    if agreed < _SELDOM or views < _SELDOM * n_cameras:
        return [
            f"the subject is seldom seen to move: {views:.1f} of {n_cameras} cameras see it on average, and two agree in {100 * agreed:.0f} % "
            "of the frames; one that keeps its place is taken for background, and there is little to learn from: look at the silhouettes"
        ]
    known = table.loc[table["valid"], ["x", "y", "z"]].to_numpy(np.float64)
    wandered = float(np.quantile(np.linalg.norm(known - np.median(known, axis=0), axis=1), 0.9))
    if wandered >= _KEEPS_PLACE * size:
        return []
    return [
        f"the subject hardly leaves its place ({wandered:.3g} {units} in nine of ten frames, it is about {size:.3g} {units} large): "
        "what of it never moves may be taken for background: look at the silhouettes"
    ]


def remark_others(
    candidates: Candidates, subject: Track, times: Float[NDArray, "frame"], inside: Bool[NDArray, "frame candidate"], units: str
) -> list[str]:
    """Who else moves, beside the subject: where, how often and how large."""
    rows = np.flatnonzero(subject.candidate >= 0)
    free = inside.copy()
    free[rows, subject.candidate[rows]] = False
    other = follow_subject(candidates, times, free)
    there = np.flatnonzero(other.candidate >= 0)
    if len(there) < _PRESENT * len(times):
        return []
    numbers = other.candidate[there]
    place = np.median(candidates.points[there, numbers], axis=0)
    views = float((candidates.chosen[there, numbers] >= 0).sum(axis=1).mean())
    return [
        f"two subjects move, and one is supported: beside the one that is followed, another is around "
        f"({', '.join(f'{value:.4g}' for value in place)}) {units} in {100 * len(there) / len(times):.0f} % of the frames, seen by "
        f"{views:.1f} cameras, {other.size / subject.size:.1f} times as large; film one at a time, or say where the right one is "
        "(location.region, or masks of the cameras)"
    ]
