"""Calibrate a rig from its board videos, judge the saved result on views that were held out, and write it."""

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bkind3d.calibration.board_poses import measure_rigid_error
from bkind3d.calibration.boards import Corners
from bkind3d.calibration.corners import Videos, find_corners, list_parts
from bkind3d.calibration.displacement import check_given
from bkind3d.calibration.faults import check_scale, find_faults
from bkind3d.calibration.intrinsics import estimate_intrinsics
from bkind3d.calibration.judgement import Finding, check_views, check_world_points, judge_measures, list_failures, log_findings, refuse
from bkind3d.calibration.misprints import check_rows
from bkind3d.calibration.quality import choose_held_out, measure_pairs, measure_quality, measure_squares
from bkind3d.calibration.rig import Spread, calibrate_rig, check_connected
from bkind3d.calibration.world import compare_to_truth, place_between_cameras, place_by_points, place_on_floor, read_points
from bkind3d.config import BoardConfig, CalibrationConfig, InputError
from bkind3d.data.calibration_files import fit_camera_to_video, read_calibration, write_calibration
from bkind3d.data.calibration_formats import require_cameras
from bkind3d.data.crops import Part
from bkind3d.data.parquet import write_table
from bkind3d.data.video import probe_video
from bkind3d.geometry.cameras import Camera

log = logging.getLogger(__name__)

_NAME_ALIKE = "name the videos as the calibration does"


class Given(NamedTuple):
    """What is known of a rig beforehand: files, or nothing.

    Attributes
    ----------
    intrinsics : calibration whose matrices and distortions are kept as they are; its poses are not used.
    world_points : table of points that define the world (:func:`bkind3d.calibration.world.place_by_points`).
    truth : true calibration, to compare with.
    frame_maps : of the board videos by camera, where frames of one number are not of one moment.
    """

    intrinsics: str | Path | None = None
    world_points: str | Path | None = None
    truth: str | Path | None = None
    frame_maps: Mapping[str, str | Path] | None = None


NOTHING_GIVEN = Given()


class Judgement(NamedTuple):
    """What was measured of a calibration, and what that means.

    The `table` is per camera (:func:`bkind3d.calibration.quality.measure_quality`), the `details` are of the whole rig, for metadata.
    """

    table: pd.DataFrame
    details: dict[str, Any]
    findings: list[Finding]


def calibrate_cameras(
    config: CalibrationConfig,
    board: BoardConfig,
    videos: Videos,
    units: str,
    output: str | Path,
    quality: str | Path | None = None,
    given: Given = NOTHING_GIVEN,
    threads: int = 1,
) -> None:
    """Calibrate the cameras of `videos` (board videos by camera); write cameras to `output` and the table ``calibration`` to `quality`, if given.

    World: that of the `given` points, or the board on the floor if ``config.floor_frame`` is set, else between the cameras;
    `units` are the board's. Errors are those of the file as written, on views of the board that were not used to solve it.

    Raises
    ------
    InputError : where a video is unusable, cameras see no board or never together, one does not fit the others, or a
        limit of `config` is exceeded and ``config.accept_poor`` is not set. Nothing is written then.
    """
    _check_files(given, videos)
    scale = check_scale(board, units)
    refuse(scale, config.accept_poor)
    cameras, judged = calibrate_corners(find_corners(videos, board, config, threads, given.frame_maps), config, units, given)
    findings = [*scale, *judged.findings]
    refuse(findings, config.accept_poor)
    details = {"units": units, **judged.details}
    if given.truth is not None:
        details["truth"] = compare_to_truth({camera.name: camera for camera in cameras}, read_calibration(given.truth)[0])
        for name, row in details["truth"].items():
            log.info(
                "camera %s: centre %.2f %s (%.2f %%) from the truth, %.2f %s (%.2f %%) after alignment, focal length %+.2f %%",
                name, row["distance"], units, row["percent"], row["aligned"], units, row["aligned_percent"], row["focal_percent"],
            )  # fmt: skip
    if quality is not None:
        _write_quality(judged.table, findings, details, quality)
    about = {key: value for key, value in details.items() if key in ("error", "rigid_board_px", "n_held_out")}
    poor = list_failures(findings)
    write_calibration({camera.name: camera for camera in cameras}, output, units, about | ({"accepted": poor} if poor else {}))


