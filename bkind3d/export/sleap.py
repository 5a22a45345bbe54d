"""SLEAP's analysis files: one per camera, keypoints in the pixels of its video.

Written with h5py in the layout of ``sleap_io.save_analysis_h5`` (preset "matlab"): that function wants one Python object
per frame and point, which an hour of recording does not allow.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import h5py
import numpy as np

from bkind3d import __version__
from bkind3d.data.writing import replaced_when_complete
from bkind3d.export.sessions import ExportedSession

#: Names of the axes of every array, as the reader expects them.
AXES = {
    "tracks": ("track", "xy", "node", "frame"),
    "point_scores": ("track", "node", "frame"),
    "instance_scores": ("track", "frame"),
    "tracking_scores": ("track", "frame"),
    "track_occupancy": ("frame", "track"),
}


def write_session(session: ExportedSession, path: Path) -> None:
    """Write CAMERA.analysis.h5 of every camera into the folder `path`; rows are the frames of the camera's video."""

    def write_view(camera: str) -> None:
        content = BytesIO()  # HDF5 may end the process where it cannot write to a disk
        with h5py.File(content, "w") as file:
            _fill(file, session, camera)
        with replaced_when_complete(path / f"{camera}.analysis.h5") as temporary:
            temporary.write_bytes(content.getbuffer())

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write_view, session.views))


def _fill(file: h5py.File, session: ExportedSession, camera: str) -> None:
    pixels, confidences = session.project(camera)
    known = np.isfinite(pixels[..., 0])
    present = known.any(axis=1)
    scores = np.where(present, confidences.sum(axis=1) / np.maximum(known.sum(axis=1), 1), np.nan).astype(np.float32)
    arrays = {
        "tracks": pixels.transpose(2, 1, 0)[None],
        "point_scores": np.where(known, confidences, np.nan).T[None],
        "instance_scores": scores[None],
        "tracking_scores": np.full((1, len(pixels)), np.nan, np.float32),
        "track_occupancy": present[:, None].astype(np.uint8),
    }
    for name, values in arrays.items():
        file.create_dataset(name, data=values, compression="gzip", compression_opts=1, shuffle=True)
        file[name].attrs["dims"] = json.dumps(AXES[name])
    names = session.keypoints.names
    file["track_names"] = np.array([session.row.subject.encode()])
    file["node_names"] = np.array([name.encode() for name in names])
    file["edge_names"] = np.array([(names[a].encode(), names[b].encode()) for a, b in session.skeleton], dtype="S64").reshape(-1, 2)
    file["edge_inds"] = np.array(session.skeleton, dtype=np.int64).reshape(-1, 2)
    file["labels_path"] = ""
    file["video_path"] = str(session.views[camera].files[0].resolve())  # SLEAP knows one file
    file["video_ind"] = 0
    file["provenance"] = json.dumps({"bkind3d": __version__, "model": session.keypoints.metadata.get("model", "")})
    file.attrs.update({"preset": "matlab", "format": "analysis", "skeleton_name": "bkind3d", "skeleton_symmetries": "[]"})
    file.attrs["video_backend_metadata"] = "{}"
