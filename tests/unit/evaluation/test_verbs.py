"""The verbs of this room, from files to tables."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bkind3d.cli import VERBS, main
from bkind3d.data.parquet import read_table
from bkind3d.data.results import ACTION_COLUMNS, POSE_COLUMNS, read_json


def run(verb: str, *arguments: object) -> None:
    parser = argparse.ArgumentParser()
    VERBS[verb].add_arguments(parser)
    VERBS[verb].run(parser.parse_args([str(argument) for argument in arguments]))


def name(files: dict[str, Path], kind: str) -> list[str]:
    return [f"--{kind}", *(f"{session}={files[f'{kind}_{session}']}" for session in ("one", "two"))]


@pytest.mark.parametrize("with_reference", [True, False])
def test_from_files_to_tables(study, make, tmp_path, capsys, with_reference):
    files, out = study(), tmp_path / "evaluation"
    config = make.experiment(tmp_path / "demo.json", actions={"classifier": "forest", "window_seconds": 0.2})
    common = ["--config", config, "--name", "demo", "--dataset", "tiny", "--sessions", files["sheet"], *name(files, "keypoints")]
    joints, behaviours = (name(files, kind) if with_reference else [f"--{kind}"] for kind in ("joints", "behaviours"))
    outputs = ["--output", out / "pose.json", "--errors", out / "errors.parquet", "--joint-errors", out / "joints.parquet"]
    run("regress-joints", *common, *name(files, "untrained"), *joints, *outputs)
    run("classify-actions", *common, *joints, *behaviours, "--output", out / "actions.json", "--confusion", out / "confusion.parquet")
    tables = ["--output-pose", tmp_path / "pose.csv", "--output-actions", tmp_path / "actions.csv"]
    run("make-tables", "--pose", out / "pose.json", "--actions", out / "actions.json", *tables, "--print")
    poses, actions = pd.read_csv(tmp_path / "pose.csv"), pd.read_csv(tmp_path / "actions.csv")
    assert (tuple(poses), tuple(actions)) == (POSE_COLUMNS, ACTION_COLUMNS)
    errors = [
        read_table(out / f"{file}.parquet", kind)
        for file, kind in (("errors", "errors"), ("joints", "joint_errors"), ("confusion", "confusion"))
    ]
    printed = capsys.readouterr().out
    if with_reference:
        assert list(poses["method"]) == ["bkind3d", "untrained", "mean_pose", "oracle_4"]
        assert poses["mpjpe"][0] < 0.001
        assert list(actions["features"]) == ["discovered", "ground_truth", "both", "majority_class"]
        assert [len(table) for table in errors] == [240, 24, 16]
        assert "majority_class" in printed and "minus mean_pose" in printed
    else:
        assert list(poses["method"]) == ["bkind3d"]
        assert [len(table) for table in errors] == [0, 0, 0]
        assert printed.count("no reference") == 4
        assert read_json(out / "pose.json")["reference"] is None
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


def test_no_sessions_at_all_are_no_reference(study, make, tmp_path):
    files = study()
    config = make.experiment(tmp_path / "demo.json")
    common = ["--config", config, "--name", "demo", "--dataset", "tiny", "--sessions", files["sheet"], "--keypoints", "--joints"]
    outputs = [
        "--output",
        tmp_path / "pose.json",
        "--errors",
        tmp_path / "e.parquet",
        "--joint-errors",
        tmp_path / "j.parquet",
    ]
    run("regress-joints", *common, "--untrained", *outputs)
    run("classify-actions", *common, "--behaviours", "--output", tmp_path / "actions.json", "--confusion", tmp_path / "c.parquet")
    assert read_json(tmp_path / "pose.json")["rows"][0]["regressor"] == "no reference"
    assert read_json(tmp_path / "actions.json")["rows"][0]["classifier"] == "no reference"


@pytest.mark.parametrize(
    ("verb", "n_frames", "subjects", "behaviour", "message"),
    [
        (
            "regress-joints",
            60,
            ("s1", "s1"),
            "",
            "subject 's1' is in both train and test; set evaluation.split to session if that is meant",
        ),
        (
            "classify-actions",
            60,
            ("s1", "s1"),
            "",
            "subject 's1' is in both train and test; set evaluation.split to session if that is meant",
        ),
        ("regress-joints", 9, ("s1", "s2"), "", "joint 'nose' is known in only 9 training frames; at least 10 are needed"),
        ("classify-actions", 60, ("s1", "s2"), "rest", "the test windows have only the behaviour 'rest'; label at least two"),
    ],
)
def test_what_cannot_be_judged_says_why_where_the_results_stand(study, make, tmp_path, verb, n_frames, subjects, behaviour, message):
    files, out = study(n_frames), tmp_path / "evaluation"
    make.sheet(files["sheet"], [("one", subjects[0], "train"), ("two", subjects[1], "test")])
    if behaviour:
        make.behaviours(files["behaviours_two"], np.full(n_frames, behaviour))
    config = make.experiment(tmp_path / "demo.json", actions={"classifier": "forest", "window_seconds": 0.2})
    common = ["--config", config, "--name", "demo", "--dataset", "tiny", "--sessions", files["sheet"]]
    common += [*name(files, "keypoints"), *name(files, "joints"), *name(files, "behaviours")]
    outputs = {
        "regress-joints": [*name(files, "untrained"), "--output", out / "pose.json", "--errors", out / "e", "--joint-errors", out / "j"],
        "classify-actions": ["--output", out / "actions.json", "--confusion", out / "confusion.parquet"],
    }
    assert main([verb, *map(str, (*common, *outputs[verb]))]) == 0
    content = read_json(out / ("pose.json" if verb == "regress-joints" else "actions.json"))
    assert content["failed"] and content["reference"] is None and content["reason"].startswith(f"not evaluated: {message}")
