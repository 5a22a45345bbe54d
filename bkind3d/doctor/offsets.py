"""Whether the cameras of a session film the same moments: as its location says, or from a survey of its beginning."""

import logging
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bkind3d.config import InputError
from bkind3d.data.study import Study
from bkind3d.data.video import VideoInfo
from bkind3d.doctor.checks import Check
from bkind3d.geometry.cameras import Camera
from bkind3d.survey.frame_maps import choose_frames
from bkind3d.survey.synchronisation import CameraOffset, measure_offsets
from bkind3d.survey.videos import survey_size, survey_video

log = logging.getLogger(__name__)

#: An offset that is less certain than this many frames is unknown.
_UNKNOWN = 5.0


def estimate_early(
    study: Study, name: str, cameras: Mapping[str, Camera], infos: Mapping[str, VideoInfo], n_frames: int | None
) -> dict[str, CameraOffset]:
    """Estimate the offsets of a session that was not located yet, from a survey of its first `n_frames` (all without it).

    Parameters
    ----------
    cameras : of the videos, at their own size.
    infos : of the videos.
    """
    row, config = study.sessions[name], study.config
    with tempfile.TemporaryDirectory() as folder:
        surveys: dict[str, str | Path] = {camera: Path(folder) / f"{camera}.parquet" for camera in cameras}
        for camera, path in surveys.items():
            entry, info = study.cameras[name][camera], infos[camera]
            frame_map = study.folder / study.find_path(entry.frame_map) if entry.frame_map else None
            frames = choose_frames(info.n_frames, frame_map, row.start, row.stop, info.rate)[:n_frames, 0]
            video = [study.folder / path for path in study.find_videos(name, camera)]
            survey_video(video, config.survey, path, frame_map, int(frames[0]), int(frames[-1]) + 1)
        shrunk = [camera.resized(survey_size(infos[key], config.survey.long_side)) for key, camera in cameras.items()]
        return measure_offsets(config.location, shrunk, surveys, frames)


def check_early(
    study: Study, name: str, cameras: Mapping[str, Camera], infos: Mapping[str, VideoInfo], n_frames: int | None
) -> list[Check]:
    """The checks of :func:`estimate_early`; none where the videos do not allow it."""
    if len(cameras) < 2 or set(cameras) != set(infos):
        return []
    try:
        return check_offsets(estimate_early(study, name, cameras, infos, n_frames))
    except InputError as error:
        return [Check("warning", "synchronisation", f"offsets cannot be estimated: {error}")]


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
