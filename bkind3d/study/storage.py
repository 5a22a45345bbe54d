"""How much a run will write, estimated from the headers of its videos, and how much the disk has left."""

import math
import os
import shutil
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from bkind3d.config import InputError
from bkind3d.data.video import probe_video
from bkind3d.study.layout import SIMULATED
from bkind3d.study.sheets import SessionRow
from bkind3d.study.study import Study

#: Bytes per stored pixel of a frameset (picture and silhouette), and per pixel of a surveyed frame, as measured on the demo and rounded up.
FRAMESET_BYTES, SURVEY_BYTES = 0.4, 0.025
#: Keypoints, location and pages, per frame of a session.
SESSION_BYTES = 2000
#: Videos whose headers are read; the frames of the others follow from the sizes of their files.
MOST_HEADERS = 60


def explain_storage(study: Study) -> str | None:
    """One line on what a run will write to the disk, or nothing where all is there.

    Only what grows with the recordings counts: surveys, framesets, and the results per session. Sessions that are rendered are not counted before they are there.
    """
    waiting = [(session, files, size) for session, files, size in _list_waiting(study) if size]
    videos = measure_videos({path for _, files, _ in waiting for path in files})
    total = sum(clip_frames(sum(videos[path].frames for path in files), study.sessions[session]) * size for session, files, size in waiting)
    if not total:
        return None
    # The results may be a link to another disk.
    folder = (study.results.folder if study.results.folder.is_dir() else study.folder).resolve()
    free = shutil.disk_usage(folder).free
    line = f"about {total / 1e9:.2g} GB will be written to {folder}, {free / 1e9:.3g} GB are free"
    return line if total < 0.9 * free else f"warning: {line}: make room first, or lower size, margin or quality of the framesets"


class VideoSize(NamedTuple):
    """Frames of a video, and the pixels of each."""

    frames: float
    pixels: float


def measure_videos(videos: Iterable[str]) -> dict[str, VideoSize]:
    """Measure every video (a path), by its header or its file's size: evenly spread ones are opened; no frames where no header can be read."""
    sizes = {video: os.path.getsize(video) for video in sorted(videos)}
    step = max(math.ceil(len(sizes) / MOST_HEADERS), 1)
    opened = {video: _read_header(video) for video in list(sizes)[::step]}
    known = {video: size for video, size in opened.items() if size.frames}
    n_frames = sum(size.frames for size in known.values())
    per_byte = n_frames / sum(sizes[video] for video in known) if known else 0.0
    pixels = sum(size.frames * size.pixels for size in known.values()) / n_frames if known else 0.0
    return {video: known.get(video) or VideoSize(per_byte * size, pixels) for video, size in sizes.items()}


@cache
def _read_header(video: str) -> VideoSize:
    try:
        info = probe_video(video, counted=False)
    except InputError:  # whoever opens the video will say what is wrong with it
        return VideoSize(0, 0)
    return VideoSize(info.n_frames, info.width * info.height)


def clip_frames(frames: float, row: SessionRow) -> float:
    """Frames of a video that belong to the session."""
    end = frames if row.stop is None else min(row.stop, frames)
    return max(end - (row.start or 0), 0)


def list_recordings(study: Study) -> Iterator[tuple[str, str, list[str]]]:
    """Session, camera and files of every video; those that are to be rendered are left out before they are there."""
    for session, cameras in study.cameras.items():
        for camera in cameras:
            videos = study.find_videos(session, camera)
            if not videos[0].startswith(SIMULATED) or os.path.exists(study.folder / videos[0]):
                yield session, camera, [str(study.folder / video) for video in videos]


def _list_waiting(study: Study) -> Iterator[tuple[str, list[str], float]]:
    """Session and files of every video, and the bytes per frame of the tables that are still to be made of it."""
    for session, camera, files in list_recordings(study):
        yield session, files, sum(_list_tables(study, session, camera))


def _list_tables(study: Study, session: str, camera: str) -> Iterator[float]:
    if not study.results.survey(session, camera).exists():
        yield SURVEY_BYTES * study.config.survey.long_side**2 * 0.75 + SESSION_BYTES / len(study.cameras[session])
    for name in study.list_framesets():
        settings = study.config.framesets[name]
        if not study.results.frames(name, session, camera).exists():
            yield FRAMESET_BYTES * (settings.size * settings.margin) ** 2 / settings.step
