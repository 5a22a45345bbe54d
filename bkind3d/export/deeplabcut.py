"""DeepLabCut's tables: ``3d`` as its triangulation writes them, and one per camera as its analysis of a video does."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import numpy as np
import pandas as pd
from jaxtyping import Float, Shaped
from numpy.typing import NDArray

from bkind3d.data.writing import replaced_when_complete
from bkind3d.export.csv_files import spell_names, write_csv
from bkind3d.export.sessions import ExportedSession

SCORER = "bkind3d"
#: The name under which DeepLabCut stores its tables in a file.
KEY = "df_with_missing"
#: Decimals of pixels and of likelihoods: more say nothing, and are what text takes longest to write.
DECIMALS = (2, 2, 4)
#: Tables that are written at once. Their text is written side by side; PyTables serves one at a time.
THREADS, HDF5 = 2, Lock()


def write_session(session: ExportedSession, path: Path) -> None:
    """Write 3d.csv and 3d.h5 (x, y, z in the rig's units), and CAMERA.csv and .h5 (x, y in pixels, likelihood) into the folder `path`.

    Rows of 3d are the session's frames; rows of a camera are the frames of its video, empty where there is no keypoint.
    """
    names = spell_names(session.keypoints.names)

    def write_view(camera: str) -> None:
        pixels, confidences = session.project(camera)
        values = np.concatenate([pixels, confidences[..., None]], axis=-1)
        for part, decimals in enumerate(DECIMALS):
            values[..., part].round(decimals, out=values[..., part])
        _write_table(path / camera, np.arange(len(values)), names, ("x", "y", "likelihood"), values, DECIMALS)

    with ThreadPoolExecutor(THREADS) as pool:
        tasks = [pool.submit(_write_table, path / "3d", session.keypoints.frames, names, ("x", "y", "z"), session.keypoints.positions)]
        tasks += [pool.submit(write_view, camera) for camera in session.views]
        for task in tasks:
            task.result()


def _write_table(
    path: Path,
    frames: Shaped[NDArray, "..."],
    names: list[str],
    parts: tuple[str, ...],
    values: Float[NDArray, "frame keypoint 3"],
    decimals: tuple[int, ...] = (),
) -> None:
    columns = pd.MultiIndex.from_product([[SCORER], names, parts], names=["scorer", "bodyparts", "coords"])
    flat = values.reshape(len(values), -1)
    # In memory: where PyTables cannot write to a disk, it may say nothing.
    with HDF5, pd.HDFStore(f"{path.name}.h5", "w", driver="H5FD_CORE", driver_core_backing_store=0) as store:
        store.put(KEY, pd.DataFrame(flat, index=frames, columns=columns, copy=False), format="fixed", track_times=False)
        content = store._handle.get_file_image()
    with replaced_when_complete(path.with_name(f"{path.name}.h5")) as temporary:
        temporary.write_bytes(content)
    levels = [(str(level), *columns.get_level_values(level)) for level in columns.names]
    header = "\n".join(",".join(cells) for cells in levels)
    write_csv(path.with_name(f"{path.name}.csv"), header, [frames, *flat.T], (None, *decimals * len(names)) if decimals else ())
