import json
from dataclasses import replace

import numpy as np
import pytest

from bkind3d.config import EvaluationConfig
from bkind3d.data.results import NO_REFERENCE, POSE_COLUMNS, write_json
from bkind3d.evaluation.candidates import ORACLES, Candidate
from bkind3d.evaluation.pose import judge_poses

CONFIG = EvaluationConfig(bootstrap=200)
METHOD = Candidate("bkind3d", "discovered", "none")


def judge(recordings, config=CONFIG):
    judgement = judge_poses(recordings, METHOD, config, "demo", "tiny")
    return judgement, {row["method"]: row for row in judgement.summary["rows"]}


def pair(make, test=None, **changes):
    return [make.recording("one", "train", make.scene(150, 0)), make.recording("two", "test", test or make.scene(100, 1), **changes)]


@pytest.fixture
def offset(make):
    """A test session whose joints are off the linear function by exactly 5 mm in one joint of six."""
    scene = make.scene(100, 1)
    scene.joints[:, 2] += [3, 0, 4]
    return scene


def test_errors_are_those_computed_by_hand(make, offset):
    _, rows = judge(pair(make, offset))
    assert rows["bkind3d"]["mpjpe"] == pytest.approx(5 / 6, abs=1e-6)
    assert 0 < rows["bkind3d"]["pa_mpjpe"] < 5 / 3
    judgement, _ = judge(pair(make, offset))
    table = judgement.joint_errors.set_index(["method", "joint"])["mpjpe"]
    np.testing.assert_allclose(table["bkind3d"], [0, 0, 5, 0, 0, 0], atol=1e-6)


def test_noise_of_known_size_is_found(make):
    scene = make.scene(100, 1)
    direction = np.random.default_rng(3).normal(size=scene.joints.shape)
    scene.joints += 2 * direction / np.linalg.norm(direction, axis=2, keepdims=True)
    _, rows = judge(pair(make, scene))
    assert rows["bkind3d"]["mpjpe"] == pytest.approx(2, abs=1e-6)
    assert 1 < rows["bkind3d"]["pa_mpjpe"] < 2


def test_the_place_of_the_session_does_not_matter(make, offset):
    _, here = judge(pair(make, offset))
    moved = make.scene(100, 1)
    moved.joints, moved.keypoints = offset.joints + 9000, offset.keypoints + 9000
    _, there = judge(pair(make, moved))
    assert there["bkind3d"]["mpjpe"] == pytest.approx(here["bkind3d"]["mpjpe"])


def test_rows_have_exactly_the_contract_s_columns(make, offset):
    judgement, rows = judge(pair(make, offset))
    assert list(rows) == ["bkind3d", "untrained", "mean_pose", "oracle_4"]
    for row in rows.values():
        assert tuple(row) == POSE_COLUMNS
        assert (row["experiment"], row["dataset"], row["split"], row["unit"], row["n_frames"]) == ("demo", "tiny", "subject", "mm", 100)
    assert [rows[m]["supervision"] for m in rows] == ["none", "none", "3D", "3D"]
    assert [rows[m]["regressor"] for m in rows] == ["linear", "linear", "none", "linear"]
    assert [rows[m]["n_views"] for m in rows] == [4, 4, 0, 0]
    assert [(rows[m]["encoder"], rows[m]["perceptual"]) for m in rows] == [("resnet18", "pyramid")] * 2 + [(None, None)] * 2
    assert len(judgement.summary["oracle_joints"]["oracle_4"]) == ORACLES[0]


