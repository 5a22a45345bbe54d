"""Where the subject is: its centre per frame, from the silhouettes of several views, how large its body is, and what is odd about them."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, UInt8
from numpy.typing import NDArray

from bkind3d.config import InputError, LocationConfig, SurveyConfig
from bkind3d.data.calibration_files import fit_camera_to_survey, read_calibration
from bkind3d.data.calibration_formats import require_cameras
from bkind3d.data.parquet import PICTURE_ROWS, TABLES, open_table, read_metadata, read_table, write_table
from bkind3d.geometry.cameras import Camera
from bkind3d.geometry.health import AGREED
from bkind3d.survey.consensus import Candidates, Chosen, Clusters, find_candidates
from bkind3d.survey.contradictions import Contradiction, Views, blame_seldom, find_contradictions
from bkind3d.survey.hulls import ReadMasks, measure_body, move_to_bodies
from bkind3d.survey.revision import View, revise_silhouettes
from bkind3d.survey.silhouettes import MAX_CLUSTERS, decode_mask, encode_mask, read_silhouettes
from bkind3d.survey.synchronisation import Signals, choose_part, measure_offsets, read_signals, shift_frames
from bkind3d.survey.tracking import Track, fill_gaps, follow_subject, smooth_track, take_candidates

log = logging.getLogger(__name__)

#: A cluster's seven numbers in the survey: area, centroid x and y, box x0, y0, x1, y1.
CLUSTER_NUMBERS = 7
#: A subject on which two views agree in fewer frames than this share, or that fewer of the cameras see, is seldom seen.
_SELDOM = 0.5
#: A subject whose centre stays this near (in shares of its size) to its usual place in nine of ten frames keeps its place.
_KEEPS_PLACE = 0.5
#: Seconds between the moments in which the hull is measured: bodies change little in between.
_HULL_SECONDS = 0.1
#: Somebody else is told of who is there in more than this share of the frames.
_PRESENT = 0.1


class Sightings(NamedTuple):
    """What all views saw, with the cameras of the survey pictures, the session's frames and times, and frames per second.

    Clusters are in survey pixels, NaN where there are fewer.
    """

    cameras: list[Camera]
    frames: Int[NDArray, "frame"]
    times: Float[NDArray, "frame"]
    clusters: Clusters
    rate: float


class Revision(NamedTuple):
    """Whether views revise each other's silhouettes: with which settings, and where those that change are written (table ``silhouettes``)."""

    config: SurveyConfig
    output: str | Path


