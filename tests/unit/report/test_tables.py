import json

import pandas as pd
import pytest

from bkind3d.config import InputError
from bkind3d.data.results import ACTION_COLUMNS, NO_REFERENCE, POSE_COLUMNS
from bkind3d.report.tables import format_actions, format_poses, merge_actions, merge_poses, write_csv


def pose_row(experiment="demo", method="bkind3d", **changes):
    row = dict.fromkeys(POSE_COLUMNS) | {"experiment": experiment, "method": method, "dataset": "rats", "split": "subject", "unit": "mm"}
    return (
        row | {"regressor": "linear", "n_frames": 100, "n_missing": 2, "mpjpe": 30.123456789, "n_mpjpe": 29.0, "pa_mpjpe": 17.5} | changes
    )


def action_row(**changes):
    row = dict.fromkeys(ACTION_COLUMNS) | {"experiment": "demo", "features": "discovered", "classifier": "conv1d", "dataset": "rats"}
    return (
        row
        | {
            "n_classes": 5,
            "n_train": 900,
            "n_test": 700,
            "accuracy": 0.75,
            "accuracy_ci_low": 0.7,
            "accuracy_ci_high": 0.8,
            "macro_f1": 0.6,
        }
        | changes
    )


@pytest.fixture
def write(tmp_path):
    def write_rows(name, *rows):
        path = tmp_path / name
        path.write_text(json.dumps({"rows": rows}))
        return path

    return write_rows


def test_experiments_are_merged_in_order(write, tmp_path):
    network = {"encoder": "resnet18 from hub:lab/net", "perceptual": "vgg19"}
    first, second = write("a.json", pose_row(**network), pose_row(method="mean_pose", n_views=0)), write("b.json", pose_row("other"))
    write_csv(merge_poses([first, second]), tmp_path / "pose.csv")
    lines = (tmp_path / "pose.csv").read_text().splitlines()
    assert lines[0] == ",".join(POSE_COLUMNS)
    assert lines[1] == "demo,bkind3d,,rats,subject,,,linear,100,2,30.1235,29,17.5,mm,,,,,,,,,,,,,resnet18 from hub:lab/net,vgg19,"
    assert [line.split(",")[:2] for line in lines[1:]] == [["demo", "bkind3d"], ["demo", "mean_pose"], ["other", "bkind3d"]]
    assert lines[2].split(",")[5] == "0"


def test_results_of_before_there_were_columns_are_read(write):
    row = pose_row()
    del row["labels"]
    assert merge_poses([write("a.json", row), write("b.json", pose_row("other", labels=30))])["labels"].tolist() == [pd.NA, 30]


def test_no_files_make_an_empty_table(tmp_path):
    write_csv(merge_actions([]), tmp_path / "actions.csv")
    assert tuple(pd.read_csv(tmp_path / "actions.csv")) == ACTION_COLUMNS


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([pose_row(colour="red")], "a.json: column 'colour' is unknown"),
        ([{key: value for key, value in pose_row().items() if key != "split"}], "a.json: column 'split' is missing"),
        ([pose_row(), pose_row()], "'method': 'bkind3d'.* is there twice"),
        (["text"], "a.json: has no list of rows"),
    ],
)
def test_wrong_rows_are_refused(write, rows, message):
    with pytest.raises(InputError, match=message):
        merge_poses([write("a.json", *rows)])


def test_tables_for_a_terminal_are_aligned(write):
    ours = pose_row(pa_mpjpe_ci_low=16.0, pa_mpjpe_ci_high=19.25, vs_mean_pose_ci_low=-6.0, vs_mean_pose_ci_high=-3.5)
    text = format_poses(merge_poses([write("a.json", ours, pose_row(method="mean_pose", pa_mpjpe=22.0))]))
    title, head, rule, first, second = text.splitlines()
    assert "mm" in title
    assert first.split()[:8] == ["demo", "bkind3d", "subject", "linear", "100", "2", "30.12", "29"]
    assert "[16, 19.25]" in first and "[-6, -3.5]" in first
    end = head.index("PA-MPJPE") + len("PA-MPJPE")
    assert first[:end].endswith(" 17.5") and second[:end].endswith(" 22") and rule[:end].endswith("--")


def test_numbers_of_any_unit_are_readable(write):
    text = format_poses(merge_poses([write("a.json", pose_row(unit="m", mpjpe=0.0301234, n_mpjpe=0.00000123, pa_mpjpe=12345.678))]))
    assert text.splitlines()[3].split()[6:9] == ["0.03012", "0.000001", "12346"]


def test_no_reference_is_said(write):
    unknown = dict.fromkeys(["n_frames", "n_missing", "mpjpe", "n_mpjpe", "pa_mpjpe", "unit"])
    table = merge_poses([write("a.json", pose_row(regressor=NO_REFERENCE, **unknown))])
    assert f"{NO_REFERENCE}        -" in format_poses(table)
    nothing = dict.fromkeys(["n_classes", "n_train", "n_test", "accuracy", "accuracy_ci_low", "accuracy_ci_high", "macro_f1"])
    rows = [action_row(), action_row(features="ground_truth", classifier=NO_REFERENCE, **nothing)]
    first, second = format_actions(merge_actions([write("b.json", *rows)])).splitlines()[-2:]
    assert first.split() == ["demo", "discovered", "conv1d", "5", "900", "700", "75", "[70,", "80]", "60"]
    assert second.count(NO_REFERENCE) == 2
    assert "(none)" in format_actions(merge_actions([]))