def test_all_methods_are_judged_on_the_same_frames(make):
    scene = make.scene(100, 1)
    scene.keypoints[10:15, 0] = np.nan
    scene.untrained[14:17] = np.nan
    scene.joints[20, :4] = np.nan
    scene.joints[30:33, 5] = np.nan
    judgement, rows = judge(pair(make, scene))
    assert [rows[m]["n_missing"] for m in rows] == [5, 3, 0, 0]
    assert {rows[m]["n_frames"] for m in rows} == {92}
    for _, table in judgement.errors.groupby("method"):
        assert len(table) == 92
        assert not set(table["frame"]) & {*range(10, 17), 20}
    assert judgement.summary["split"]["test"] == {"sessions": ["two"], "n_frames": 92, "n_labelled": 99, "n_unlabelled": 1}
    assert judgement.summary["n_unknown_joints"] == rows["bkind3d"]["n_unknown"] == 3
    assert set(judgement.joint_errors.groupby("joint")["n_unknown"].first().to_dict().items()) >= {("nose", 0), ("paw_right", 3)}
    counts = judgement.joint_errors.set_index(["method", "joint"])["n_frames"]
    assert (counts["bkind3d"]["nose"], counts["bkind3d"]["paw_right"]) == (92, 89)


def test_intervals_of_paired_differences_have_the_right_sign(make, offset):
    _, rows = judge(pair(make, offset))
    ours = rows["bkind3d"]
    assert ours["pa_mpjpe_ci_low"] <= ours["pa_mpjpe"] <= ours["pa_mpjpe_ci_high"]
    assert ours["vs_mean_pose_ci_low"] <= ours["vs_mean_pose_ci_high"] < 0
    assert ours["vs_untrained_ci_low"] <= ours["vs_untrained_ci_high"] < 0
    assert rows["mean_pose"]["vs_untrained_ci_low"] == pytest.approx(-rows["untrained"]["vs_mean_pose_ci_high"])
    assert np.isnan([rows["mean_pose"]["vs_mean_pose_ci_low"], rows["untrained"]["vs_untrained_ci_high"]]).all()
    swapped = [replace(r, points=dict(zip(r.points, reversed(r.points.values()), strict=True))) for r in pair(make, offset)]
    _, rows = judge(swapped)
    assert rows["bkind3d"]["vs_untrained_ci_low"] > 0


def test_the_constant_pose_is_perfect_for_a_rigid_body(make):
    scenes = [make.scene(60, 0), make.scene(60, 1)]
    for scene in scenes:
        scene.joints[:] = np.random.default_rng(7).normal(size=(1, 6, 3)) * 30 + scene.keypoints.mean(axis=1, keepdims=True)
    _, rows = judge([make.recording("one", "train", scenes[0]), make.recording("two", "test", scenes[1])])
    assert rows["mean_pose"]["mpjpe"] == pytest.approx(0, abs=1e-6)
    assert rows["mean_pose"]["pa_mpjpe"] == pytest.approx(0, abs=1e-6)
    turned = make.scene(60, 1)
    turned.joints = scenes[1].joints @ np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]).T
    _, rows = judge([make.recording("one", "train", scenes[0]), make.recording("two", "test", turned)])
    assert rows["mean_pose"]["mpjpe"] > 10
    assert rows["mean_pose"]["pa_mpjpe"] == pytest.approx(0, abs=1e-6)


def test_units_of_the_bootstrap(make, offset):
    judgement, _ = judge(pair(make, offset))
    assert judgement.summary["bootstrap"] == {"unit": "second", "n_units": 4, "resamples": 200, "seed": 0}
    many = [make.recording(f"s{i}", "train" if i < 2 else "test", make.scene(40, i)) for i in range(12)]
    judgement, _ = judge(many)
    assert (judgement.summary["bootstrap"]["unit"], judgement.summary["bootstrap"]["n_units"]) == ("session", 10)


@pytest.mark.parametrize("regressor", ["linear", "ridge"])
def test_blocks_judge_a_single_session(make, regressor):
    config = EvaluationConfig(split="blocks", regressor=regressor, bootstrap=200)
    judgement, rows = judge([make.recording("one", "train", make.scene(200, 0))], config)
    assert rows["bkind3d"]["n_frames"] == 60
    assert judgement.summary["split"]["train"]["n_frames"] == 60
    assert rows["bkind3d"]["mpjpe"] < 0.1 < rows["untrained"]["mpjpe"]
    assert {row["split"] for row in rows.values()} == {"blocks"}
    assert bool(judgement.summary["regressor"]["strengths"]) == (regressor == "ridge")