def locate_subject(
    config: LocationConfig,
    calibration: str | Path,
    surveys: Mapping[str, str | Path],
    output: str | Path,
    revision: Revision | None = None,
) -> list[str]:
    """Locate the subject in every frame of a session and write the table ``location`` to `output`.

    World and units are those of the rig's `calibration`; `surveys` are tables by camera. Without a `revision` their silhouettes are taken
    as they are.

    Returns
    -------
    Sentences that the user should read before going on; they are in the table's metadata, too.

    Raises
    ------
    InputError : where a camera is not in the calibration, the surveys' frames differ, or nothing can be located.
    """
    cameras, metadata = read_calibration(calibration)
    units = metadata.get("units", "")
    sightings = read_sightings(cameras, surveys, calibration)
    signals = read_signals(sightings.cameras, list(surveys.values()), sightings.frames)
    offsets = measure_offsets(config, surveys, signals)
    shifts = [offset.shift for offset in offsets.values()]
    sightings = sightings._replace(clusters=shift_frames(sightings.clusters, shifts))
    read_masks = _mask_reader(surveys, sightings.frames, shifts, None)
    seen_by_two = float((np.isfinite(sightings.clusters[..., 0]).any(axis=2).sum(axis=1) >= 2).mean())
    signals = signals.shifted(shifts)
    rest = [round(offset.frames) - offset.shift if offset.out_of_sync and not offset.drift else 0 for offset in offsets.values()]
    contradictions = _find_contradictions(config, sightings, (signals, signals.shifted(rest)), read_masks)
    left_out = _leave_out(contradictions, list(surveys), sightings)
    if (
        any(not entry.cameras for entry in contradictions)
        or len(surveys) - sum(since == sightings.frames[0] for since in left_out.values()) < 2
    ):
        raise ContradictionError(calibration, "; ".join(entry.text for entry in contradictions))
    if revision is not None:
        _revise(revision, sightings, surveys, shifts, bool(left_out))
    n_seen = np.isfinite(sightings.clusters[..., 0]).any(axis=2).sum(axis=0)
    centre = config.centre if np.count_nonzero(n_seen) >= 2 else None
    found = _follow(sightings, config, units) if centre is None else _take_fixed(sightings, centre)
    if found is None:
        raise explain_nothing(str(calibration), dict(zip(surveys, n_seen.tolist(), strict=True)), config)
    points, chosen, residual = found.points, found.chosen, found.residual
    body = measure_body(
        sightings.cameras,
        points,
        chosen,
        sightings.clusters,
        _mask_reader(surveys, sightings.frames, shifts, None if revision is None else revision.output),
        step=max(1, round(_HULL_SECONDS * sightings.rate)),
    )
    if centre is None:
        points = smooth_track(move_to_bodies(points, body), config.smooth_seconds * sightings.rate)
    centres = fill_gaps(points, round(config.max_gap_seconds * sightings.rate))
    n_views, valid = (chosen >= 0).sum(axis=1), np.isfinite(centres).all(axis=1)
    table = pd.DataFrame(centres, columns=["x", "y", "z"])
    table = table.assign(frame=sightings.frames, time_s=sightings.times, n_views=n_views, residual=residual, valid=valid)
    share = float(valid.mean())
    texts = [entry.text for entry in contradictions]
    if centre is None:
        texts, never = blame_seldom(list(surveys), sightings.clusters, chosen, texts)
        left_out |= {name: int(sightings.frames[0]) for name in never}
    remarks = texts + found.remarks + (remark_track(table, len(surveys) - len(left_out), found.size, units) if centre is None else [])
    agreement = dict(zip(surveys, body.agreement.tolist(), strict=True))
    remarks += remark_agreement(agreement)
    remarks += [f"camera {name} {remark}" for name, path in surveys.items() for remark in read_metadata(path).get("remarks", [])]
    details = {"extent": body.extent, "units": units, "valid": share, "rate": sightings.rate, "offsets": offsets}
    details |= {"seen_by_two": seen_by_two, "contradictions": texts, "left_out": left_out}
    write_table(table, "location", output, details | {"agreement": agreement, "remarks": remarks})
    views = table["n_views"].mean()
    log.info(
        "%s: located in %.1f %% of %d frames, %.2f views each, body %.4g %s", output, 100 * share, len(table), views, body.extent, units
    )
    return remarks


class ContradictionError(InputError):
    """Cameras that contradict each other so that nothing can be located."""


def _find_contradictions(
    config: LocationConfig, sightings: Sightings, signals: tuple[Signals, Signals], read_masks: ReadMasks
) -> list[Contradiction]:
    """The cameras that contradict the others; `since` is a frame's number. Of the signals, the second ones have no offsets that are known."""
    part = choose_part(len(sightings.frames))
    first = part.start

    def read(view: int, positions: Int[NDArray, "..."]) -> list[UInt8[NDArray, "..."]]:
        return read_masks(view, positions + first)

    views = Views(sightings.cameras, sightings.frames[part], sightings.clusters[part], read, signals[0])
    found = find_contradictions(views, signals[1], config.max_offset_frames)
    # What holds from the first compared frame on holds always.
    return [entry._replace(since=int(views.frames[entry.since] if entry.since else sightings.frames[0])) for entry in found]


def _leave_out(contradictions: Sequence[Contradiction], cameras: Sequence[str], sightings: Sightings) -> dict[str, int]:
    """Forget what cameras saw from the frame on in which they contradict the others; these frames by camera."""
    left_out: dict[str, int] = {}
    for entry in contradictions:
        for name in entry.cameras:
            left_out[name] = min(entry.since, left_out.get(name, entry.since))
            sightings.clusters[sightings.frames >= left_out[name], cameras.index(name)] = np.nan
    return left_out


class _Found(NamedTuple):
    """The subject in every frame: its point, the clusters that show it, how far they are off; its size, and who else is there."""

    points: Float[NDArray, "frame 3"]
    chosen: Chosen
    residual: Float[NDArray, "frame"]
    size: float
    remarks: list[str]


def _follow(sightings: Sightings, config: LocationConfig, units: str) -> _Found | None:
    """Follow the subject among all that moves; None where nothing does."""
    candidates = find_candidates(sightings.cameras, sightings.clusters, config.max_residual)
    low, high = np.array(config.region or ((-np.inf,) * 3, (np.inf,) * 3))
    inside = ((candidates.points >= low) & (candidates.points <= high)).all(axis=2)
    subject = follow_subject(candidates, sightings.times, inside)
    if (subject.candidate < 0).all():
        return None
    return _Found(*take_candidates(candidates, subject), subject.size, remark_others(candidates, subject, sightings.times, inside, units))


