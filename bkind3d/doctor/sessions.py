"""Sessions: whether a session's cameras fit together, its calibration fits its videos, and its results make sense."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bkind3d.calibration.formats.reading import read_given_cameras
from bkind3d.config import InputError
from bkind3d.data.calibration_files import fit_camera_to_video, read_calibration
from bkind3d.data.calibration_formats import match_cameras, parse_sizes
from bkind3d.data.crops import View, list_overlaps
from bkind3d.data.cubes import read_cube
from bkind3d.data.frame_maps import choose_frames
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.data.progress import track
from bkind3d.doctor.beginning import check_agreement, check_offsets, examine_beginning, find_frame_maps, read_room
from bkind3d.doctor.checks import Check
from bkind3d.doctor.suggestions import Measured, measure_changes
from bkind3d.doctor.videos import BEGINNING, Sample, examine_video
from bkind3d.geometry.cameras import Camera
from bkind3d.geometry.lenses import measure_reach
from bkind3d.geometry.units import METRES
from bkind3d.study.study import Study
from bkind3d.survey.silhouettes import Silhouettes

#: Rates of two cameras that differ by more than this share are different.
_RATE_SHARE = 1e-3
#: Distances (m) between which cameras stand from what they film.
_NEAREST, _FARTHEST = 0.02, 100.0
#: Degrees across a picture below which a lens is remarkably long.
_LONG = 3.0
#: A subject that is seen moving in fewer of the pictures, or whose silhouette goes less far than its own size, keeps its place.
_SEEN, _TRAVEL = 0.5, 0.25
#: Located in fewer of the frames, a session is worth a look.
_LOCATED = 0.9


@dataclass
class Examined:
    """What is known of a session after it was looked at.

    Attributes
    ----------
    name, units : of the session and its world.
    checks : what was found.
    samples : decoded pictures by camera.
    cameras : of the videos at their own size, by name; none without a calibration.
    silhouettes : by camera and frame number.
    location, place : table and metadata; none before the subject was located.
    side : of the study's cube, world units; none before it was measured.
    measured : what settings are suggested by.
    """

    name: str
    units: str
    checks: list[Check] = field(default_factory=list)
    samples: dict[str, Sample] = field(default_factory=dict)
    cameras: dict[str, Camera] = field(default_factory=dict)
    silhouettes: dict[str, dict[int, Silhouettes]] = field(default_factory=dict)
    location: pd.DataFrame | None = None
    place: dict[str, Any] = field(default_factory=dict)
    side: float | None = None
    measured: Measured = field(default_factory=Measured)


def examine_session(study: Study, name: str, full: bool = False) -> Examined:
    """Look at a session's videos, calibration and, where they exist, results."""
    row = study.sessions[name]
    examined = Examined(name, study.rigs[row.rig].units)
    for camera, entry in track(study.cameras[name].items(), name, unit="camera"):
        video = study.find_view(name, camera)
        checks, sample = examine_video(video, full, bool(entry.frame_map), row.frame_rate)
        examined.checks += [replace(check, camera=camera) for check in checks]
        if sample is not None:
            examined.samples[camera] = sample
    examined.checks += check_parts({camera: study.find_view(name, camera) for camera in examined.samples})
    examined.checks += check_lengths(study, name, examined.samples)
    examined.checks += check_rates(examined.samples, study.find_frame_maps(name), row.frame_rate)
    examined.checks += _fit_calibration(study, examined, row.rig)
    for camera, sample in examined.samples.items():
        try:
            examined.silhouettes[camera] = sample.find_silhouettes(study.config.survey, read_room(study, name, camera).mask)
        except InputError as error:
            examined.checks.append(Check.of_error("mask", error, "draw it again", camera))
            examined.silhouettes[camera] = sample.find_silhouettes(study.config.survey)
    location = study.results.location(name)
    if location.exists():
        examined.location, examined.place = read_table(location, "location"), read_metadata(location)
        examined.checks += check_location(examined.location, examined.place, study.find_frame_maps(name))
        if study.results.cube().exists():
            examined.side = read_cube(study.results.cube(), examined.units)
        surveys = [path for path in (study.results.survey(name, camera) for camera in examined.samples) if path.exists()]
        if surveys:
            measured = measure_changes(surveys, row.frame_rate or next(iter(examined.samples.values())).info.rate)
            extent = examined.place.get("extent")
            side = None if extent is None else study.config.location.side_margin * float(extent)
            examined.measured = replace(measured, side=side)
    elif not any(check.status == "failure" for check in examined.checks):
        infos = {camera: sample.info for camera, sample in examined.samples.items()}
        early, examined.measured = examine_beginning(study, name, examined.cameras, infos, None if full else BEGINNING)
        examined.checks += early
    if examined.location is None or examined.location["valid"].mean() < _LOCATED:
        examined.checks += check_movement(examined.silhouettes)
    examined.checks = [replace(check, session=name) for check in examined.checks]
    return examined


