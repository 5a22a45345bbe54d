"""Neurodata Without Borders, with the extension ndx-pose: 3D keypoints, skeleton, calibrated cameras and links to the videos.

Lengths are in metres, as NWB wants them, whatever the rig's units. Columns of the sheet of sessions that have a name NWB
knows (``session_start_time``, ``species``, ``sex``, ``age``, ``genotype``, ...) go to their places.
"""

import logging
import os
import uuid
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import h5py
import numpy as np
from jaxtyping import Float
from ndx_pose import CalibratedCamera, MultiCameraPoseEstimation, PoseEstimation, PoseEstimationSeries, Skeleton, Skeletons
from numpy.typing import NDArray
from pynwb import NWBHDF5IO, NWBFile
from pynwb.file import Subject
from pynwb.image import ImageSeries

from bkind3d import __version__
from bkind3d.config import InputError
from bkind3d.data.video import probe_video
from bkind3d.data.writing import replaced_when_complete
from bkind3d.export.sessions import ExportedSession, FilmedView
from bkind3d.geometry.units import METRES

log = logging.getLogger(__name__)

#: Columns of the sheet that NWB has a place for.
SUBJECT_COLUMNS = ("species", "sex", "age", "genotype", "strain", "weight", "date_of_birth", "description")
FILE_COLUMNS = ("lab", "institution", "experiment_description", "notes", "protocol")
LISTS = ("experimenter", "keywords")

#: What stands beside the keypoints and the cameras under a name of its own.
TAKEN = ("description", "scorer", "source_software", "skeleton")

#: What the points are, and what one is called.
ORIGINS = {
    "keypoints": "3D keypoints that a network discovered in all views together, without annotation",
    "joints": "3D joints found from keypoints of all views together, by a regression that was fit on labelled frames",
}
WORDS = {"keypoints": "discovered keypoint", "joints": "joint"}
PRESENCE = "1 wherever the joint was found"
CONFIDENCE = "share of the keypoint's heatmap within a tenth of the cube's side of its mean"
FRAME = "the world of the cameras' calibration: right-handed, z up"


def write_session(session: ExportedSession, path: Path) -> None:
    """Write one NWB file with a MultiCameraPoseEstimation in the processing module ``behavior``."""
    more, units = session.row.more, METRES.get(session.units, 1.0)
    address = f"bkind3d/{session.experiment}/{session.name}/{session.keypoints.metadata.get('model')}"
    file = NWBFile(
        session_description=more.get("session_description") or f"{ORIGINS[session.kind]}; session {session.name}.",
        identifier=str(uuid.uuid5(uuid.NAMESPACE_URL, address)),
        session_start_time=_find_start(session),
        session_id=session.name,
        subject=_describe_subject(session),
        **{key: more[key] for key in FILE_COLUMNS if more.get(key)},
        **{key: [part.strip() for part in more[key].split(";")] for key in LISTS if more.get(key)},
    )
    names = session.keypoints.names
    edges = np.array(session.skeleton, dtype=np.uint8).reshape(-1, 2)
    skeleton = Skeleton(name="discovered" if session.kind == "keypoints" else "joints", nodes=names, edges=edges, subject=file.subject)
    views = [_add_view(file, session, name, units, path) for name in session.views]
    estimation = MultiCameraPoseEstimation(
        name="MultiCameraPoseEstimation",
        pose_estimation_series=_make_series(session, units),
        pose_estimations=views,
        skeleton=skeleton,
        description=f"{ORIGINS[session.kind]}.",
        scorer=f"{session.experiment}, model {session.keypoints.metadata.get('model', 'unknown')}",
        source_software="bkind3d",
        source_software_version=__version__,
    )
    behavior = file.create_processing_module(name="behavior", description="Keypoints of the subject.")
    behavior.add(Skeletons(skeletons=[skeleton]))
    behavior.add(estimation)
    content = BytesIO()  # HDF5 may end the process where it cannot write to a disk
    with h5py.File(content, "w") as opened, NWBHDF5IO(file=opened, mode="w") as io:
        io.write(file)
    with replaced_when_complete(path) as temporary:
        temporary.write_bytes(content.getbuffer())


def _name_unit(session: ExportedSession) -> str:
    """The unit of lengths in the file: metres, but where the calibration has no scale."""
    return "meters" if session.units in METRES else f"{session.units} units"


