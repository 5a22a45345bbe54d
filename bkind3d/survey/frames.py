"""Frames: undistorted square windows around the subject, each with its silhouette and its camera matrix.

Lens distortion ends here: every stored picture is exactly what a distortion-free camera with the stored 3x4 matrix sees.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from jaxtyping import UInt8
from numpy.typing import NDArray

from bkind3d.config import FramesConfig, InputError
from bkind3d.data.calibration_files import fit_camera_to_survey, read_calibration
from bkind3d.data.calibration_formats import require_cameras
from bkind3d.data.crops import View, read_part
from bkind3d.data.cubes import read_cube
from bkind3d.data.parquet import read_metadata, read_table, write_table
from bkind3d.data.progress import track
from bkind3d.data.video import Video, decode_frames, describe_files, list_files
from bkind3d.geometry.cameras import Array, Camera
from bkind3d.geometry.lenses import project_through_lens, undistorted_window
from bkind3d.survey.silhouettes import decode_mask, encode_mask, read_silhouettes
from bkind3d.survey.synchronisation import CameraOffset

log = logging.getLogger(__name__)

_PROJECTION = [f"p{row}{column}" for row in range(3) for column in range(4)]


@dataclass(frozen=True)
class FrameSources:
    """The files that frames are cut from: video and survey of one camera, calibration and location of the session, the study's cube.

    Of the video's pictures, the part is taken that was surveyed; of its silhouettes, those are others that other views revised.
    """

    video: Video
    calibration: str | Path
    survey: str | Path
    location: str | Path
    cube: str | Path
    silhouettes: str | Path | None = None


def extract_frames(sources: FrameSources, camera_name: str, config: FramesConfig, output: str | Path, threads: int = 1) -> None:
    """Cut the windows of one camera and write the table ``frames`` to `output`.

    Pictures are stored as JPEG (RGB after decoding with OpenCV and ``COLOR_BGR2RGB``), silhouettes as PNG (0 or 255). A frame is ``valid``
    where the subject is located, and this camera sees it: its centre lies in the picture, and something of its silhouette in the window
    (not so while the camera is blocked, say). Others hold no picture, except those of a fixed window.
    """
    cv2.setNumThreads(threads)
    cameras, _ = read_calibration(sources.calibration)
    require_cameras(cameras, [camera_name], sources.calibration, "name the cameras alike in sheet and calibration")
    location, place = read_table(sources.location, "location"), read_metadata(sources.location)
    if place.get("failed"):
        raise InputError("", str(place["failed"]))
    survey, metadata = read_table(sources.survey, "survey", ["frame", "time_s", "video_frame"]), read_metadata(sources.survey)
    if not np.array_equal(survey["frame"], location["frame"]):
        raise InputError(
            sources.location,
            f"has {len(location)} frames that are not those of {sources.survey} ({len(survey)})",
            "locate the subject again",
        )
    side = read_cube(sources.cube, str(place.get("units", "")))
    offset = place.get("offsets", {}).get(camera_name)
    # Every frame of the session gets what the camera shows so many frames later, and no picture beyond its ends.
    survey["mask"] = read_silhouettes(sources.survey, camera_name, sources.silhouettes).to_numpy()
    moved = survey[["video_frame", "mask"]].shift(-CameraOffset(*offset).shift if offset else 0)
    survey = survey.assign(video_frame=moved["video_frame"].fillna(-1).astype(np.int64), mask=moved["mask"])
    part = read_part(metadata)
    view = View(tuple(list_files(sources.video)), part.crop if part else None)
    camera = fit_camera_to_survey(cameras[camera_name], metadata, sources.calibration)
    survey_size = (int(metadata["width"]), int(metadata["height"]))
    kept = slice(None, None, config.step)
    table = _plan_windows(location.iloc[kept].reset_index(drop=True), camera, config, side)
    since = place.get("left_out", {}).get(camera_name)
    if since is not None:
        log.warning("%s: camera %s contradicts the others, and is left out from frame %d on", sources.location, camera_name, since)
        gone = table["frame"] >= since
        table.loc[gone, "valid"], table.loc[gone, _PROJECTION] = False, np.nan
    _warn_of_width(location, camera, side, sources.location)
    table = pd.concat([table, survey[["time_s", "video_frame", "mask"]].iloc[kept].reset_index(drop=True)], axis=1)
    if len(table) and table["valid"].sum() == 0:
        log.warning("%s: camera %s sees the subject in no frame", sources.location, camera_name)
    table["image"], table["mask"] = _cut_windows(view, table, camera, survey_size, config, threads)
    table["valid"] &= table["image"].map(len) > 0
    details = {
        "size": config.size, "margin": config.margin, "window": config.window, "step": config.step, "side": side,
        "camera": camera_name, "session": Path(sources.location).stem, "units": place.get("units", ""), "rate": float(metadata["rate"]),
        "agreement": place.get("agreement", {}).get(camera_name),
    }  # fmt: skip
    write_table(table.drop(columns=["video_frame"]), "frames", output, details)
    log.info("%s: %d windows, %.1f %% valid", output, len(table), 100 * table["valid"].mean())


def window_matrix(camera: Camera, config: FramesConfig, centre: Array, side: float) -> Array:
    """(3, 3) intrinsics of the window's camera, which looks the way `camera` does.

    Window "subject": `side` (world units) at the depth of `centre` spans `size` pixels, and `centre` (3, world) projects to
    the window's middle. Window "fixed": the picture's longer side spans `size` pixels, its middle is the window's.
    """
    middle = (window_side(config) - 1) / 2
    if config.window == "fixed":
        zoom = config.size / max(camera.size)
        focal = zoom * camera.matrix[[0, 1], [0, 1]]
        principal = middle + zoom * (camera.matrix[:2, 2] - (np.array(camera.size) - 1) / 2)
    else:
        x, y, depth = camera.rotation @ centre + camera.translation
        focal = np.full(2, config.size * depth / side)
        principal = middle - focal * np.array([x, y]) / depth
    return np.array([[focal[0], 0, principal[0]], [0, focal[1], principal[1]], [0, 0, 1]])


def window_side(config: FramesConfig) -> int:
    """Side of the stored pictures, pixels."""
    return round(config.size * config.margin)


def _plan_windows(location: pd.DataFrame, camera: Camera, config: FramesConfig, side: float) -> pd.DataFrame:
    """Per frame the cube's centre, the 3x4 matrix of the window, and whether this camera sees the centre."""
    centres = location[["x", "y", "z"]].to_numpy(np.float64)
    pixels = project_through_lens(camera, centres)
    inside = ((pixels >= -0.5) & (pixels <= np.array(camera.size) - 0.5)).all(axis=1)
    valid = location["valid"].to_numpy(bool) & inside
    matrices = np.full((len(location), 12), np.nan)
    for index in np.flatnonzero(valid | (config.window == "fixed")):
        matrices[index] = (window_matrix(camera, config, centres[index], side) @ camera.extrinsics[:3]).ravel()
    table = location[["frame", "x", "y", "z"]].copy()
    table[["width", "height"]] = window_side(config)
    table[_PROJECTION] = matrices
    table["valid"] = valid
    return table


