"""Whether the cameras of a session film the same moments."""

from collections.abc import Mapping, Sequence
from typing import Any

from bkind3d.doctor.checks import Check
from bkind3d.survey.synchronisation import CameraOffset

#: An offset that is less certain than this many frames is unknown.
_UNKNOWN = 5.0


def check_offsets(offsets: Mapping[str, Sequence[Any]]) -> list[Check]:
    """What estimated offsets (:class:`CameraOffset`, or as read from metadata) mean, camera by camera."""
    return [_check_offset(camera, CameraOffset(*values)) for camera, values in offsets.items()]


def _check_offset(camera: str, offset: CameraOffset) -> Check:
    sentence = f"shows moments {offset.frames:+.1f} frames later than the other cameras (+- {offset.uncertainty:.1f})"
    if offset.shift:
        return Check("warning", "synchronisation", f"{sentence}; shifted by {offset.shift} frames", camera=camera)
    if offset.out_of_sync:
        step = "set location.correct_offsets to true, or give a frame map"
        return Check("warning", "synchronisation", sentence, step, camera=camera)
    if offset.uncertainty > _UNKNOWN:
        sentence = "nothing tells whether it is in time with the others"
        return Check("warning", "synchronisation", sentence, "compare a sudden event by eye", camera=camera)
    return Check("pass", "synchronisation", sentence, camera=camera)