def check_parts(views: Mapping[str, View]) -> list[Check]:
    """Whether views in one picture have pixels in common."""
    checks = []
    for files in dict.fromkeys(view.files for view in views.values()):
        crops = {camera: view.crop for camera, view in views.items() if view.files == files and view.crop}
        for one, other in list_overlaps(crops):
            sentence = f"the parts of {files[0].name} that are {one} ({crops[one]}) and {other} ({crops[other]}) overlap"
            checks.append(Check("warning", "crop", sentence, "what lies in both is taken for two views of it: correct crop in cameras.tsv"))
    return checks


def check_lengths(study: Study, name: str, samples: Mapping[str, Sample]) -> list[Check]:
    """Whether frames of all cameras can be paired."""
    row, maps, spans, counts = study.sessions[name], find_frame_maps(study, name), {}, []
    for camera, sample in samples.items():
        try:
            rate = row.frame_rate or sample.packets.rate or sample.info.rate
            frames = choose_frames(sample.info.n_frames, maps.get(camera), row.start, row.stop, rate)
        except InputError as error:
            return [Check.of_error("frames of the session", error, "", camera)]
        spans[camera] = (int(frames[0, 0]), int(frames[-1, 0]))
        counts.append(f"{camera} {sample.info.n_frames}")
    if len(set(spans.values())) > 1:
        sentence = f"the cameras have different numbers of frames ({', '.join(counts)})"
        step = "give frame maps, or start and stop, so that frames show the same moments"
        return [Check("failure", "frames of the session", sentence, step)]
    sentence = f"all cameras have the same frames ({', '.join(counts)} in the videos)"
    return [Check("pass", "frames of the session", sentence)] if spans else []


def check_rates(samples: Mapping[str, Sample], mapped: Collection[str] = (), given: float | None = None) -> list[Check]:
    """Whether all cameras film at one rate, by their files or as `given` in the sheet, or have frame maps, which say what belongs together."""
    rates = {camera: sample.info.rate for camera, sample in samples.items()}
    if not rates:
        return []
    listed = ", ".join(f"{camera} {rate:.6g}" for camera, rate in rates.items())
    if given:
        return [Check("pass", "rates", f"the sheet of sessions says {given:.6g} frames per second, the files {listed}")]
    if max(rates.values()) > (1 + _RATE_SHARE) * min(rates.values()):
        if set(rates) <= set(mapped):
            return [Check("pass", "rates", f"the cameras film at different rates ({listed} per second), and their frame maps pair them")]
        sentence = f"the cameras film at different rates ({listed} per second)"
        return [Check("failure", "rates", sentence, "give a frame map for every camera, with the columns video_frame and time_s")]
    return [Check("pass", "rates", f"all cameras film at {next(iter(rates.values())):.6g} frames per second")]


def _fit_calibration(study: Study, examined: Examined, rig: str) -> list[Check]:
    try:
        cameras = read_rig(study, rig)
        if cameras is None:
            return [Check("warning", "calibration", f"rig {rig!r} is not calibrated yet", "the workflow does it")]
        checks = check_distances(cameras, examined.units)
        for name, sample in examined.samples.items():
            camera, size = cameras[name], (sample.info.width, sample.info.height)
            part = sample.info.part
            examined.cameras[name] = fit_camera_to_video(camera, size, find_rig_file(study, rig), part)
            if camera.size == size:
                of = f"its part of the picture, {part.crop}" if part else f"the video's {size[0]}x{size[1]} pixels"
                checks.append(Check("pass", "picture size", f"calibrated at {of}", camera=name))
            elif part and camera.size == part.whole:
                sentence = f"calibrated for the whole picture of {part.whole[0]}x{part.whole[1]} pixels, of which its part is {part.crop}"
                checks.append(Check("pass", "picture size", sentence, camera=name))
            else:
                sentence = f"calibrated at {camera.size[0]}x{camera.size[1]}, the video has {size[0]}x{size[1]} pixels; scaled or cropped"
                checks.append(Check("warning", "picture size", sentence, "look at the drawn axes: they have to fit", camera=name))
            checks += check_lens(examined.cameras[name])
    except InputError as error:
        examined.cameras.clear()
        return [Check.of_error("calibration", error, "calibrate again")]
    return checks


def check_lens(camera: Camera) -> list[Check]:
    """A remark on a lens so long that its camera hardly sees depth: such rigs exist, and views that contradict each other are told elsewhere."""
    angle = 2 * measure_reach(camera).angle
    if angle >= _LONG:
        return []
    sentence = f"sees {angle:.2g} degrees, as hardly a lens does; if the views agree, that is how they are filmed, or calibrated"
    return [Check("pass", "lens", sentence, camera=camera.name)]


