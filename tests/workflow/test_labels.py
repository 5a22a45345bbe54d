"""From clicked labels to named joints, and to what is made of them, on a study that was run before."""

import json

import pandas as pd
import pytest

from bkind3d.data.calibration_files import read_calibration
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.geometry.lenses import project_through_lens
from bkind3d.joints.clicks import Click, write_clicks
from tests.workflow.conftest import run_snakemake
from tests.workflow.test_dry_run import list_jobs
from tests.workflow.tiny_study import write_study

NAMES = ("snout", "rump")


def click_joints(folder, session, every):
    """Label two joints in some frames of a session, in all views; gives the truth."""
    truth = read_table(folder / f"recordings/{session}_joints.parquet", "joints")
    truth = truth[truth["joint"].isin(NAMES)].set_index(["frame", "joint"])[["x", "y", "z"]]
    cameras, _ = read_calibration(folder / "recordings/ring.toml")
    clicks = {}
    for (frame, joint), point in truth[truth.index.get_level_values("frame") % every == 0].iterrows():
        for name, camera in cameras.items():
            x, y = project_through_lens(camera, point.to_numpy()[None])[0]
            click = Click(frame, name, joint, x, y)
            clicks[click.key] = click
    write_clicks(clicks, folder / f"config/labels/{session}.tsv")
    return truth


#: What is made of keypoints, and then of joints.
KEYPOINTS = [f"results/experiments/tiny/keypoints/{session}.parquet" for session in ("s1", "s2")]
MADE = [
    "results/joints/s2.parquet",
    "results/experiments/tiny/joints/s1.parquet",
    "results/experiments/tiny/kinematics/s2.parquet",
    "results/exports/tiny/joints/nwb/s2.nwb",
    "results/videos/tiny/joints/s2.mp4",
    "results/experiments/tiny/evaluation/actions.json",
]


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """A study without joints that has keypoints; then frames of both sessions were labelled, and it was run again."""
    folder = write_study(
        tmp_path_factory.mktemp("labels") / "study", joints=False, settings={"kinematics": {"lengths": {"body": ["snout", "rump"]}}}
    )
    first = run_snakemake(folder, *KEYPOINTS)
    assert first.returncode == 0, first.stderr[-3000:]
    truth = {session: click_joints(folder, session, every=2) for session in ("s1", "s2")}
    plan, whole = run_snakemake(folder, "-n", *MADE), run_snakemake(folder, "-n")
    second = run_snakemake(folder, *MADE)
    assert second.returncode == 0, second.stderr[-3000:]
    return folder, truth, list_jobs(plan), list_jobs(whole)


def test_labels_train_nothing_again_and_whatever_is_made_of_keypoints_is_made_of_joints(labelled):
    _, _, jobs, whole = labelled
    for plan in (jobs, whole):
        assert plan["train_model"] == plan["predict_keypoints"] == plan["survey_video"] == plan["extract_frames"] == 0
        assert (plan["import_joints"], plan["fit_joints"], plan["predict_joints"]) == (2, 1, 2)
    assert whole["measure_kinematics"] == whole["draw_overlays_joints"] == whole["export_nwb_joints"] == whole["export_sleap_joints"] == 2


def test_clicks_are_triangulated_by_the_studys_cameras(labelled):
    folder, truth, _, _ = labelled
    for session, known in truth.items():
        found = read_table(folder / f"results/joints/{session}.parquet", "joints").set_index(["frame", "joint"])[["x", "y", "z"]]
        assert len(found) == 24
        pd.testing.assert_frame_equal(found, known.loc[found.index], atol=0.5, check_dtype=False, check_names=False)


def test_joints_are_found_in_every_frame_and_go_wherever_keypoints_go(labelled):
    results = labelled[0] / "results"
    for session in ("s1", "s2"):
        path = results / f"experiments/tiny/joints/{session}.parquet"
        found = read_table(path, "found_joints")
        keypoints = read_table(results / f"experiments/tiny/keypoints/{session}.parquet", "keypoints")
        assert set(found["joint"]) == set(NAMES) and sorted(found["frame"].unique()) == sorted(keypoints["frame"].unique())
        assert found[["x", "y", "z", "spread"]].notna().all(axis=None) and (found["spread"] > 0).all()
        assert read_metadata(path)["units"] == "mm"
    lengths = read_table(results / "experiments/tiny/kinematics/s2.parquet", "kinematics")
    assert set(lengths["measure"]) == {"body"} and lengths["value"].gt(0).all()
    assert (results / "exports/tiny/joints/nwb/s2.nwb").stat().st_size > 1000
    assert (results / "videos/tiny/joints/s2.mp4").stat().st_size > 1000
    rows = {row["features"]: row for row in json.loads((results / "experiments/tiny/evaluation/actions.json").read_text())["rows"]}
    assert 0 <= rows["found_joints"]["accuracy"] <= 1 and rows["ground_truth"]["accuracy"] is None
