"""``python -m benchmarks.contradictions STUDY``: cameras of a finished study that are made to contradict the others, and what is said of each.

STUDY is the demo's folder, or any with surveys and a calibration; one of its sessions is located with each fault, and with none.
"""

# One row, one fault.
# ruff: noqa: E501
import argparse
import logging
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd

from bkind3d.config import InputError, LocationConfig
from bkind3d.data.calibration_files import read_calibration, write_calibration
from bkind3d.data.parquet import read_metadata, read_table, write_table
from bkind3d.geometry.cameras import Array, Camera
from bkind3d.survey.location import CLUSTER_NUMBERS, locate_subject
from bkind3d.survey.silhouettes import decode_mask, encode_mask

Cameras, Surveys = dict[str, Camera], dict[str, Path]
FLIP = np.diag([1.0, -1.0, -1.0])
BOX = ["box_x0", "box_y0", "box_x1", "box_y1"]


class Rig(NamedTuple):
    """Cameras, surveys by camera, and a folder for what is changed."""

    cameras: Cameras
    surveys: Surveys
    folder: Path


def change_survey(rig: Rig, name: str, matrix: Array, since: int = 0) -> Surveys:
    """Surveys in which the pictures of a camera are moved by a (2, 3) `matrix` that mirrors or shifts, from a frame on."""
    table, metadata = read_table(rig.surveys[name], "survey").copy(), read_metadata(rig.surveys[name])

    def move_mask(content: bytes) -> bytes:
        mask = decode_mask(content)
        return encode_mask(cv2.warpAffine(mask, matrix, mask.shape[::-1], flags=cv2.INTER_NEAREST))

    def move_clusters(numbers: Array) -> Array:
        found = np.asarray(numbers, np.float64).reshape(-1, CLUSTER_NUMBERS).copy()
        for first in (1, 3, 5):
            found[:, first : first + 2] = found[:, first : first + 2] @ matrix[:, :2].T + matrix[:, 2]
        found[:, [3, 5]] = np.sort(found[:, [3, 5]], axis=1)
        return found.ravel()

    rows = table.index[since:]
    table.loc[rows, "mask"] = pd.Series([move_mask(content) if len(content) else content for content in table.loc[rows, "mask"]], rows)
    table.loc[rows, "clusters"] = pd.Series([move_clusters(numbers) for numbers in table.loc[rows, "clusters"]], rows)
    first = np.array([np.asarray(numbers)[3:7] if len(numbers) else [np.nan] * 4 for numbers in table["clusters"]])
    table[BOX] = np.where(np.isfinite(first), first, table[BOX].to_numpy())
    return rig.surveys | {name: save(rig, name, table, metadata)}


def save(rig: Rig, name: str, table: pd.DataFrame, metadata: Mapping[str, object]) -> Path:
    """Write a changed survey."""
    write_table(table, "survey", rig.folder / f"{name}.parquet", dict(metadata))
    return rig.folder / f"{name}.parquet"


def mirror(rig: Rig, *names: str) -> Surveys:
    """Mirrored videos."""
    surveys = rig.surveys
    for name in names:
        edge = float(read_metadata(rig.surveys[name])["width"]) - 1
        surveys = change_survey(rig._replace(surveys=surveys), name, np.array([[-1.0, 0, edge], [0, 1, 0]]))
    return surveys


def delay(rig: Rig, name: str, frames: int) -> Surveys:
    """A camera that is late."""
    table, metadata = read_table(rig.surveys[name], "survey"), read_metadata(rig.surveys[name])
    late = table.iloc[np.clip(np.arange(len(table)) - frames, 0, len(table) - 1)].reset_index(drop=True)
    return rig.surveys | {name: save(rig, name, late.assign(frame=table["frame"], time_s=table["time_s"]), metadata)}


def exchange(rig: Rig, *names: str) -> Surveys:
    """Each camera has the video of the next one."""
    return rig.surveys | {name: rig.surveys[other] for name, other in zip(names, (*names[1:], names[0]), strict=True)}


def turn(camera: Camera, degrees: float, share: float) -> Camera:
    """A camera that was turned about its own vertical axis and moved by a share of its distance."""
    rotation = cv2.Rodrigues(np.array([0, np.radians(degrees), 0]))[0] @ camera.rotation
    centre = camera.centre + share * np.linalg.norm(camera.centre) * np.array([0.6, 0.6, 0.5])
    return replace(camera, rotation=rotation, translation=-rotation @ centre)


def convert(change: Callable[[Camera], Camera], *only: str) -> Callable[[Rig], tuple[Cameras, Surveys]]:
    """Change the calibration of all cameras, or of some."""
    return lambda rig: ({name: change(camera) if not only or name in only else camera for name, camera in rig.cameras.items()}, rig.surveys)


