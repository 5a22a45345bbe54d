"""A recording for the viewer of ``rerun``: keypoints, skeleton and cameras in 3D, over time."""

from pathlib import Path

import numpy as np
import rerun as rr

from bkind3d.data.writing import replaced_when_complete
from bkind3d.export.sessions import ExportedSession


def write_session(session: ExportedSession, path: Path) -> None:
    """Write a .rrd; lengths in the rig's units, z up. Frames without keypoints clear the view."""
    found = session.keypoints
    points = [rr.AnnotationInfo(id=index, label=name) for index, name in enumerate(found.names)]
    context = rr.ClassDescription(
        info=rr.AnnotationInfo(id=0, label=session.row.subject), keypoint_annotations=points, keypoint_connections=session.skeleton
    )
    known = np.isfinite(found.positions[..., 0])
    # In memory: where rerun cannot write to a disk, it may wait for ever.
    stream = rr.RecordingStream("bkind3d", recording_id=f"{session.experiment}/{session.name}")
    content = rr.binary_stream(stream)
    stream.log("world", rr.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
    stream.log("world/keypoints", rr.AnnotationContext(context), static=True)
    for name, view in session.views.items():
        camera = view.camera
        stream.log(f"world/{name}", rr.Transform3D(translation=camera.centre, mat3x3=camera.rotation.T), static=True)
        pinhole = rr.Pinhole(image_from_camera=camera.matrix, resolution=camera.size, camera_xyz=rr.ViewCoordinates.RDF)
        stream.log(f"world/{name}", pinhole, static=True)
    identifiers = np.broadcast_to(np.arange(len(found.names), dtype=np.uint16), known.shape)[known]
    columns = rr.Points3D.columns(
        positions=found.positions[known], keypoint_ids=identifiers, class_ids=np.zeros(len(identifiers), np.uint16)
    )
    times = [rr.TimeColumn("frame", sequence=found.frames), rr.TimeColumn("time", duration=found.times)]
    stream.send_columns("world/keypoints", indexes=times, columns=columns.partition(known.sum(axis=1)))
    written = content.read()
    assert written is not None, "no limit of time was given"
    with replaced_when_complete(path) as temporary:
        temporary.write_bytes(written)