def test_test_sessions_teach_nothing(make, offset):
    _, rows = judge([*pair(make, offset), make.recording("three", "predict", make.scene(30, 4))])
    assert rows["bkind3d"]["n_frames"] == 100
    other = make.scene(100, 8)
    judgement, _ = judge([*pair(make, offset), make.recording("three", "test", other)])
    errors = judgement.errors[(judgement.errors["method"] == "bkind3d") & (judgement.errors["session"] == "two")]
    assert errors["mpjpe"].mean() == pytest.approx(rows["bkind3d"]["mpjpe"])


def test_errors_are_told_apart_by_subject_session_and_behaviour(make, offset):
    offset.behaviours = np.where(np.arange(100) < 30, "rest", "")
    judgement, rows = judge([*pair(make, offset), make.recording("three", "test", make.scene(50, 5), subject="two")])
    ours = {(g["kind"], g["name"]): g for g in judgement.summary["groups"] if g["method"] == "bkind3d"}
    sizes = {("subject", "two"): 150, ("session", "two"): 100, ("session", "three"): 50, ("behaviour", "rest"): 30}
    assert {key: group["n_frames"] for key, group in ours.items()} == sizes
    assert ours["behaviour", "rest"]["mpjpe"] == pytest.approx(5 / 6, abs=1e-6)
    assert ours["session", "three"]["mpjpe"] == pytest.approx(0, abs=1e-6)
    assert rows["bkind3d"]["mpjpe"] == pytest.approx(5 / 6 * 100 / 150, abs=1e-6)


def test_the_root_and_the_threshold_of_pck_are_settings(make, offset):
    _, rows = judge(pair(make, offset), EvaluationConfig(bootstrap=200, root="back", pck_threshold=4.9))
    # The root is the joint that is off by 5 mm: all the others are, relative to it.
    assert rows["bkind3d"]["root_mpjpe"] == pytest.approx(5 * 5 / 6, abs=1e-6)
    assert rows["bkind3d"]["pck"] == pytest.approx(1 / 6)
    assert (rows["bkind3d"]["pck_threshold"], rows["bkind3d"]["interval_unit"]) == (4.9, "second")


def test_what_cannot_be_judged_says_why_and_is_measured_without_joints(make, offset, caplog):
    judgement, rows = judge(pair(make, offset), EvaluationConfig(root="hip"))
    assert judgement.summary["failed"] and judgement.summary["reference"] is None
    assert "not evaluated: evaluation.root is 'hip', but the joints are nose, neck" in judgement.summary["reason"]
    assert judgement.summary["reason"] in caplog.text
    assert rows["bkind3d"]["mpjpe"] is None and judgement.summary["identity"]["methods"] and judgement.errors.empty


def test_columns_of_the_sheet_are_carried(make, offset):
    doses = {"one": "low", "two": "high"}
    judgement, _ = judge([replace(r, columns={"dose": doses[r.session]}) for r in pair(make, offset)])
    assert set(judgement.errors["dose"]) == {"high"}
    assert set(judgement.errors["subject"]) == {"two"}


def test_a_column_of_the_sheet_hides_no_column_of_the_table(make, offset):
    judgement, _ = judge([replace(r, columns={"method": "filmed at night", "frame": "x"}) for r in pair(make, offset)])
    assert "bkind3d" in set(judgement.errors["method"])
    assert judgement.errors["frame"].dtype.kind == "i"
    assert set(judgement.errors["method_of_sheet"]) == {"filmed at night"}


def test_the_same_seed_gives_the_same_file(make, offset, tmp_path):
    for name in ("a", "b"):
        write_json(judge(pair(make, offset))[0].summary, tmp_path / name)
    write_json(judge(pair(make, offset), EvaluationConfig(bootstrap=200, seed=1))[0].summary, tmp_path / "c")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert json.loads((tmp_path / "a").read_text())["rows"][0]["mpjpe"] == json.loads((tmp_path / "c").read_text())["rows"][0]["mpjpe"]
    assert (tmp_path / "a").read_bytes() != (tmp_path / "c").read_bytes()


