"""Where every file of a study's results lies.

The rules write the same paths out, so that they can be read and pasted into a shell; a test holds them against what is here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path


class _Place:
    """A file of every study: asked for with the names in braces, in their order, its path in one."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.names = re.findall(r"\{(\w+)\}", pattern)

    def __get__(self, layout: "Layout", owner: type) -> Callable[..., Path]:
        return partial(self._find, layout.folder)

    def _find(self, folder: Path, *names: str) -> Path:
        return folder / self.pattern.format(**dict(zip(self.names, names, strict=True)))


@dataclass(frozen=True)
class Layout:
    """The files of the results in `folder`, such as ``Layout(Path("results")).keypoints("demo", "rat1")``."""

    folder: Path

    # Settings and sheets, as the stages read them. What a session is shown and handed over by: see ``study.sections``.
    settings = _Place("config/{section}.json")
    sheet = _Place("config/sheets/{sheet}.tsv")

    # Rendered recordings and their truth.
    simulated_board = _Place("simulation/recordings/{rig}_board/{camera}.mp4")
    simulated_video = _Place("simulation/recordings/{session}/{camera}.mp4")
    true_calibration = _Place("simulation/truth/{rig}/calibration.toml")
    true_joints = _Place("simulation/truth/{session}/joints.parquet")
    true_behaviours = _Place("simulation/truth/{session}/behaviours.parquet")
    true_silhouettes = _Place("simulation/truth/{session}/silhouettes.parquet")
    true_poses = _Place("simulation/truth/{session}/poses.parquet")

    # Recordings.
    calibration = _Place("calibration/{rig}.toml")
    calibration_quality = _Place("calibration/{rig}.parquet")
    survey = _Place("survey/{session}/{camera}.parquet")
    location = _Place("location/{session}.parquet")
    silhouettes = _Place("silhouettes/{session}.parquet")
    cube = _Place("cube.json")
    frames = _Place("frames/{frameset}/{session}/{camera}.parquet")
    joints = _Place("joints/{session}.parquet")

    # Experiments.
    model = _Place("experiments/{experiment}/training/model.pt")
    untrained_model = _Place("experiments/{experiment}/training/untrained.pt")
    history = _Place("experiments/{experiment}/training/history.parquet")
    edges = _Place("experiments/{experiment}/training/edges.parquet")
    keypoints = _Place("experiments/{experiment}/keypoints/{session}.parquet")
    untrained_keypoints = _Place("experiments/{experiment}/untrained/{session}.parquet")
    joint_model = _Place("experiments/{experiment}/joints/model.npz")
    joint_fit = _Place("experiments/{experiment}/joints/fit.json")
    found_joints = _Place("experiments/{experiment}/joints/{session}.parquet")
    kinematics = _Place("experiments/{experiment}/kinematics/{session}.parquet")
    movements = _Place("experiments/{experiment}/movements.parquet")
    pose = _Place("experiments/{experiment}/evaluation/pose.json")
    errors = _Place("experiments/{experiment}/evaluation/errors.parquet")
    joint_errors = _Place("experiments/{experiment}/evaluation/joints.parquet")
    actions = _Place("experiments/{experiment}/evaluation/actions.json")
    confusion = _Place("experiments/{experiment}/evaluation/confusion.parquet")

    # What is shown and handed over.
    pose_table = _Place("tables/pose.csv")
    actions_table = _Place("tables/actions.csv")
    labels_table = _Place("tables/labels.{ending}")
    figure = _Place("figures/{experiment}.{ending}")
    paper = _Place("paper/{table}.{ending}")
    report = _Place("report.html")
    session_page = _Place("sessions/{session}.html")
    doctor_page = _Place("doctor.html")
    doctor_checks = _Place("doctor.json")
    exports = _Place("exports")  # what is in this folder: ``export.formats``
    overlay_video = _Place("videos/{experiment}/{session}.mp4")
    joint_overlay_video = _Place("videos/{experiment}/joints/{session}.mp4")
    contact_sheets = _Place("contact_sheets/{experiment}")

    # What rules write without declaring it, folders: how long jobs took, what they said, and every model that was ever trained.
    benchmarks = _Place("benchmarks")
    logs = _Place("logs")
    models = _Place("models")


#: As sheets name what is in it, relative to the study's folder. They may name what begins with `SIMULATED`: rendered recordings.
NAMED = Layout(Path("results"))
SIMULATED = "results/simulation/"
#: Where labels lie, relative to the study's folder: SESSION.tsv. They are a session's joints where the sheet names none.
LABELS = "config/labels/"
