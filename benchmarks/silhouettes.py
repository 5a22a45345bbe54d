"""``python -m benchmarks.silhouettes SCENE... --folder FOLDER``: how good silhouettes, centre and cube are in rooms that nobody tuned for.

Every scene of :mod:`benchmarks.scenes` is a study of short takes in which the subject rests for half of the time. It is surveyed and located by
the workflow's own functions with the settings' defaults, and compared with the true silhouettes at the survey's resolution. An oracle
stands beside: the true silhouette, shrunk alike and shifted by half a pixel. Rendered recordings stay in the folder; pictures of what was
found (white: right, red: not the subject, blue: missed) are written to ``FOLDER/pictures``. ``--short`` takes every eighth frame.
"""

import argparse
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from jaxtyping import Bool, UInt8
from numpy.typing import NDArray

from bkind3d.data.cubes import read_cube
from bkind3d.data.parquet import read_table
from bkind3d.data.points import read_points
from bkind3d.data.video import decode_frames
from bkind3d.evaluation.swaps import body_length
from bkind3d.study.layout import Layout
from bkind3d.study.opening import load_study
from bkind3d.study.study import Study
from bkind3d.survey.cube import measure_cube
from bkind3d.survey.location import Revision, locate_subject
from bkind3d.survey.room import RoomFiles
from bkind3d.survey.silhouettes import decode_mask, read_silhouettes
from bkind3d.survey.videos import survey_video

Mask = Bool[NDArray, "height width"]
#: The gates: share of the oracle's overlap in the median and at the 10th percentile; centre within a share of body length; share of views used; cube.
MEDIAN, TENTH, NEAR, VIEWS, CUBE, WORST = 0.90, 0.75, 0.10, 0.90, (1.0, 1.4), 0.05
#: Quantile over frames of the distance of the farthest joint from the joints' mean: half of what the body needs.
NEED = 0.97
#: Every how manieth frame is compared, and drawn.
STEP, SHORT, DRAWN = 2, 8, 30


@dataclass(frozen=True)
class Take:
    """One session: its surveys by camera, its silhouettes that other views revised, where it was located, the cube of all sessions, its truth."""

    name: str
    videos: Mapping[str, Path]
    surveys: Mapping[str, Path]
    silhouettes: Path
    location: Path
    cube: Path
    truth: Path


def process_study(folder: Path) -> list[Take]:
    """Survey and locate all sessions of the study in `folder`."""
    study, takes = load_study(folder=folder), []
    for name, session in study.sessions.items():
        take = make_take(study, name)
        for camera, path in take.surveys.items():
            beside = [folder / video for video in study.find_videos_beside(name, camera)]
            survey_video(take.videos[camera], study.config.survey, path, room=RoomFiles(beside=beside))
        calibration = folder / study.find_path(study.rigs[session.rig].calibration)
        revision = Revision(study.config.survey, take.silhouettes)
        locate_subject(study.config.location, calibration, take.surveys, take.location, revision)
        takes.append(take)
    measure_cube(study.config.location, {take.name: take.location for take in takes}, takes[0].cube)
    return takes


def make_take(study: Study, name: str) -> Take:
    """Where the files of a session are; results lie beside the study's own."""
    results = Layout(study.folder / "judged")
    videos = {camera: study.folder / study.find_videos(name, camera)[0] for camera in study.cameras[name]}
    surveys = {camera: results.survey(name, camera) for camera in videos}
    return Take(name, videos, surveys, results.silhouettes(name), results.location(name), results.cube(), study.folder / "truth" / name)


def shrink(mask: UInt8[NDArray, "..."], size: tuple[int, int], shift: float = 0.0) -> Mask:
    """A true silhouette at the survey's size, shifted by a part of a pixel along both axes."""
    small = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
    if shift:
        small = cv2.warpAffine(small, np.array([[1, 0, shift], [0, 1, shift]], np.float32), size, flags=cv2.INTER_LINEAR)
    return np.asarray(small > 127)


def overlap(first: Mask, second: Mask) -> float:
    """Intersection over union; 1 where both are empty."""
    union = np.count_nonzero(first | second)
    return np.count_nonzero(first & second) / union if union else 1.0


