"""How the keypoints of a session behave: whether they are there, move with the body, and keep apart. No truth is needed."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from bkind3d.data.cubes import read_cube
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.data.points import SessionKeypoints, read_keypoints
from bkind3d.data.progress import track
from bkind3d.data.spacing import step_indices
from bkind3d.geometry.health import judge_health
from bkind3d.study.study import Study

#: Frames of a session in which motion and distances are looked at.
MAX_FRAMES = 500


def examine_sessions(study: Study, sessions: Iterable[str]) -> dict[str, dict[str, pd.DataFrame]]:
    """What :func:`examine_keypoints` finds, by experiment and session, under the names that keypoints were given."""
    health: dict[str, dict[str, pd.DataFrame]] = {name: {} for name in study.config.experiments}
    for session in track(list(sessions), "keypoints", unit="session"):
        path = study.results.location(session)
        location, side = read_table(path, "location"), read_cube(study.results.cube(), str(read_metadata(path).get("units", "")))
        for name, settings in study.config.experiments.items():
            keypoints = read_keypoints(study.results.keypoints(name, session), settings.naming)
            health[name][session] = examine_keypoints(keypoints, location, side)
    return health


def examine_keypoints(keypoints: SessionKeypoints, location: pd.DataFrame, side: float) -> pd.DataFrame:
    """Look at the keypoints of one session.

    Parameters
    ----------
    location : the session's table; world units.
    side : side of the subject's cube, world units.

    Returns
    -------
    One row per keypoint: keypoint; present (share of the frames with a position); confidence, spread (world units) and
    reprojection_px (medians over the frames); motion (standard deviation within the cube) and distance (mean, to the keypoint that is
    `nearest`), both in world units; dead; merged (names of the keypoints on the same place): see :mod:`bkind3d.geometry.health`.
    """
    chosen = step_indices(len(keypoints.frames), MAX_FRAMES)
    points = keypoints.positions[chosen].astype(np.float64) / side
    centres = location.drop_duplicates("frame").set_index("frame").reindex(keypoints.frames[chosen])[["x", "y", "z"]]
    present = np.isfinite(keypoints.positions[..., 0]).mean(axis=0)
    relative = points - centres.to_numpy(np.float64)[:, None] / side
    variances = pd.DataFrame(relative.reshape(len(relative), -1)).var(axis=0, ddof=0).to_numpy(np.float64)
    motion = np.sqrt(variances.reshape(-1, 3).sum(axis=1))
    distances = np.linalg.norm(points[:, :, None] - points[:, None], axis=-1)
    # Two that are never there together are infinitely far apart.
    distances = np.ma.masked_invalid(distances).mean(axis=0).filled(np.inf)
    report = judge_health(keypoints.names, motion, distances, present)
    np.fill_diagonal(distances, np.inf)
    values = {"confidence": keypoints.confidences, "spread": keypoints.spreads, "reprojection_px": keypoints.residuals}
    medians = {name: pd.DataFrame(column).median() for name, column in values.items()}
    return pd.DataFrame({"keypoint": keypoints.names, "present": present, **medians, "motion": motion * side}).assign(
        nearest=[keypoints.names[index] for index in distances.argmin(axis=1)],
        distance=distances.min(axis=1) * side,
        dead=[name in report.dead for name in keypoints.names],
        merged=[[other for pair in report.merged if name in pair for other in pair if other != name] for name in keypoints.names],
    )
