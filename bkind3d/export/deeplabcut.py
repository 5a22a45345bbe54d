"""DeepLabCut's tables: ``3d`` as its triangulation writes them, and one per camera as its analysis of a video does."""

from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy.typing import NDArray

from bkind3d.data.parquet import replaced_when_complete
from bkind3d.export.csv_files import write_csv
from bkind3d.export.sessions import ExportedSession

SCORER = "bkind3d"
#: The name under which DeepLabCut stores its tables in a file.
KEY = "df_with_missing"


def write_session(session: ExportedSession, path: Path) -> None:
    """Write 3d.csv and 3d.h5 (x, y, z in the rig's units), and CAMERA.csv and .h5 (x, y in pixels, likelihood) into the folder `path`.

    Rows of 3d are the session's frames; rows of a camera are the frames of its video, empty where there is no keypoint.
    """
    names = session.keypoints.names
    _write_table(path / "3d", session.keypoints.frames, names, ("x", "y", "z"), session.keypoints.positions)
    for camera in session.views:
        pixels, confidences = session.project(camera)
        values = np.concatenate([pixels, confidences[..., None]], axis=-1)
        _write_table(path / camera, np.arange(len(values)), names, ("x", "y", "likelihood"), values)


def _write_table(path: Path, frames: NDArray, names: list[str], parts: tuple[str, ...], values: Float[NDArray, "frame keypoint 3"]) -> None:
    columns = pd.MultiIndex.from_product([[SCORER], names, parts], names=["scorer", "bodyparts", "coords"])
    flat = values.reshape(len(values), -1)
    with replaced_when_complete(path.with_name(f"{path.name}.h5")) as temporary:
        pd.DataFrame(flat, index=frames, columns=columns).to_hdf(temporary, key=KEY, mode="w", format="fixed")
    levels = [(str(level), *columns.get_level_values(level)) for level in columns.names]
    header = "\n".join(",".join(cells) for cells in levels)
    write_csv(path.with_name(f"{path.name}.csv"), header, len(flat), flat.shape[1] + 1, lambda rows: [frames[rows], *flat[rows].T])