def _warn_of_width(location: pd.DataFrame, camera: Camera, side: float, name: str | Path) -> None:
    """Say in the log where a cube is usually wider than the camera's picture."""
    centres = location.loc[location["valid"], ["x", "y", "z"]].to_numpy(np.float64)
    depths = centres @ camera.rotation[2] + camera.translation[2]
    if len(depths) and (width := side * camera.matrix[0, 0] / float(np.median(depths))) > max(camera.size):
        what = "%s: the cube is wider (%.0f px) than the picture of camera %s (%d px): is it as large as the subject (location.side)?"
        log.warning(what, name, width, camera.name, max(camera.size))


def _cut_windows(
    video: Video, table: pd.DataFrame, camera: Camera, survey_size: tuple[int, int], config: FramesConfig, threads: int
) -> tuple[list[bytes], list[bytes]]:
    """JPEG and PNG of every row's window; empty where it has no matrix or the video lacks the frame."""
    planned = np.isfinite(table[_PROJECTION].to_numpy()).all(axis=1) & (table["video_frame"].to_numpy() >= 0)
    rows = {int(frame): index for index, frame in enumerate(table["video_frame"]) if planned[index]}
    wanted = set(rows)
    images, masks = [b""] * len(table), [b""] * len(table)
    decoded = decode_frames(video, wanted=wanted.__contains__, threads=threads)
    for video_frame, _, picture in track(decoded, describe_files(video), len(wanted), "frame"):
        if (picture.shape[1], picture.shape[0]) != camera.size:
            raise InputError(
                describe_files(video),
                f"is {picture.shape[1]}x{picture.shape[0]}, its survey was made at {camera.size[0]}x{camera.size[1]}",
                "survey it again",
            )
        index = rows.pop(video_frame)
        # The window's 3x4 matrix, whose rotation is the camera's, without it.
        matrix = table.loc[index, _PROJECTION].to_numpy(np.float64).reshape(3, 4)[:, :3] @ camera.rotation.T
        matrix /= matrix[2, 2]
        cut = _cut_window(picture, table.at[index, "mask"], camera, matrix, survey_size, config)
        images[index], masks[index] = cut or (b"", b"")
    if rows:
        raise InputError(describe_files(video), "has fewer frames than when it was surveyed", "survey it again")
    return images, masks


def _cut_window(
    picture: UInt8[NDArray, "..."], mask: bytes, camera: Camera, matrix: Array, survey_size: tuple[int, int], config: FramesConfig
) -> tuple[bytes, bytes] | None:
    """JPEG and PNG of a window; nothing where it follows a subject that this camera does not see."""
    size = (window_side(config), window_side(config))
    window = undistorted_window(picture, camera, matrix, size)
    covered = undistorted_window(decode_mask(mask), camera.resized(survey_size), matrix, size)
    silhouette = np.where(covered > 127, 255, 0).astype(np.uint8)
    if config.window == "subject":
        silhouette = keep_central(silhouette, config.size / 2)
        if not silhouette.any():
            return None
    jpeg = cv2.imencode(".jpg", cv2.cvtColor(window, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, config.quality])[1]
    return jpeg.tobytes(), encode_mask(silhouette)


def keep_central(silhouette: UInt8[NDArray, "height width"], radius: float) -> UInt8[NDArray, "height width"]:
    """Drop the pieces of a silhouette most of which lies farther than `radius` from the middle: others, and reflections."""
    _, labels = cv2.connectedComponents(silhouette, connectivity=8)
    rows, columns = np.indices(silhouette.shape)
    near = np.hypot(rows - (silhouette.shape[0] - 1) / 2, columns - (silhouette.shape[1] - 1) / 2) <= radius
    kept = np.bincount(labels[near], minlength=labels.max() + 1) * 2 >= np.bincount(labels.ravel())
    return np.where(kept[labels], silhouette, 0).astype(np.uint8)
