"""The survey of a video: per frame its time, faults, motion and silhouettes, decoded twice in order, never more."""

import base64
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from bkind3d.config import InputError, SurveyConfig
from bkind3d.data.parquet import write_table
from bkind3d.data.video import VideoInfo, decode_frames, probe_video
from bkind3d.survey.background import Background, model_background
from bkind3d.survey.frame_maps import choose_frames
from bkind3d.survey.silhouettes import encode_mask, find_silhouettes

log = logging.getLogger(__name__)

#: A frame darker than this on average (grey levels) shows nothing.
_BLACK = 6.0
#: A frame that differs from the one before by less than this on average (grey levels) repeats it.
_FROZEN = 1e-3
#: With silhouettes in a smaller share of the frames than this, the subject is likely to be part of the background.
_FEW = 0.5
_EMPTY = np.zeros((0, 7))


def survey_video(
    path: str | Path,
    config: SurveyConfig,
    output: str | Path,
    frame_map: str | Path | None = None,
    start: int | None = None,
    stop: int | None = None,
    threads: int = 1,
) -> None:
    """Survey the video at `path` and write the table ``survey`` to `output`.

    Parameters
    ----------
    path : the video.
    config : how.
    output : the Parquet file.
    frame_map, start, stop : which frames belong to the session, see :func:`bkind3d.survey.frame_maps.choose_frames`.
    threads : of the decoder.
    """
    cv2.setNumThreads(threads)
    info = probe_video(path)
    frames = choose_frames(info.n_frames, frame_map, start, stop)
    size = survey_size(info, config.long_side)
    shown = frames[frames[:, 1] >= 0]
    spread = set(shown[np.linspace(0, len(shown) - 1, min(config.background_frames, len(shown))).round().astype(int), 1].tolist())
    background = model_background(
        np.stack([frame.picture for frame in decode_frames(path, size, wanted=spread.__contains__, threads=threads)]), config
    )
    table = _survey_frames(path, size, background, config, frames, threads)
    metadata = {
        "width": size[0],
        "height": size[1],
        "video_width": info.width,
        "video_height": info.height,
        "rate": info.rate,
        "n_frames": info.n_frames,
        "video": Path(path).name,
        "background": base64.b64encode(cv2.imencode(".png", cv2.cvtColor(background.picture, cv2.COLOR_RGB2BGR))[1].tobytes()).decode(),
    }
    write_table(table, "survey", output, metadata)
    faults = table["fault"].value_counts().drop("", errors="ignore").to_dict()
    share = float((table["area"] > 0).mean())
    log.info("%s: %d frames, silhouettes in %.1f %%, faults: %s", path, len(table), 100 * share, faults or "none")
    if share < _FEW:
        log.warning("%s: little moves here; a subject that keeps its place is taken for background, and cannot be located", path)


def survey_size(info: VideoInfo, long_side: int) -> tuple[int, int]:
    """(width, height) of the survey picture: the video's, shrunk to `long_side` where it is larger."""
    scale = min(1.0, long_side / max(info.width, info.height))
    return max(1, round(info.width * scale)), max(1, round(info.height * scale))


def _survey_frames(
    path: str | Path, size: tuple[int, int], background: Background, config: SurveyConfig, frames: NDArray[np.int64], threads: int
) -> pd.DataFrame:
    """One row per frame of the session; frames that the video lacks have the fault "missing"."""
    wanted = {int(video_frame) for video_frame in frames[:, 1] if video_frame >= 0}
    previous: NDArray[np.uint8] | None = None
    found: dict[int, dict[str, Any]] = {}
    decoded = decode_frames(path, size, wanted=wanted.__contains__, threads=threads)
    for index, time_s, picture in tqdm(decoded, total=len(wanted), desc=Path(path).stem, unit="frame", disable=None):
        luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        row = _describe_frame(luma, previous)
        silhouettes = find_silhouettes(picture, background, config) if row["fault"] != "black" else None
        clusters = _EMPTY if silhouettes is None else silhouettes.clusters
        mask = np.zeros(luma.shape, np.uint8) if silhouettes is None else silhouettes.mask
        found[index] = {"time_s": time_s, **row, **_describe_clusters(clusters), "mask": encode_mask(mask)}
        previous = luma
    missing = {"time_s": np.nan, "brightness": np.nan, "motion": np.nan, "fault": "missing", **_describe_clusters(_EMPTY), "mask": b""}
    rows: Iterable[dict[str, Any]] = (
        {"frame": frame, "video_frame": shown, **found.get(shown, missing)} for frame, shown in frames.tolist()
    )
    table = pd.DataFrame(list(rows))
    if len(found) < len(wanted):
        raise InputError(f"{path}: only {len(found)} of {len(wanted)} frames can be decoded; copy or convert it again")
    # Missing frames lie between their neighbours in time.
    table["time_s"] = table["time_s"].interpolate(limit_direction="both") - table["time_s"].min()
    return table


def _describe_frame(luma: NDArray[np.uint8], previous: NDArray[np.uint8] | None) -> dict[str, Any]:
    brightness = float(luma.mean())
    motion = 0.0 if previous is None else float(cv2.absdiff(luma, previous).mean())
    fault = "black" if brightness < _BLACK else "frozen" if previous is not None and motion < _FROZEN else ""
    return {"brightness": brightness, "motion": motion, "fault": fault}


def _describe_clusters(clusters: NDArray[np.float64]) -> dict[str, Any]:
    """The largest cluster in the table's columns, and all of them as one list of 7 numbers each."""
    first = clusters[0] if len(clusters) else np.array([0.0] + 6 * [np.nan])
    names = ("area", "centroid_x", "centroid_y", "box_x0", "box_y0", "box_x1", "box_y1")
    return {**dict(zip(names, first.tolist(), strict=True)), "clusters": clusters.ravel().tolist()}