def _make_series(session: ExportedSession, units: float) -> list[PoseEstimationSeries]:
    """One series per keypoint; the times are stored once, or as a rate where they are regular."""
    found = session.keypoints
    steps = np.diff(found.times)
    regular = len(steps) > 0 and np.abs(steps * session.rate - 1).max() < 1e-3
    timing = {"rate": session.rate, "starting_time": float(found.times[0])} if regular else {"timestamps": found.times}
    series: list[PoseEstimationSeries] = []
    for index, name in enumerate(found.names):
        series.append(
            PoseEstimationSeries(
                name=f"keypoint_{name}" if name in TAKEN or name in session.views else name,
                description=f"Position of the {WORDS[session.kind]} {name}; NaN where the subject was not located.",
                data=(found.positions[:, index] * units).astype(np.float32),
                unit=_name_unit(session),
                reference_frame=FRAME,
                confidence=np.ascontiguousarray(found.confidences[:, index]),
                confidence_definition=found.metadata.get("confidence", {}).get("claim", CONFIDENCE)
                if session.kind == "keypoints"
                else PRESENCE,
                **(timing if regular or not series else {"timestamps": series[0]}),
            )
        )
    return series


def _add_view(file: NWBFile, session: ExportedSession, name: str, units: float, path: Path) -> PoseEstimation:
    """Add a camera and its video to `file`; give the view that links to both."""
    view = session.views[name]
    lens = "OpenCV's fisheye model (k1 to k4)" if view.camera.fisheye else "OpenCV's model (k1, k2, p1, p2, k3, ...)"
    device = CalibratedCamera(
        name=name,
        description=f"Camera {name}; pixels of its video, world to camera in {_name_unit(session)}, distortion in {lens}.",
        intrinsic_matrix=_list_intrinsics(view).astype(np.float32),
        rotation_matrix=view.camera.rotation.astype(np.float32),
        translation_vector=(view.camera.translation * units).astype(np.float32),
        distortion_coefficients=view.camera.distortion.astype(np.float32),
    )
    file.add_device(device)
    # Number in the whole video of each file's first frame, and the session's time (s) at which the video begins.
    counts = [probe_video(part, counted=False).n_frames for part in view.files[:-1]]
    known = view.video_frames >= 0
    starts = session.keypoints.times[known] - view.video_frames[known] / view.rate
    video = ImageSeries(
        name=f"video_{name}",
        description=f"Video of camera {name}.",
        external_file=[os.path.relpath(file.resolve(), path.resolve().parent) for file in view.files],
        format="external",
        unit="n.a.",
        starting_frame=[0, *np.cumsum(counts).tolist()],
        rate=view.rate,
        starting_time=round(float(np.median(starts)), 6) if known.any() else 0.0,
        num_samples=view.n_frames,
        dimension=list(view.part.whole if view.part else view.camera.size),
        device=device,
    )
    file.add_acquisition(video)
    return PoseEstimation(name=name, description=f"The view of camera {name}.", device=device, source_video=video)


def _list_intrinsics(view: FilmedView) -> Float[NDArray, "3 3"]:
    """(3, 3) intrinsics for the pixels of the video, also where only a part of its pictures is the camera's; mirrored ones have a negative focal length."""
    if view.part is None:
        return view.camera.matrix
    x, y, width, _, flip = view.part.crop
    placed = [[-1.0, 0, x + width - 1] if flip else [1.0, 0, x], [0, 1.0, y], [0, 0, 1.0]]
    return np.asarray(np.array(placed) @ view.camera.matrix)


def _describe_subject(session: ExportedSession) -> Subject:
    given: dict[str, Any] = {key: session.row.more[key] for key in SUBJECT_COLUMNS if session.row.more.get(key)}
    if "date_of_birth" in given:
        given["date_of_birth"] = _read_time(session, "date_of_birth")
    missing = [key for key in ("species", "sex", "age") if key not in given and not (key == "age" and "date_of_birth" in given)]
    if missing:
        log.warning("session %s: the sheet of sessions has no %s; NWB calls them unknown", session.name, ", no ".join(missing))
    unknown = {"sex": "U", "age": "P0D/"}  # of an age at birth or later
    return Subject(subject_id=session.row.subject, **{key: unknown[key] for key in missing if key in unknown}, **given)


def _find_start(session: ExportedSession) -> datetime:
    """When the session was recorded: the sheet says it, or the video's own metadata, or the date of its file."""
    if session.row.more.get("session_start_time"):
        return _read_time(session, "session_start_time")
    video = next(iter(session.views.values())).files[0]
    if not video.exists():
        raise InputError(
            video,
            f"is not there to tell when session {session.name!r} was recorded",
            "give the sheet of sessions a column session_start_time",
        )
    with av.open(str(video)) as container:
        created = container.metadata.get("creation_time")
    if created:
        return datetime.fromisoformat(created)
    log.warning(
        "session %s: the sheet has no session_start_time and the video no date: the date of the file %s is taken", session.name, video
    )
    return datetime.fromtimestamp(video.stat().st_mtime, UTC)


def _read_time(session: ExportedSession, column: str) -> datetime:
    text = session.row.more[column]
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            "", f"sheet of sessions: session {session.name!r}: {column} {text!r} is no date", "write it as 2026-05-31T14:30:00+02:00"
        ) from None
    return found if found.tzinfo else found.astimezone()
