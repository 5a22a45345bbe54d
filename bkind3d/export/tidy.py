"""Plain tidy CSV: one row per frame and keypoint, for any program."""

from pathlib import Path

import numpy as np

from bkind3d.export.csv_files import spell_names, write_csv
from bkind3d.export.sessions import ExportedSession


def write_session(session: ExportedSession, path: Path) -> None:
    """Write session, frame, time_s, keypoint, x, y, z, confidence and spread; lengths in the rig's units, named in the heading."""
    found, units = session.keypoints, session.units
    repeated = [np.array(session.name), found.frames[:, None], found.times[:, None], np.array(spell_names(found.names))]
    cells = [np.broadcast_to(part, found.confidences.shape) for part in repeated]
    header = f"session,frame,time_s,keypoint,x_{units},y_{units},z_{units},confidence,spread_{units}"
    write_csv(path, header, [*cells, *np.moveaxis(found.positions, -1, 0), found.confidences, found.spreads])