def read_rig(study: Study, rig: str) -> dict[str, Camera] | None:
    """The cameras of a rig by the sheet's names, in the world of their file; none where it is not calibrated yet."""
    path, row = find_rig_file(study, rig), study.rigs[rig]
    if path == study.results.calibration(rig):
        cameras, _ = read_calibration(path)
    elif row.calibration and path.exists():
        sizes = parse_sizes(row.calibration_size, "calibration_size")
        cameras, _ = read_given_cameras(path, row.calibration_format or None, row.calibration_subject or None, sizes)
    else:
        return None
    matched = match_cameras(cameras, study.list_rig_cameras(rig), str(path))
    return {name: replace(cameras[other], name=name) for name, other in matched.items()}


def find_rig_file(study: Study, rig: str) -> Path:
    """The calibration of a rig: as made by the workflow, or else as given; the working folder where there is neither."""
    made = study.results.calibration(rig)
    given = study.folder / study.find_path(study.rigs[rig].calibration) if study.rigs[rig].calibration else Path()
    return made if made.exists() else given


def measure_distance(cameras: Mapping[str, Camera]) -> float:
    """Median distance of the cameras from the point they look at (the one nearest to all optical axes), world units."""
    ahead = np.stack([camera.rotation[2] for camera in cameras.values()])
    centres = np.stack([camera.centre for camera in cameras.values()])
    across = np.eye(3) - ahead[:, :, None] * ahead[:, None]
    focus = np.linalg.lstsq(across.sum(axis=0), np.einsum("vij,vj->i", across, centres), rcond=None)[0]
    return float(np.median(np.linalg.norm(centres - focus, axis=1)))


def check_distances(cameras: Mapping[str, Camera], units: str) -> list[Check]:
    """Whether the cameras stand where cameras can stand: a world in metres that is read as millimetres is found here."""
    if units not in METRES:
        return [Check("pass", "scale", "the calibration has no scale: lengths are told in its own units")]
    metres = measure_distance(cameras) * METRES[units]
    if not _NEAREST <= metres <= _FARTHEST:
        sentence = f"the cameras stand {metres:.3g} m from what they look at, if the calibration is in {units}"
        return [Check("failure", "scale", sentence, "correct the units of the rig in the sheet of rigs")]
    return [Check("pass", "scale", f"the cameras stand {metres:.3g} m from what they look at")]


def check_movement(silhouettes: Mapping[str, Mapping[int, Silhouettes]]) -> list[Check]:
    """Whether something moves, and leaves its place: what keeps its place is taken for background."""
    checks, step = [], "film an empty scene for some seconds before or after, or leave this session out"
    for camera, found in silhouettes.items():
        clusters = [entry.clusters[0] for entry in found.values() if len(entry.clusters)]
        if len(clusters) < _SEEN * max(1, len(found)):
            sentence = f"hardly anything moves: a silhouette in {len(clusters)} of {len(found)} pictures; a subject that keeps its place is taken for background"
            checks.append(Check("warning", "movement", sentence, step, camera=camera))
            continue
        boxes = np.array(clusters)[:, 1:7]
        travel = float(np.linalg.norm(np.diff(np.quantile(boxes[:, :2], (0.05, 0.95), axis=0), axis=0)))
        extent = float(np.median(np.linalg.norm(boxes[:, 4:6] - boxes[:, 2:4], axis=1)))
        if travel < _TRAVEL * extent:
            sentence = f"the subject keeps its place: its silhouette goes {travel:.0f} px and is {extent:.0f} px large; parts may be taken for background"
            checks.append(Check("warning", "movement", sentence, step, camera=camera))
        else:
            checks.append(Check("pass", "movement", f"something moves in {len(clusters)} of {len(found)} pictures", camera=camera))
    return checks


def check_location(location: pd.DataFrame, place: Mapping[str, Any], mapped: Collection[str] = ()) -> list[Check]:
    """Whether the subject was located, and whether the cameras show it at the same moments."""
    share = float(location["valid"].mean())
    sentence = f"the subject was located in {100 * share:.1f} % of {len(location)} frames"
    step = "look at the silhouettes below: is the subject in them, in all views?"
    checks = [Check("pass", "location", sentence) if share >= _LOCATED else Check("warning", "location", sentence, step)]
    checks = [*check_agreement(place), *checks]
    told = {*place.get("contradictions", []), place.get("failed")}
    checks += [Check("warning", "location", remark, step) for remark in place.get("remarks", []) if remark not in told]
    return checks + check_offsets(place.get("offsets", {}), mapped)