def test_without_joints_there_is_no_reference(make):
    recordings = [make.recording(name, split, make.scene(30, 0), joints=None) for name, split in (("one", "train"), ("two", "test"))]
    judgement, rows = judge(recordings)
    assert list(rows) == ["bkind3d"]
    row = rows["bkind3d"]
    assert (row["regressor"], row["n_keypoints"], row["n_views"], row["pa_mpjpe"], row["n_frames"]) == (NO_REFERENCE, 4, 4, None, None)
    assert tuple(row) == POSE_COLUMNS
    assert judgement.errors.empty and judgement.joint_errors.empty
    assert len(judgement.summary["identity"]["pairs"]) == 6


def test_without_sessions_there_is_no_reference():
    _, rows = judge([])
    assert rows["bkind3d"]["regressor"] == NO_REFERENCE


def test_joints_of_sessions_outside_the_split_are_no_reference(make):
    recordings = [make.recording("one", "train", make.scene(30, 0), joints=None), make.recording("two", "predict", make.scene(30, 0))]
    judgement, rows = judge(recordings)
    assert rows["bkind3d"]["regressor"] == NO_REFERENCE
    assert judgement.summary["reason"] == "joints are not in both train and test sessions"


def test_identity_is_measured_beside_the_untrained_network(make, offset):
    agreement = {"n_moments": 3, "turn_degrees": 30, "turned": [4.0, 4, 4, 8], "fewer_views": None}
    recordings = []
    for recording in pair(make, offset):
        points = replace(recording.judged, metadata={"units": "mm", "agreement": agreement}, spreads=np.full((100, 4), 3.0))
        recordings.append(replace(recording, points={**recording.points, "bkind3d": points}))
    judgement = judge_poses(recordings, METHOD, CONFIG, "demo", "tiny", [("a", "b"), ("b", "nobody")])
    ours, untrained = (judgement.summary["identity"]["methods"][method] for method in ("bkind3d", "untrained"))
    assert ours["swaps"] == 0 and 0 <= untrained["swaps"] <= 1
    assert ours["scatter"] < untrained["scatter"]
    assert 0 <= ours["left_right"] <= 1 and [entry["left"] for entry in ours["sides"]] == ["paw_left"]
    assert ours["turned"] == pytest.approx(5 / 3 * ours["spread"])
    assert (untrained["turned"], untrained["spread"], ours["fewer_views"]) == (None, None, None)
    assert [entry["name"] for entry in ours["by_keypoint"]] == list(make.keypoint_names)
    assert np.isfinite(ours["by_keypoint"][0]["edge_variation"]) and np.isnan(ours["by_keypoint"][2]["edge_variation"])


def test_keypoints_that_swap_are_found(make):
    test = make.scene(100, 1)
    test.keypoints[:25, [0, 1]] = test.keypoints[:25, [1, 0]]
    judgement, _ = judge(pair(make, test))
    ours = judgement.summary["identity"]["methods"]["bkind3d"]
    assert ours["swaps"] == pytest.approx(0.25, abs=0.03)
    assert ours["trades"] > 0


def test_steadiness_is_known_without_joints(make):
    recordings = [make.recording(name, split, make.scene(30, 0), joints=None) for name, split in (("one", "train"), ("two", "test"))]
    methods = judge(recordings)[0].summary["identity"]["methods"]
    assert list(methods) == ["bkind3d"]
    assert methods["bkind3d"]["jumps"] is not None and methods["bkind3d"]["swaps"] is None


