"""A study of which a session can be handed over: two cameras, one of which started late, and a moment without the subject."""

import json
import os
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml

from bkind3d.data.calibration_files import write_calibration
from bkind3d.data.parquet import TABLES, write_table
from bkind3d.export.sessions import open_session
from bkind3d.geometry.cameras import Camera
from bkind3d.study.opening import load_study

FRAMES, RATE, SIZE = 20, 25, (96, 64)
OWN, NAMES = ["k00", "k01", "k02", "k03"], ["nose", "k01", "tail_base", "k03"]
#: Frames without the subject, and frames that the second camera missed at its start.
LOST, LATE = [5, 6], 3


def make_camera(name, angle, distortion):
    centre = 100 * np.array([np.cos(angle), np.sin(angle), 0.5])
    forward = -centre / np.linalg.norm(centre)
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    matrix = np.array([[130.0, 0, 48.5], [0, 128.0, 31.0], [0, 0, 1]])
    return Camera(name, SIZE, matrix, np.array(distortion), rotation, -rotation @ centre)


CAMERAS = {
    "cam1": make_camera("cam1", 0.3, [-0.2, 0.05, 0.001, -0.002, 0.0]),
    "cam2": make_camera("cam2", 1.9, [0.1, 0.0, 0.0, 0.0, 0.0]),
}


def make_positions():
    """(frame, keypoint, 3) in centimetres: a body that walks along x, its nose ahead."""
    time = np.arange(FRAMES)[:, None]
    offsets = np.array([6.0, 1.0, -6.0, 0.0])
    points = np.stack([0.4 * time + offsets, 0.1 * np.sin(time + offsets), 2 + 0.01 * time + 0 * offsets], axis=-1).astype(np.float32)
    points[LOST] = np.nan
    return points


def make_confidences():
    confidences = np.random.default_rng(0).uniform(0.1, 1, (FRAMES, len(OWN))).astype(np.float32)
    confidences[LOST] = 0
    return confidences


def project_with_opencv(camera, points):
    """(..., 2) pixels of (..., 3) points, by OpenCV alone."""
    flat = points.reshape(-1, 3).astype(np.float64)
    pixels = cv2.projectPoints(flat, cv2.Rodrigues(camera.rotation)[0], camera.translation, camera.matrix, camera.distortion)[0]
    return pixels.reshape(*points.shape[:-1], 2)


def write_results(folder):
    results = folder / "results"
    table = pd.DataFrame({"frame": np.repeat(np.arange(FRAMES), len(OWN)), "keypoint": OWN * FRAMES})
    table["time_s"] = table["frame"] / RATE
    table[["x", "y", "z"]] = make_positions().reshape(-1, 3)
    table["confidence"] = make_confidences().ravel()
    table[["spread", "reprojection_px"]] = [0.25, 0.5]
    table.loc[table["x"].isna(), ["spread", "reprojection_px"]] = np.nan
    about = {"units": "cm", "rate": RATE, "model": "abc", "n_views": 2}
    write_table(table, "keypoints", results / "experiments" / "one" / "keypoints" / "s1.parquet", about)
    edges = pd.DataFrame([("k00", "k01", 1.0), ("k01", "k02", 0.8), ("k00", "k02", 0.5), ("k02", "k03", 0.4)])
    edges.columns = ["keypoint_a", "keypoint_b", "weight"]
    write_table(edges, "edges", results / "experiments" / "one" / "training" / "edges.parquet")
    write_calibration(CAMERAS, results / "calibration" / "box.toml", "cm")
    for name, late in (("cam1", 0), ("cam2", LATE)):
        survey = pd.DataFrame({column: 0 for column in TABLES["survey"]}, index=range(FRAMES))
        numbers = np.where(np.arange(FRAMES) >= late, np.arange(FRAMES) - late, -1)
        survey = survey.assign(frame=range(FRAMES), video_frame=numbers, fault="", mask=b"", shadows=b"", clusters=[[]] * FRAMES)
        about = {"video_width": SIZE[0], "video_height": SIZE[1], "rate": RATE, "n_frames": FRAMES - late}
        write_table(survey, "survey", results / "survey" / "s1" / f"{name}.parquet", about)


@pytest.fixture
def study_folder(tmp_path, write_video):
    """A finished study; sessions s1 (with keypoints) and s2 (without)."""
    (tmp_path / "config").mkdir()
    more = "age\tspecies\tsession_start_time"
    sheets = {
        "sessions": f"session\tsubject\trig\tsplit\t{more}\ns1\tm1\tbox\ttrain\tP90D\tMus musculus\t2026-05-31T14:30:00+02:00\ns2\tm2\tbox\t\t\t\t\n",
        "cameras": "session\tcamera\tvideo\n" + "".join(f"{s}\t{c}\t{s}/{c}.mp4\n" for s in ("s1", "s2") for c in CAMERAS),
        "rigs": "rig\tunits\tcalibration\tboard\tboard_videos\nbox\tcm\tbox.toml\t\t\n",
    }
    for name, text in sheets.items():
        (tmp_path / "config" / f"{name}.tsv").write_text(text)
    naming = {"model": "abc", "keypoints": {"k00": "nose", "k02": "tail_base"}}
    experiment = {"frames": "subject", "model": {"n_keypoints": 4, "n_symmetric_pairs": 0}, "naming": naming}
    (tmp_path / "config" / "config.yaml").write_text(yaml.safe_dump({"recordings": "rec", "experiments": {"one": experiment}}))
    picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    for session in ("s1", "s2"):
        for camera in CAMERAS:
            write_video(tmp_path / "rec" / session / f"{camera}.mp4", [picture] * (FRAMES - LATE * (camera == "cam2")), rate=RATE)
    write_calibration(CAMERAS, tmp_path / "rec" / "box.toml", "cm")
    write_results(tmp_path)
    return tmp_path


@pytest.fixture
def session(study_folder):
    return open_session(load_study(folder=study_folder), "one", "s1")


@pytest.fixture
def read_elsewhere():
    """Runs a script in an environment of its own, whose python a variable names; what it prints as JSON is the answer."""

    def read(variable: str, script: str, *arguments: object) -> dict:
        python = os.environ.get(variable)
        if not python or not Path(python).exists():
            pytest.skip(f"{variable} names no python with this library; it needs an environment of its own (docs/hand-over.md)")
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"MPLBACKEND": "agg"}
        command = [python, "-P", "-c", script, *map(str, arguments)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout.splitlines()[-1])

    return read
