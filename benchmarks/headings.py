"""``python -m benchmarks.headings SCENE... --folder FOLDER``: whether headings are found, in rooms and on animals that nobody tuned for.

Goes on where :mod:`benchmarks.silhouettes` ended: cuts frames around the subjects it located, finds the headings of all sessions together as a
training does, and compares them with the truth. Gates: independent fits agree in 95 % of the frames, and 98 % are within 45 degrees.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks.silhouettes import Take, make_take
from bkind3d.config import FramesConfig
from bkind3d.data.datasets import SessionFrames
from bkind3d.data.parquet import read_table
from bkind3d.networks.heading import HeadingFinder
from bkind3d.networks.heading_fit import find_headings
from bkind3d.study.opening import load_study
from bkind3d.study.study import Study
from bkind3d.survey.frames import FrameSources, extract_frames

#: The gates: share of frames in which fits agree, and in which the heading is within so many degrees of the truth.
AGREE, RIGHT, DEGREES = 0.95, 0.98, 45.0


def cut_frames(study: Study, take: Take) -> SessionFrames:
    """The frames of a session; they are cut anew where the location is newer."""
    calibration = study.folder / study.find_path(study.rigs[study.sessions[take.name].rig].calibration)
    paths = []
    for camera, survey in take.surveys.items():
        paths.append(take.location.parent.parent / "frames" / take.name / f"{camera}.parquet")
        if not paths[-1].exists() or paths[-1].stat().st_mtime < take.location.stat().st_mtime:
            sources = FrameSources(take.videos[camera], calibration, survey, take.location, take.cube, take.silhouettes)
            extract_frames(sources, camera, FramesConfig(size=64), paths[-1])
    return SessionFrames(paths)


def measure_turns(session: SessionFrames, headings: Any, poses: Path) -> Any:
    """By how many degrees, -180 to 180, the headings of the usable frames are off."""
    true = read_table(poses, "poses").set_index("frame").loc[session.frames, "heading"].to_numpy()
    return np.degrees(np.angle(np.exp(1j * (headings - true))))[session.usable]


def judge_scene(name: str, folder: Path, seed: int) -> dict[str, Any]:
    """The scene's row of the table."""
    study = load_study(folder=folder)
    takes = [make_take(study, session) for session in study.sessions]
    sessions, finder = [cut_frames(study, take) for take in takes], HeadingFinder()
    found = find_headings(finder, sessions, seed)
    off = [
        measure_turns(session, found[session.session], take.truth / "poses.parquet") for session, take in zip(sessions, takes, strict=True)
    ]
    right = [float((np.abs(turns) <= DEGREES).mean()) for turns in off]
    return {
        "scene": name,
        "frames": sum(map(len, off)),
        "agree": float(finder.agreement),
        "right": float((np.abs(np.concatenate(off)) <= DEGREES).mean()),
        "worst session": min(right),
        "median off": float(np.median(np.abs(np.concatenate(off)))),
    }


def main() -> None:
    """Judge scenes, and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", nargs="+", help="names of scenes, or of folders of studies in FOLDER")
    parser.add_argument("--folder", type=Path, required=True, help="where benchmarks.silhouettes kept its results")
    parser.add_argument("--seed", type=int, default=0, help="of the fits")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = pd.DataFrame([judge_scene(name, arguments.folder / name, arguments.seed) for name in arguments.scenes])
    rows["reached"] = (rows["agree"] >= AGREE) & (rows["right"] >= RIGHT)
    print(rows.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