def spoil(change: Callable[[Rig], Surveys]) -> Callable[[Rig], tuple[Cameras, Surveys]]:
    """Change what was filmed."""
    return lambda rig: (rig.cameras, change(rig))


def shift(since: int, columns: float = 25, rows: float = -15) -> Callable[[Rig], tuple[Cameras, Surveys]]:
    """A camera that is pushed at a frame: its picture moves, as if it had turned."""
    return spoil(lambda rig: change_survey(rig, "cam2", np.array([[1.0, 0, columns], [0, 1, rows]]), since))


#: What is wrong, and words that have to be said; none on clean recordings.
FAULTS: dict[str, tuple[Callable[[Rig], tuple[Cameras, Surveys]], str]] = {
    "nothing": (lambda rig: (rig.cameras, rig.surveys), ""),
    "poses camera to world": (convert(lambda c: replace(c, rotation=c.rotation.T, translation=c.centre)), "the poses are camera to world"),
    "rotations transposed": (convert(lambda c: replace(c, rotation=c.rotation.T)), "the rotations are transposed"),
    "positions for translations": (convert(lambda c: replace(c, translation=c.centre)), "the translations are the cameras' positions"),
    "OpenGL's axes": (convert(lambda c: replace(c, rotation=FLIP @ c.rotation, translation=FLIP @ c.translation)), "OpenGL's"),
    "OpenGL's axes, camera to world": (convert(lambda c: replace(c, rotation=(FLIP @ c.rotation).T, translation=-(FLIP @ c.rotation).T @ (FLIP @ c.translation))), "camera to world, of cameras with OpenGL's axes"),
    "translations with the wrong sign": (convert(lambda c: replace(c, translation=-c.translation)), "have the wrong sign"),
    "matrices of pictures of half the size": (convert(lambda c: replace(c, matrix=np.diag([0.5, 0.5, 1]) @ c.matrix)), "half the size"),
    "degrees for radians, short vectors": (convert(lambda c: replace(c, rotation=cv2.Rodrigues(np.degrees(cv2.Rodrigues(c.rotation)[0]))[0])), "no two cameras agree"),
    "all videos mirrored": (spoil(lambda rig: mirror(rig, *rig.surveys)), "all videos were mirrored"),
    "one mirrored": (spoil(lambda rig: mirror(rig, "cam2")), "camera cam2 is mirrored"),
    "two mirrored": (spoil(lambda rig: mirror(rig, "cam2", "cam3")), "camera cam3 is mirrored"),
    "two exchanged": (spoil(lambda rig: exchange(rig, "cam2", "cam3")), "cam2 as cam3, cam3 as cam2"),
    "three exchanged in a circle": (spoil(lambda rig: exchange(rig, "cam1", "cam2", "cam3")), "cam1 as cam2, cam2 as cam3, cam3 as cam1"),
    "one file twice": (spoil(lambda rig: rig.surveys | {"cam2": rig.surveys["cam3"]}), "cam2 and cam3 show the same video"),
    "100 frames late": (spoil(lambda rig: delay(rig, "cam2", 100)), "camera cam2 shows moments +100 frames later"),
    "moved since, 3 degrees and 3 %": (convert(lambda c: turn(c, 3, 0.03), "cam2"), "camera cam2 was moved since"),
    "moved since, 8 degrees and 10 %": (convert(lambda c: turn(c, 8, 0.1), "cam2"), "camera cam2 was moved since"),
    "moved at frame 60 of 300": (shift(60), "camera cam2 was moved at about frame 60"),
    "moved at frame 150": (shift(150), "camera cam2 was moved at about frame 150"),
    "moved at frame 250": (shift(250), "camera cam2 was moved at about frame 250"),
}  # fmt: skip


def judge(rig: Rig, change: Callable[[Rig], tuple[Cameras, Surveys]]) -> str:
    """What is said of contradictions."""
    cameras, surveys = change(rig)
    write_calibration(cameras, rig.folder / "rig.toml", "mm")
    try:
        locate_subject(LocationConfig(), rig.folder / "rig.toml", surveys, rig.folder / "location.parquet")
    except InputError as error:
        return f"refused: {error.what}"
    return "; ".join(read_metadata(rig.folder / "location.parquet")["contradictions"])


def main() -> None:
    """Print a row for each fault."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.contradictions", description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("--session", default="rat5")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    results = arguments.study / "results"
    cameras, _ = read_calibration(results / "calibration" / "arena.toml")
    surveys = {name: results / "survey" / arguments.session / f"{name}.parquet" for name in cameras}
    for name, (change, expected) in FAULTS.items():
        with tempfile.TemporaryDirectory() as folder:
            said = judge(Rig(cameras, surveys, Path(folder)), change)
        right = expected in said if expected else not said
        print(f"| {name} | {said} | {'right' if right else 'wrong'} |", flush=True)


if __name__ == "__main__":
    main()
