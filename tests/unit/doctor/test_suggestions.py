"""What silhouettes suggest: how far apart the moments of a pair are, and how large the cube is."""

import re

import cv2
import numpy as np
import pandas as pd
import pytest

from bkind3d.config import ExperimentConfig, parse_section
from bkind3d.data.parquet import write_table
from bkind3d.doctor.suggestions import Measured, check_memory, check_pairs, judge_memory, measure_changes, suggest_settings
from bkind3d.study.opening import load_study
from bkind3d.survey.silhouettes import encode_mask
from tests.workflow.tiny_study import write_study

RATE = 20.0


def make_experiment(preset: str = "bkind3d", **training: object) -> ExperimentConfig:
    return parse_section(ExperimentConfig, {"preset": preset, "frames": "subject", "training": training}, "test")


def write_survey(path, masks):
    n = len(masks)
    columns = {
        name: np.zeros(n) for name in ("brightness", "motion", "area", "centroid_x", "centroid_y", "box_x0", "box_y0", "box_x1", "box_y1")
    }
    table = pd.DataFrame({"frame": range(n), "time_s": np.arange(n) / RATE, **columns, "fault": "", "mask": masks, "video_frame": range(n)})
    table["clusters"], table["shadows"] = [[]] * n, b""
    write_table(table, "survey", path)
    return path


def draw_square(left: int, side: int = 40) -> bytes:
    picture = np.zeros((60, 400), np.uint8)
    cv2.rectangle(picture, (left, 10), (left + side - 1, 10 + side - 1), 255, -1)
    return encode_mask(picture)


def test_a_square_that_slides_changes_as_geometry_says(tmp_path):
    """After n frames of 1 px, squares of 40 px share 40 - n columns of 40 + n: 1 - (40 - n) / (40 + n) is 0.15 at 3.2 and 0.35 at 8.5."""
    survey = write_survey(tmp_path / "a.parquet", [draw_square(left) for left in range(200)])
    measured = measure_changes([survey], RATE)
    assert measured.still in (2 / RATE, 3 / RATE)
    assert 8 / RATE < measured.changed <= 11 / RATE


def test_what_never_moves_or_is_never_seen_suggests_nothing(tmp_path):
    still = write_survey(tmp_path / "still.parquet", [draw_square(50)] * 100)
    assert measure_changes([still], RATE).still is None
    unseen = write_survey(tmp_path / "unseen.parquet", [None] * 100)
    assert measure_changes([unseen], RATE) == Measured(rate=RATE)
    assert check_pairs("e", make_experiment(), 0.05, None, None) == []


@pytest.mark.parametrize(
    ("number", "status", "step"), [(2, "pass", ""), (3, "pass", ""), (30, "warning", "set training.neighbour_frames to 4")]
)
def test_neighbours_are_moments_in_which_poses_hardly_change(number, status, step):
    (check,) = check_pairs("e", make_experiment(neighbour_frames=number), 0.05, 0.2, 1.0)
    assert (check.status, check.next_step) == (status, step)
    assert f"{number} kept frames" in check.sentence


def test_pairs_of_the_paper_are_moments_that_differ():
    (check,) = check_pairs("e", make_experiment("paper", frame_gap_seconds=0.4), 0.05, 0.1, 0.5)
    assert check.status == "pass"
    (check,) = check_pairs("e", make_experiment("paper", frame_gap_seconds=0.05), 0.05, 0.1, 0.5)
    assert check.next_step == "set training.frame_gap_seconds to 0.5"


def test_a_cube_that_cannot_hold_the_subject_is_told(study_folder):
    measured = [Measured(0.2, 0.5, 30.0, 180.0), Measured(0.1, 0.5, 30.0, 200.0), Measured()]
    assert suggest_settings(load_study(folder=study_folder), measured)[0].status == "pass"
    settings = study_folder / "config/config.yaml"
    settings.write_text(settings.read_text() + "location: {side: 40}\n")
    check = suggest_settings(load_study(folder=study_folder), measured)[0]
    assert (check.status, check.next_step) == ("warning", "leave location.side out, or set it to about 190")


@pytest.mark.parametrize(
    ("free", "status", "step"),
    [
        (100e9, "pass", ""),
        (2.6e9, "warning", "set training.micro_batch_size to 2"),
        (0.5e9, "warning", "set training.activation_checkpointing"),
    ],
)
def test_a_batch_fits_or_is_shared_out(free, status, step):
    experiment = parse_section(ExperimentConfig, {"frames": "subject", "training": {"batch_size": 8}}, "test")
    check = judge_memory("e", experiment, 1e9, free)
    assert check.status == status
    assert check.next_step.startswith(step)


def test_an_experiment_without_a_model_is_told_its_memory_and_how_long_all_takes(tmp_path) -> None:
    study = load_study(folder=write_study(tmp_path / "study", frames=20, cameras=2))
    time, memory, training = check_memory(study)
    assert [check.what for check in (time, memory, training)] == ["time", "memory", "time"]
    assert "core hours are left to compute" in time.sentence
    assert re.search(r"the \d+ steps of its training take about \S+ core hours on this machine", training.sentence)