def _take_fixed(sightings: Sightings, centre: tuple[float, float, float]) -> _Found:
    """A subject that cannot leave its place: the largest cluster of each view is it."""
    largest = np.nan_to_num(sightings.clusters[..., 0], nan=-1.0)
    chosen = np.where(largest.max(axis=2) > 0, largest.argmax(axis=2), -1)
    n_frames = len(sightings.frames)
    return _Found(np.tile(np.array(centre, np.float64), (n_frames, 1)), chosen, np.full(n_frames, np.nan), float("nan"), [])


def read_sightings(cameras: Mapping[str, Camera], surveys: Mapping[str, str | Path], calibration: str | Path) -> Sightings:
    """Read all views' clusters; refuse views that do not fit the calibration or each other."""
    if len(surveys) < 2:
        raise InputError(", ".join(surveys) or "no camera", "at least two cameras are needed to locate the subject", "survey more cameras")
    require_cameras(cameras, surveys, calibration, "name the cameras alike in sheet and calibration")
    metadata = _read_about(surveys)
    tables = {name: read_table(path, "survey", ["frame", "time_s", "clusters"]) for name, path in surveys.items()}
    lengths = {name: len(table) for name, table in tables.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise InputError(
            "",
            f"the cameras have different numbers of frames ({counts})",
            "give frame maps or start and stop, so that frames show the same moments",
        )
    first_name, first = next(iter(tables.items()))
    if first.empty:
        raise InputError(surveys[first_name], "has no frames", "survey the video again")
    for name, table in tables.items():
        if not np.array_equal(table["frame"], first["frame"]):
            span = f"{table['frame'].min()} to {table['frame'].max()}"
            raise InputError(
                surveys[name], f"its frames {span} are not those of camera {first_name!r}", "survey both with the same start and stop"
            )
    fitted = []
    for name, entry in metadata.items():
        camera = fit_camera_to_survey(cameras[name], entry, calibration)
        fitted.append(camera.resized((int(entry["width"]), int(entry["height"]))))
    clusters = np.full((len(first), len(tables), MAX_CLUSTERS, CLUSTER_NUMBERS), np.nan)
    for view, table in enumerate(tables.values()):
        for row, numbers in enumerate(table["clusters"]):
            found = np.asarray(numbers, dtype=np.float64).reshape(-1, CLUSTER_NUMBERS)[:MAX_CLUSTERS]
            clusters[row, view, : len(found)] = found
    return Sightings(fitted, first["frame"].to_numpy(), first["time_s"].to_numpy(), clusters, float(metadata[first_name]["rate"]))


def _read_about(surveys: Mapping[str, str | Path]) -> dict[str, dict[str, Any]]:
    """What is noted of each survey; refuse one that could not be made."""
    metadata = {name: read_metadata(path) for name, path in surveys.items()}
    for name, entry in metadata.items():
        if entry.get("failed"):
            raise InputError(f"camera {name}", str(entry["failed"]))
    return metadata


def _revise(revision: Revision, sightings: Sightings, surveys: Mapping[str, str | Path], shifts: list[int], contradict: bool) -> None:
    """Revise the silhouettes, none where views `contradict` each other.

    Those that change are written under the frames of their camera's own survey, and their clusters put into the `sightings`.
    """
    named = zip(surveys.items(), sightings.cameras, shifts, strict=True)
    views = [View(name, camera, path, shift) for (name, path), camera, shift in named]
    rows: list[dict[str, Any]] = []
    n_changed = 0
    with open_table("silhouettes", revision.output) as add_rows:
        add_rows(pd.DataFrame(columns=list(TABLES["silhouettes"])))
        for position, view, found in () if contradict else revise_silhouettes(revision.config, views, sightings.frames):
            sightings.clusters[position, view] = np.nan
            sightings.clusters[position, view, : len(found.clusters)] = found.clusters
            frame = int(sightings.frames[position]) + shifts[view]
            rows.append({"frame": frame, "camera": views[view].name, "mask": encode_mask(found.mask)})
            n_changed += 1
            if len(rows) >= PICTURE_ROWS:
                add_rows(pd.DataFrame(rows))
                rows.clear()
        if rows:
            add_rows(pd.DataFrame(rows))
    log.info("%s: %d of %d silhouettes are revised by other views", revision.output, n_changed, len(views) * len(sightings.frames))


def _mask_reader(
    surveys: Mapping[str, str | Path], frames: Int[NDArray, "frame"], shifts: list[int], revised: str | Path | None
) -> ReadMasks:
    """Read a few silhouettes out of the surveys, or as `revised`, each shifted by as many frames as its camera is late."""
    named = list(surveys.items())

    def read_masks(view: int, positions: Int[NDArray, "..."]) -> list[UInt8[NDArray, "..."]]:
        numbers, (camera, path) = frames[positions] + shifts[view], named[view]
        masks = read_silhouettes(path, camera, revised, numbers.tolist())
        return [decode_mask(masks[number]) for number in numbers]

    return read_masks


def explain_nothing(calibration: str, seen: dict[str, int], config: LocationConfig) -> InputError:
    """Why nothing is located, from the number of frames in which each camera sees anything move."""
    blind = [camera for camera, count in seen.items() if count == 0]
    if len(seen) - len(blind) < 2:
        return InputError(
            f"camera {', '.join(blind)}",
            "nothing moves in any frame, and two cameras have to see the subject",
            "there is no subject, or it never moves and is taken for background: look at the videos, or leave this session out",
        )
    where = "" if config.region is None else " in the region of interest"
    return ContradictionError(
        calibration,
        f"in no frame do two cameras' silhouettes agree on a place{where} within {config.max_residual} of the picture's longer side",
        "check that calibration and videos belong together, and look at the survey's silhouettes",
    )


def remark_track(table: pd.DataFrame, n_cameras: int, size: float, units: str) -> list[str]:
    """What is odd about where the subject is (a table "location"): seldom seen to move, or hardly leaving its place."""
    agreed, views = float((table["n_views"] >= 2).mean()), float(table["n_views"].mean())
    if agreed < _SELDOM or views < _SELDOM * n_cameras:
        return [
            f"the subject is seldom seen to move: {views:.1f} of {n_cameras} cameras see it on average, and two agree in {100 * agreed:.0f} % "
            "of the frames; one that keeps its place is taken for background, and there is little to learn from: look at the silhouettes"
        ]
    known = table.loc[table["valid"], ["x", "y", "z"]].to_numpy(np.float64)
    wandered = float(np.quantile(np.linalg.norm(known - np.median(known, axis=0), axis=1), 0.9))
    if wandered >= _KEEPS_PLACE * size:
        return []
    return [
        f"the subject hardly leaves its place ({wandered:.3g} {units} in nine of ten frames, it is about {size:.3g} {units} large): "
        "what of it never moves may be taken for background: look at the silhouettes"
    ]


def remark_agreement(agreement: Mapping[str, float]) -> list[str]:
    """Which cameras show other silhouettes than the views together (a body's `agreement` by camera)."""
    poor = {camera: share for camera, share in agreement.items() if share < AGREED}
    if not poor:
        return []
    listed = ", ".join(f"{camera} {share:.2f}" for camera, share in poor.items())
    return [
        f"the views do not agree on the silhouettes (overlap with what all views together allow: {listed}; {AGREED:g} is usual at least): "
        "shadows, holes or somebody else are in them, and keypoints will be no better: look at the silhouettes"
    ]


def remark_others(
    candidates: Candidates, subject: Track, times: Float[NDArray, "frame"], inside: Bool[NDArray, "frame candidate"], units: str
) -> list[str]:
    """Who else moves, beside the subject: where, how often and how large."""
    rows = np.flatnonzero(subject.candidate >= 0)
    free = inside.copy()
    free[rows, subject.candidate[rows]] = False
    other = follow_subject(candidates, times, free)
    there = np.flatnonzero(other.candidate >= 0)
    if len(there) < _PRESENT * len(times):
        return []
    numbers = other.candidate[there]
    place = np.median(candidates.points[there, numbers], axis=0)
    views = float((candidates.chosen[there, numbers] >= 0).sum(axis=1).mean())
    return [
        f"two subjects move, and one is supported: beside the one that is followed, another is around "
        f"({', '.join(f'{value:.4g}' for value in place)}) {units} in {100 * len(there) / len(times):.0f} % of the frames, seen by "
        f"{views:.1f} cameras, {other.size / subject.size:.1f} times as large; film one at a time, or say where the right one is "
        "(location.region, or masks of the cameras)"
    ]
