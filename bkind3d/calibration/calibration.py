"""Calibrate a rig from its board videos, judge the result and write it."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from bkind3d.calibration.board_poses import measure_rigid_error
from bkind3d.calibration.boards import find_corners
from bkind3d.calibration.quality import measure_errors, measure_quality
from bkind3d.calibration.rig import calibrate_rig
from bkind3d.calibration.world import compare_to_truth, place_between_cameras, place_on_floor
from bkind3d.config import BoardConfig, CalibrationConfig, InputError
from bkind3d.data.calibration_files import read_calibration, write_calibration
from bkind3d.data.parquet import write_table

log = logging.getLogger(__name__)

#: Below this coverage, or above this depth range, a small error proves little.
_LOW_COVERAGE, _FLAT_DEPTH = 0.3, 0.85


def calibrate_cameras(
    config: CalibrationConfig,
    board: BoardConfig,
    videos: Mapping[str, str | Path],
    units: str,
    output: str | Path,
    quality: str | Path,
    truth: str | Path | None = None,
    threads: int = 1,
) -> None:
    """Calibrate the cameras of `videos` (board videos by camera); write cameras to `output` and the table ``calibration`` to `quality`.

    World: the board on the floor if ``config.floor_frame`` is given, else between the cameras; `units` are the board's.

    Raises
    ------
    InputError : where a video is unusable, cameras see no board or never together, or the error exceeds ``config.max_error_px``.
    """
    if len(videos) < 2:
        raise InputError(f"--videos: {len(videos)} camera(s) given, at least 2 are needed")
    known = None if truth is None else read_calibration(truth)[0]
    # OpenCV's own threads wait for each other by spinning, which on a busy machine costs more than they bring.
    cv2.setNumThreads(1)
    corners = find_corners(videos, board, config, threads)
    cameras = calibrate_rig(corners)
    cameras = place_between_cameras(cameras) if config.floor_frame is None else place_on_floor(cameras, corners, config.floor_frame)
    table = measure_quality(cameras, corners)
    errors = measure_errors(cameras, corners)
    error = float(np.nanmean(errors))
    _log_quality(table, error)
    if not error <= config.max_error_px:
        worst = table.loc[table["mean_px"].idxmax()]
        raise InputError(
            f"the mean reprojection error is {error:.2f} px, more than calibration.max_error_px {config.max_error_px}; worst is camera "
            f"{worst['camera']!r} with {worst['mean_px']:.2f} px: check the board's sizes, and that the videos show the same moments"
        )
    named = {camera.name: camera for camera in cameras}
    details: dict[str, Any] = {"units": units, "error": error, "rigid_board_px": measure_rigid_error(cameras, corners)}
    if known is not None:
        details["truth"] = compare_to_truth(named, known)
        _log_truth(details["truth"], units)
    write_table(table, "calibration", quality, details)
    write_calibration(named, output, units, {key: value for key, value in details.items() if key not in ("units", "truth")})


def _log_quality(table: pd.DataFrame, error: float) -> None:
    log.info("mean reprojection error %.3f px\n%s", error, table.round(3).to_string(index=False))
    for row in table.itertuples():
        if row.coverage < _LOW_COVERAGE:
            log.warning(
                "camera %s: the board covered only %.0f %% of the picture; move it into the corners", row.camera, 100 * row.coverage
            )
        if row.depth_range > _FLAT_DEPTH:
            log.warning(
                "camera %s: the board hardly changed its distance, so a small error proves little; move it nearer and farther", row.camera
            )


def _log_truth(truth: Mapping[str, Mapping[str, float]], units: str) -> None:
    for camera, row in truth.items():
        log.info(
            "camera %s: centre %.2f %s (%.2f %%) from the truth, %.2f %s (%.2f %%) after alignment, focal length %+.2f %%",
            camera, row["distance"], units, row["percent"], row["aligned"], units, row["aligned_percent"], row["focal_percent"],
        )  # fmt: skip