def calibrate_corners(
    corners: Corners, config: CalibrationConfig, units: str, given: Given = NOTHING_GIVEN
) -> tuple[list[Camera], Judgement]:
    """Solve the cameras from some of the board views and judge them, as a file keeps them, by the others.

    Raises
    ------
    InputError : where cameras see the board too seldom or never together, or do not fit (see :mod:`bkind3d.calibration.faults`).
        What the solution itself lacks is told by the judgement.
    """
    check_views(corners, config)
    check_connected(corners)
    held_out = choose_held_out(corners, config.held_out, config.floor_frame, config.min_board_frames)
    solved = corners.select(~held_out)
    if given.intrinsics is None:
        views = zip(solved.points, solved.sizes, solved.cameras, strict=True)
        lenses = [estimate_intrinsics(solved.model, points, size, name, name in config.fisheye) for points, size, name in views]
    else:
        lenses = _read_lenses(given.intrinsics, dict(zip(corners.cameras, corners.sizes, strict=True)), corners.parts)
    faults = [*check_rows(corners), *find_faults(lenses, corners)]
    log_findings(faults)
    refuse(faults, config.accept_poor)
    solved_cameras, spread = calibrate_rig(solved, lenses, config.restarts, keep_intrinsics=given.intrinsics is not None)
    cameras, about_world = _place(solved_cameras, solved, config, given)
    # What will be read from the file is judged, not what is in memory.
    with tempfile.TemporaryDirectory() as folder:
        write_calibration({camera.name: camera for camera in cameras}, Path(folder) / "saved.toml", units)
        saved = list(read_calibration(Path(folder) / "saved.toml", allow_copies=True)[0].values())
    judged = judge_cameras(saved, corners, corners.select(held_out), config, units, spread)
    log_findings(judged.findings)
    details = judged.details | {"n_held_out": int(held_out.sum()), "restarts": config.restarts} | about_world
    points = check_world_points(about_world, config)
    log_findings(points)
    return saved, Judgement(judged.table, details, [*faults, *judged.findings, *points])


def check_calibration(
    calibration: str | Path,
    config: CalibrationConfig,
    board: BoardConfig,
    videos: Videos,
    units: str,
    quality: str | Path,
    threads: int = 1,
) -> None:
    """Judge a given calibration by board videos that it was not made from; write the table ``calibration`` to `quality`.

    Raises
    ------
    InputError : where pictures have another shape than those that were calibrated; or it is beyond the limits of `config`,
        cameras were moved since, or one is a copy of another: then the table is written all the same.
    """
    found = read_calibration(calibration, allow_copies=True)[0]
    require_cameras(found, videos, calibration, _NAME_ALIKE)
    headers = {name: probe_video(path, counted=False) for name, path in videos.items()}
    cameras = [fit_camera_to_video(found[name], (info.width, info.height), calibration, info.part) for name, info in headers.items()]
    corners = find_corners(videos, board, config, threads)
    judged = judge_cameras(cameras, corners, corners, config, units)
    findings = [*check_scale(board, units), *check_rows(corners), *find_faults(cameras, corners), *check_given(cameras, corners)]
    findings += judged.findings
    log_findings(findings)
    _write_quality(judged.table, findings, {"units": units, "source": Path(calibration).name, **judged.details}, quality)
    refuse(findings, config.accept_poor)


def judge_cameras(
    cameras: list[Camera], corners: Corners, judged_by: Corners, config: CalibrationConfig, units: str, spread: Spread = ()
) -> Judgement:
    """Measure `cameras` by the views `judged_by`, and hold the measures against the limits of `config`.

    `corners` are all views (for coverage); `spread` is that over restarts. World frame and units are the cameras'.
    """
    table = pd.concat([measure_quality(cameras, corners, judged_by), pd.DataFrame(spread)], axis=1)
    squares = measure_squares(cameras, judged_by)
    weights = table["n_points"] / max(1, table["n_points"].sum())
    details = {
        "error": float((table["mean_px"].fillna(0) * weights).sum()) if table["n_points"].any() else None,
        "rigid_board_px": measure_rigid_error(cameras, judged_by),
        "squares": squares,
        "pairs": measure_pairs(cameras, corners, judged_by),
    }
    log.info("errors of held-out board views\n%s", table.round(3).to_string(index=False))
    return Judgement(table, details, judge_measures(table, squares, config, units))


def _check_files(given: Given, videos: Videos) -> None:
    """Refuse files that are wrong before the videos are searched, which takes long."""
    if given.truth is not None:
        require_cameras(read_calibration(given.truth)[0], videos, given.truth, _NAME_ALIKE)
    if given.intrinsics is not None:
        headers = {name: probe_video(path, counted=False) for name, path in videos.items()}
        _read_lenses(given.intrinsics, {name: (header.width, header.height) for name, header in headers.items()}, list_parts(headers))
    if given.world_points is not None:
        read_points(Path(given.world_points), list(videos))


def _read_lenses(path: str | Path, sizes: Mapping[str, tuple[int, int]], parts: Mapping[str, Part]) -> list[Camera]:
    """Given intrinsics, for pictures of these `sizes`, some of which are `parts` of others."""
    found = read_calibration(path, allow_copies=True)[0]
    lacking = [name for name in sizes if name not in found]
    if lacking:
        raise InputError(
            path, f"has no intrinsics of camera {lacking[0]!r}, only of {', '.join(found)}", "name the cameras as the videos are named"
        )
    return [fit_camera_to_video(found[name], size, path, parts.get(name)) for name, size in sizes.items()]


def _place(cameras: list[Camera], corners: Corners, config: CalibrationConfig, given: Given) -> tuple[list[Camera], dict[str, Any]]:
    if given.world_points is not None:
        moved, details = place_by_points(cameras, given.world_points)
        return moved, {"world_points": details}
    if config.floor_frame is not None:
        return place_on_floor(cameras, corners, config.floor_frame), {}
    return place_between_cameras(cameras), {}


def _write_quality(table: pd.DataFrame, findings: list[Finding], details: dict[str, Any], quality: str | Path) -> None:
    finite = {key: None if isinstance(value, float) and not np.isfinite(value) else value for key, value in details.items()}
    write_table(table, "calibration", quality, finite | {"findings": [asdict(finding) for finding in findings]})
