"""Plain tidy CSV: one row per frame and keypoint, for any program."""

from pathlib import Path

import numpy as np
from jaxtyping import Shaped
from numpy.typing import NDArray

from bkind3d.export.csv_files import write_csv
from bkind3d.export.sessions import ExportedSession


def write_session(session: ExportedSession, path: Path) -> None:
    """Write session, frame, time_s, keypoint, x, y, z, confidence and spread; lengths in the rig's units, named in the heading."""
    found, units = session.keypoints, session.units
    names, n_frames = np.array(found.names), len(found.frames)

    def make_block(rows: slice) -> list[Shaped[NDArray, "..."]]:
        height = rows.stop - rows.start
        points = found.positions[rows].reshape(-1, 3)
        return [
            np.full(height * len(names), session.name),
            np.repeat(found.frames[rows], len(names)),
            np.repeat(found.times[rows], len(names)),
            np.tile(names, height),
            *points.T,
            found.confidences[rows].ravel(),
            found.spreads[rows].ravel(),
        ]

    header = f"session,frame,time_s,keypoint,x_{units},y_{units},z_{units},confidence,spread_{units}"
    write_csv(path, header, n_frames, 9 * len(names), make_block)