def supervise(make, error=(0.0, 0.0, 0.0), **changes):
    """Sessions in which a network found the joints, in an order of its own and with one that nobody asks for, all off by `error`."""
    recordings = []
    for recording in pair(make, **changes):
        joints = recording.joints.positions[:, ::-1] + error
        positions = np.concatenate([joints[:, :2], joints[:, :1], joints[:, 2:]], axis=1)
        names = (*make.joint_names[:-3:-1], "tail", *make.joint_names[-3::-1])
        found = make.points(names, positions, units="mm", encoder="small")
        untrained = make.points(names, np.random.default_rng(0).normal(size=positions.shape), units="mm")
        recordings.append(replace(recording, points={"ceiling": found, "untrained": untrained}))
    return recordings


def judge_supervised(recordings):
    judgement = judge_poses(recordings, Candidate("ceiling", "supervised", "3D"), CONFIG, "demo", "tiny")
    return judgement.summary, {row["method"]: row for row in judgement.summary["rows"]}


def test_joints_of_a_supervised_network_are_judged_as_they_are(make):
    recordings = supervise(make, error=(3.0, 0.0, 4.0))
    for recording in recordings:
        recording.points["ceiling"].metadata["labels"] = 30
    summary, rows = judge_supervised(recordings)
    assert list(rows) == ["ceiling", "ceiling+regression", "untrained", "mean_pose", "oracle_4"]
    assert [(row["regressor"], row["supervision"]) for row in rows.values()][:3] == [("none", "3D"), ("linear", "3D"), ("linear", "none")]
    # A regression would have learned the shift; the shape is right, and so is its place relative to the root.
    assert rows["ceiling"]["mpjpe"] == pytest.approx(5)
    assert rows["ceiling"]["root_mpjpe"] == pytest.approx(0, abs=1e-9) and rows["ceiling"]["pa_mpjpe"] == pytest.approx(0, abs=1e-6)
    assert (rows["ceiling"]["n_keypoints"], rows["ceiling"]["encoder"], rows["mean_pose"]["n_views"]) == (7, "small", 0)
    assert rows["ceiling"]["vs_untrained_ci_high"] < 0
    assert rows["ceiling+regression"]["mpjpe"] == pytest.approx(0, abs=1e-6)
    assert rows["ceiling+regression"]["n_views"] == rows["ceiling"]["n_views"]
    n_train = summary["split"]["train"]["n_frames"]
    assert [row["labels"] for row in rows.values()] == [30, max(30, n_train), n_train, n_train, n_train]
    # What says how much a few labels teach is about regression: who learned from all of them before is left out.
    assert {entry["method"] for entry in summary["label_efficiency"]} == {"untrained", "mean_pose"} and set(summary["upstream"]) <= {
        "untrained"
    }
    assert set(summary["identity"]["methods"]) == {"ceiling", "untrained"}


def test_joints_that_a_supervised_network_does_not_know_are_named(make):
    recordings = [replace(r, points={"ceiling": make.points(("nose", "neck"), r.joints.positions[:, :2])}) for r in pair(make)]
    summary, _ = judge_supervised(recordings)
    assert "joint 'back' is not among those that the network found: nose, neck" in summary["reason"]


def test_without_an_untrained_network_its_columns_are_empty(make, offset):
    recordings = [replace(r, points={"bkind3d": r.judged}) for r in pair(make, offset)]
    judgement, rows = judge(recordings)
    _, both = judge(pair(make, offset))
    assert list(rows) == ["bkind3d", "mean_pose", "oracle_4"]
    assert np.isnan([rows[m][f"vs_untrained_ci_{end}"] for m in rows for end in ("low", "high")]).all()
    assert rows["bkind3d"]["pa_mpjpe"] == both["bkind3d"]["pa_mpjpe"]
    assert set(judgement.errors["method"]) == set(rows) and list(judgement.summary["identity"]["methods"]) == ["bkind3d"]


def test_a_skeleton_without_edges_varies_in_no_length(make, offset):
    ours = judge(pair(make, offset))[0].summary["identity"]["methods"]["bkind3d"]
    assert ours["edge_variation"] is None and ours["jumps"] is not None
