"""Anipose's table of 3D points: one row per frame, six columns per keypoint."""

from pathlib import Path

import numpy as np
from jaxtyping import Shaped
from numpy.typing import NDArray

from bkind3d.export.csv_files import spell_names, write_csv
from bkind3d.export.sessions import ExportedSession

#: Anipose's rotation and centre of the world's axes: ours are the calibration's, so nothing is turned or moved.
WORLD = {
    **{f"M_{row}{column}": float(row == column) for row in range(3) for column in range(3)},
    **{f"center_{axis}": 0.0 for axis in range(3)},
}


def write_session(session: ExportedSession, path: Path) -> None:
    """Write NAME_x, _y, _z (the rig's units), _error, _ncams and _score of every keypoint, then M_00 to center_2, then fnum.

    ``error`` is the mean distance of the keypoint's projections from the silhouette, in pixels of the frames' images;
    ``ncams`` the cameras whose videos hold the moment.
    """
    found, n_views = session.keypoints, session.count_views()
    names = [f"{name}_{part}" for name in spell_names(found.names) for part in ("x", "y", "z", "error", "ncams", "score")]
    columns: list[Shaped[NDArray, ...]] = []
    for index in range(len(found.names)):
        columns += [*found.positions[:, index].T, found.residuals[:, index], n_views, found.confidences[:, index]]
    columns += [np.broadcast_to(value, len(found.frames)) for value in WORLD.values()]
    write_csv(path, ",".join([*names, *WORLD, "fnum"]), [*columns, found.frames])
