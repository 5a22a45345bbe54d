"""What the beginning of a session tells before anything was computed: offsets between cameras, how fast and how large the subject is."""

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from bkind3d.config import InputError
from bkind3d.data.calibration_files import write_calibration
from bkind3d.data.frame_maps import FrameMap, choose_frames
from bkind3d.data.parquet import read_metadata
from bkind3d.data.video import VideoInfo, read_packets
from bkind3d.doctor.checks import Check
from bkind3d.doctor.suggestions import Measured, measure_changes
from bkind3d.geometry.cameras import Camera
from bkind3d.study.study import Study
from bkind3d.survey.location import ContradictionError, locate_subject
from bkind3d.survey.room import RoomFiles
from bkind3d.survey.synchronisation import DRIFT_REMEDY, CameraOffset
from bkind3d.survey.videos import survey_video

#: A subject that two cameras see and that is located in fewer of these frames than this share is not what the calibration is for.
_LITTLE = 0.5
#: What to do about cameras that contradict each other.
CALIBRATE = "do calibration, videos and names of cameras belong together? look at the cameras' axes in the pictures below"
#: An offset that is less certain than this many frames is unknown.
_UNKNOWN = 5.0


def examine_beginning(
    study: Study, name: str, cameras: Mapping[str, Camera], infos: Mapping[str, VideoInfo], n_frames: int | None
) -> tuple[list[Check], Measured]:
    """Survey a session's first `n_frames` (all without it), and measure what they tell.

    Parameters
    ----------
    cameras : of the videos, at their own size; offsets and size need all of them.
    infos : of the videos.

    Returns
    -------
    checks : offsets between the cameras, as far as they can be estimated.
    measured : what settings are suggested by.
    """
    calibrated = len(cameras) >= 2 and set(cameras) == set(infos)
    with tempfile.TemporaryDirectory() as folder:
        try:
            surveys = _survey_beginning(study, name, infos, Path(folder), n_frames)
            measured = measure_changes(surveys.values(), study.sessions[name].frame_rate or next(iter(infos.values())).rate)
        except InputError as error:
            return [Check("warning", "synchronisation", f"offsets cannot be estimated: {error}")] if calibrated else [], Measured()
        if not calibrated:
            return [], measured
        calibration, location = Path(folder) / "rig.toml", Path(folder) / "location.parquet"
        write_calibration(cameras, calibration, study.rigs[study.sessions[name].rig].units)
        try:
            locate_subject(study.config.location, calibration, surveys, location)
        except ContradictionError as error:
            return [Check.of_error("cameras", error, CALIBRATE)], measured
        except InputError as error:
            return [Check("warning", "synchronisation", f"offsets cannot be estimated: {error.reason}")], measured
        place = read_metadata(location)
        # As the workflow will measure it.
        side = study.config.location.side_margin * float(place["extent"])
        return [*check_agreement(place), *check_offsets(place["offsets"], study.find_frame_maps(name))], replace(measured, side=side)


def check_agreement(place: Mapping[str, Any]) -> list[Check]:
    """Cameras that contradict the others, and a subject that is seen and not located (metadata of a table `location`)."""
    if place.get("failed"):
        return [Check("failure", "location", str(place["failed"]))]
    checks = [Check("failure", "cameras", text, CALIBRATE) for text in place.get("contradictions", [])]
    seen, located = float(place.get("seen_by_two", 0.0)), float(place.get("valid", 1.0))
    if located < _LITTLE * seen:
        sentence = f"two cameras see something in {100 * seen:.0f} % of the frames, and the subject is located in {100 * located:.0f} %"
        checks.append(Check("failure", "location", sentence, CALIBRATE))
    return checks


def find_frame_maps(study: Study, name: str) -> dict[str, FrameMap]:
    """The frame maps of a session's cameras, each of which knows the others."""
    paths = {camera: study.folder / path for camera, path in study.find_frame_maps(name).items()}
    return {camera: FrameMap(path, camera, paths) for camera, path in paths.items()}


def read_room(study: Study, name: str, camera: str) -> RoomFiles:
    """What the sheet says of a camera's room, as seen from the working folder."""
    row = study.cameras[name][camera]
    mask, background, silhouettes = (
        study.folder / study.find_path(text) if text else None for text in (row.mask, row.background, row.silhouettes)
    )
    return RoomFiles(mask, (), background, silhouettes)


def _survey_beginning(study: Study, name: str, infos: Mapping[str, VideoInfo], folder: Path, n_frames: int | None) -> dict[str, str | Path]:
    """Tables ``survey`` of all cameras."""
    row, maps, surveys = study.sessions[name], find_frame_maps(study, name), dict[str, str | Path]()
    for camera, info in infos.items():
        video = study.find_view(name, camera)
        rate = row.frame_rate or read_packets(video).rate or info.rate
        frames = choose_frames(info.n_frames, maps.get(camera), row.start, row.stop, rate)[:n_frames, 0]
        surveys[camera] = folder / f"{camera}.parquet"
        span = int(frames[0]), int(frames[-1]) + 1
        room = read_room(study, name, camera)
        survey_video(video, study.config.survey, surveys[camera], maps.get(camera), *span, room=room, rate=row.frame_rate)
    return surveys


def check_offsets(offsets: Mapping[str, Sequence[Any]], mapped: Collection[str] = ()) -> list[Check]:
    """What estimated offsets (:class:`CameraOffset`, or as read from metadata) mean, camera by camera; `mapped` ones have a frame map."""
    return [_check_offset(camera, CameraOffset(*values), camera in mapped) for camera, values in offsets.items()]


def _check_offset(camera: str, offset: CameraOffset, mapped: bool) -> Check:
    warn = partial(Check, "warning", "synchronisation", camera=camera)
    sentence = f"shows moments {offset.frames:+.1f} frames later than the other cameras (+- {offset.uncertainty:.1f})"
    if offset.drift:
        return warn(f"falls {offset.drift:+.1f} frames behind the other cameras from the beginning to the end", DRIFT_REMEDY)
    if offset.shift:
        return warn(f"{sentence}; shifted by {offset.shift} frames")
    if offset.out_of_sync:
        step = "are the times of its frame map those of the other cameras' clock?" if mapped else "or give a frame map"
        return warn(sentence, step if mapped else f"set location.correct_offsets to true, {step}")
    if offset.uncertainty > _UNKNOWN:
        return warn("nothing tells whether it is in time with the others", "compare a sudden event by eye")
    return Check("pass", "synchronisation", sentence, camera=camera)
