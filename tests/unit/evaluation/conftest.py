"""A tiny animal: joints that move and turn, and keypoints that are a linear function of them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bkind3d.data.parquet import write_table
from bkind3d.data.points import Points
from bkind3d.data.results import UNTRAINED
from bkind3d.evaluation.recordings import Recording

RATE = 25.0
JOINTS = ("nose", "neck", "back", "rump", "paw_left", "paw_right")
KEYPOINTS = ("a", "b", "c", "d")
#: What files of keypoints say of themselves.
STATED = {"units": "mm", "n_views": 4, "encoder": "resnet18", "perceptual": "pyramid"}


@dataclass
class Scene:
    """Poses of one session; joints are an exact linear function of the keypoints, relative to the keypoints' centroid."""

    joints: np.ndarray
    keypoints: np.ndarray
    untrained: np.ndarray
    frames: np.ndarray
    behaviours: np.ndarray = field(default_factory=lambda: np.array([]))


def make_scene(n_frames: int, seed: int) -> Scene:
    """Keypoints move at random but smoothly; each joint is a fixed mixture of the keypoints that is the same in all scenes."""
    generator = np.random.default_rng(seed)
    steps = generator.normal(size=(n_frames + 8, len(KEYPOINTS), 3)) * 60
    smooth = np.stack([steps[i : i + 8].mean(axis=0) for i in range(n_frames)])
    keypoints = smooth + np.array([[60, 0, 5], [-60, 5, 0], [20, 30, -10], [10, -30, -10]])
    mixture = np.random.default_rng(9).dirichlet(np.ones(len(KEYPOINTS)), size=len(JOINTS))
    joints = np.einsum("jk,fkc->fjc", mixture, keypoints)
    return Scene(joints, keypoints, generator.normal(size=keypoints.shape) * 5, np.arange(n_frames))


def make_points(names: tuple[str, ...], positions: np.ndarray, frames: np.ndarray | None = None, **metadata: object) -> Points:
    numbers = np.arange(len(positions)) if frames is None else frames
    return Points(names, numbers, numbers / RATE, positions, metadata)


def make_recording(
    session: str, split: str, scene: Scene, subject: str = "", untrained: Points | None | str = "", **changes: object
) -> Recording:
    if untrained == "":
        untrained = make_points(KEYPOINTS, scene.untrained, scene.frames, **STATED)
    fields: dict = {
        "session": session,
        "subject": subject or session,
        "split": split,
        "extent": (0, float("inf")),
        "source": session,
        "columns": {},
        "points": {"bkind3d": make_points(KEYPOINTS, scene.keypoints, scene.frames, **STATED)}
        | ({UNTRAINED: untrained} if untrained else {}),
        "joints": make_points(JOINTS, scene.joints, scene.frames, units="mm"),
        "behaviours": scene.behaviours if len(scene.behaviours) else None,
    }
    return Recording(**(fields | changes))


def write_keypoints(path: Path, positions: np.ndarray, metadata: dict | None = None) -> Path:
    n_frames, n_keypoints = positions.shape[:2]
    frame = np.repeat(np.arange(n_frames), n_keypoints)
    columns = dict(zip("xyz", positions.reshape(-1, 3).T, strict=True))
    table = pd.DataFrame({"frame": frame, "time_s": frame / RATE, "keypoint": list(KEYPOINTS) * n_frames, **columns})
    known = np.isfinite(table["x"])
    write_table(
        table.assign(confidence=known.astype(float), spread=1.0, reprojection_px=0.5), "keypoints", path, metadata or {"units": "mm"}
    )
    return path


def write_joints(path: Path, positions: np.ndarray, names: tuple[str, ...] = JOINTS, units: str = "mm") -> Path:
    n_frames = len(positions)
    columns = dict(zip("xyz", positions.reshape(-1, 3).T, strict=True))
    table = pd.DataFrame({"frame": np.repeat(np.arange(n_frames), len(names)), "joint": list(names) * n_frames, **columns})
    write_table(table, "joints", path, {"units": units})
    return path


def write_behaviours(path: Path, behaviours: np.ndarray) -> Path:
    write_table(pd.DataFrame({"frame": np.arange(len(behaviours)), "behaviour": behaviours}), "behaviours", path)
    return path


def write_sheet(path: Path, rows: list[tuple[str, str, str]], **columns: str) -> Path:
    """Rows of session, subject, split; further columns have one value for all rows."""
    lines = ["\t".join(["session", "subject", "rig", "split", "start", "stop", "joints", "behaviours", *columns])]
    lines += [
        "\t".join([session, subject, "rig", split, "", "", f"{session}.parquet", "", *columns.values()]) for session, subject, split in rows
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_experiment(path: Path, **sections: dict) -> Path:
    path.write_text(json.dumps({"frames": "subject", **sections}))
    return path


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """The functions above, by short names."""
    functions = {"scene": make_scene, "points": make_points, "recording": make_recording, "keypoints": write_keypoints}
    functions |= {"joints": write_joints, "behaviours": write_behaviours, "sheet": write_sheet, "experiment": write_experiment}
    return SimpleNamespace(**functions, joint_names=JOINTS, keypoint_names=KEYPOINTS, rate=RATE)


@pytest.fixture
def study(tmp_path: Path) -> Callable[..., dict[str, Path]]:
    """Write a train and a test session with everything; return the folder's files by kind and session."""

    def write(n_frames: int = 60) -> dict[str, Path]:
        files = {"sheet": write_sheet(tmp_path / "sessions.tsv", [("one", "s1", "train"), ("two", "s2", "test")], dose="low")}
        for number, session in enumerate(("one", "two")):
            scene = make_scene(n_frames, number)
            files[f"keypoints_{session}"] = write_keypoints(
                tmp_path / f"k_{session}.parquet", scene.keypoints, {"units": "mm", "n_views": 4}
            )
            files[f"untrained_{session}"] = write_keypoints(tmp_path / f"u_{session}.parquet", scene.untrained)
            files[f"joints_{session}"] = write_joints(tmp_path / f"j_{session}.parquet", scene.joints)
            behaviours = np.where(np.arange(n_frames) // 5 % 2 == 0, "rest", "walk")
            files[f"behaviours_{session}"] = write_behaviours(tmp_path / f"b_{session}.parquet", behaviours)
        return files

    return write