def measure_silhouettes(take: Take, step: int) -> pd.DataFrame:
    """Overlap with the truth, of what was found and of the oracle, per frame and camera."""
    rows = []
    for camera, truth in read_table(take.truth / "silhouettes.parquet", "silhouettes").groupby("camera"):
        survey = read_silhouettes(take.surveys[str(camera)], str(camera), take.silhouettes)
        for frame, content in zip(truth["frame"].iloc[::step], truth["mask"].iloc[::step], strict=True):
            found, full = decode_mask(survey[frame]) > 0, decode_mask(content)
            size = (found.shape[1], found.shape[0])
            true = shrink(full, size)
            more, less = np.count_nonzero(found & ~true), np.count_nonzero(true & ~found)
            area = max(np.count_nonzero(true), 1)
            rows.append((take.name, camera, frame, overlap(found, true), overlap(shrink(full, size, 0.5), true), more / area, less / area))
    return pd.DataFrame(rows, columns=["session", "camera", "frame", "iou", "oracle", "more", "less"])


def measure_location(take: Take) -> dict[str, Any]:
    """Errors of the centre in body lengths, views used, and the cube's side over what the body needs."""
    joints = read_points(take.truth / "joints.parquet", "joints")
    table = read_table(take.location, "location")
    points = np.asarray(joints.positions)
    middle = points.mean(axis=1)
    errors = np.linalg.norm(table[["x", "y", "z"]].to_numpy() - middle, axis=1) / body_length(points)
    need = 2 * float(np.quantile(np.linalg.norm(points - middle[:, None], axis=2).max(axis=1), NEED))
    return {
        "session": take.name,
        "near": float((errors <= NEAR).mean()),
        "error": float(np.nanmedian(errors)),
        "views": float(table["n_views"].mean() / len(take.surveys)),
        "cube": read_cube(take.cube, "mm") / need,
    }


def draw_take(take: Take, path: Path) -> None:
    """A row for every camera, a column for every 30th frame: right is white, what is not the subject red, what was missed blue."""
    cells = []
    truth = read_table(take.truth / "silhouettes.parquet", "silhouettes").set_index(["camera", "frame"])["mask"]
    for camera, video in take.videos.items():
        survey = read_silhouettes(take.surveys[camera], camera, take.silhouettes)
        row: list[NDArray[Any]] = []
        size = decode_mask(survey.iloc[0]).shape[::-1]
        for frame in decode_frames(video, (size[0], size[1]), wanted=lambda number: number % DRAWN == 0):
            found, true = decode_mask(survey[frame.number]) > 0, shrink(decode_mask(truth[camera, frame.number]), (size[0], size[1]))
            shown = frame.picture.copy()
            for where, colour in ((found & true, (255, 255, 255)), (found & ~true, (255, 0, 0)), (true & ~found, (0, 0, 255))):
                shown[where] = shown[where] // 2 + np.array(colour, np.uint8) // 2
            row.append(shown)
        cells.append(np.hstack(row))
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(np.vstack(cells), cv2.COLOR_RGB2BGR))


def judge_scene(name: str, takes: list[Take], step: int) -> tuple[dict[str, Any], pd.DataFrame]:
    """The scene's row of the table, and one row for each session."""
    frames = pd.concat([measure_silhouettes(take, step) for take in takes])
    located = pd.DataFrame([measure_location(take) for take in takes]).set_index("session")
    sessions = frames.groupby("session")[["iou", "oracle", "more", "less"]].median().join(located)
    oracle = frames["oracle"]
    row = {
        "scene": name,
        "iou": frames["iou"].median() / oracle.median(),
        "tenth": frames["iou"].quantile(0.1) / oracle.median(),
        "oracle": oracle.median(),
        "near": located["near"].mean(),
        "error": located["error"].median(),
        "views": located["views"].mean(),
        "cube_low": located["cube"].min(),
        "cube_high": located["cube"].max(),
        "worst": sessions["iou"].max() - sessions["iou"].min(),
    }
    return row, sessions


def main() -> None:
    """Judge scenes, and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", nargs="+", help="names of scenes, or of folders of studies in FOLDER")
    parser.add_argument("--folder", type=Path, required=True, help="where recordings and results are kept")
    parser.add_argument("--short", action="store_true", help="compare every eighth frame")
    parser.add_argument("--sessions", action="store_true", help="print every session, too")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    cv2.setNumThreads(1)
    rows = []
    for name in arguments.scenes:
        study, start = arguments.folder / name, time.process_time()
        takes = process_study(study)
        row, sessions = judge_scene(name, takes, SHORT if arguments.short else STEP)
        for take in takes:
            draw_take(take, arguments.folder / "pictures" / name / f"{take.name}.png")
        rows.append(row)
        if arguments.sessions:
            print(sessions.round(3).to_string())
        logging.getLogger(__name__).warning("%s: %.0f s of processor", name, time.process_time() - start)
    print(json.dumps(rows, indent=1) if arguments.json else pd.DataFrame(rows).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
