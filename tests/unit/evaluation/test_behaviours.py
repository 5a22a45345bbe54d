from dataclasses import replace

import numpy as np
import pytest

from bkind3d.config import ActionsConfig, EvaluationConfig
from bkind3d.data.results import ACTION_COLUMNS, NO_REFERENCE
from bkind3d.evaluation.behaviours import count_confusion, judge_actions, measure_classes
from bkind3d.evaluation.candidates import Candidate

FOREST = ActionsConfig(classifier="forest", window_seconds=0.4)
EVALUATION = EvaluationConfig(bootstrap=200)
METHOD = Candidate("bkind3d", "discovered", "none")


def make_scene(make, n_frames, seed):
    """The animal lies (rest) or stands (rear), twenty frames each; what it does shows in its keypoints and joints."""
    scene = make.scene(n_frames, seed)
    rears = np.arange(n_frames) // 20 % 3 == 2
    for positions in (scene.keypoints, scene.joints):
        positions[rears] = positions[rears][..., [2, 1, 0]]
    scene.behaviours = np.where(rears, "rear", "rest")
    return scene


def judge(recordings, config=FOREST, evaluation=EVALUATION):
    judgement = judge_actions(recordings, METHOD, config, evaluation, "demo", "tiny")
    return judgement, {row["features"]: row for row in judgement.summary["rows"]}


@pytest.fixture
def recordings(make):
    return [make.recording("one", "train", make_scene(make, 240, 0)), make.recording("two", "test", make_scene(make, 180, 1))]


def test_features_are_compared_on_the_same_windows(recordings):
    judgement, rows = judge(recordings)
    assert list(rows) == ["discovered", "ground_truth", "both", "majority_class"]
    for row in rows.values():
        assert tuple(row) == ACTION_COLUMNS
        # Five frames on either side: 240 - 10 and 180 - 10.
        assert (row["n_classes"], row["n_train"], row["n_test"]) == (2, 230, 170)
        assert row["accuracy_ci_low"] <= row["accuracy"] <= row["accuracy_ci_high"]
    assert rows["majority_class"]["accuracy"] == pytest.approx(115 / 170)
    assert rows["majority_class"]["macro_f1"] == pytest.approx(2 * 115 / (2 * 115 + 55) / 2)
    assert rows["discovered"]["accuracy"] > 0.85
    assert judgement.summary["differences"]["discovered - majority_class"][0] > 0
    assert judgement.summary["bootstrap"]["unit"] == "second"
    assert set(judgement.summary["differences"]) == {f"discovered - {name}" for name in ("ground_truth", "both", "majority_class")}
    # A constant score ranks nothing: its average precision is the share of each behaviour.
    assert rows["majority_class"]["mean_average_precision"] == pytest.approx(0.5)
    assert 0.85 < rows["discovered"]["mean_average_precision"] <= 1


def test_each_behaviour_is_measured_by_hand():
    scores = np.array([[0.9, 0.1, 0], [0.6, 0.4, 0], [0.7, 0.3, 0], [0.2, 0.8, 0]])
    first, second, third = measure_classes(np.array([0, 0, 1, 1]), scores, np.array(["rest", "walk", "fly"]))
    assert (first["precision"], first["recall"], first["n_test"]) == (pytest.approx(2 / 3), 1, 2)
    # Ranked by the score of rest: right, wrong, right, wrong.
    assert first["average_precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert (second["precision"], second["recall"], second["f1"]) == (1, 0.5, pytest.approx(2 / 3))
    assert (third["recall"], third["average_precision"], third["n_test"]) == (None, None, 0)


def test_confusion_counts_every_window_once(recordings):
    judgement, rows = judge(recordings)
    for features, table in judgement.confusion.groupby("features"):
        assert len(table) == 4
        assert table["count"].sum() == 170
        right = table.loc[table["true"] == table["predicted"], "count"].sum()
        assert right / 170 == pytest.approx(rows[features]["accuracy"])
    counts = count_confusion(np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1]), np.array(["a", "b"]))
    assert counts.to_dict("list") == {"true": ["a", "a", "b", "b"], "predicted": ["a", "b", "a", "b"], "count": [1, 0, 1, 2]}


def test_windows_stay_clear_of_gaps_and_of_frames_without_label(make):
    train, test = make_scene(make, 240, 0), make_scene(make, 180, 1)
    test.keypoints[50, 0] = np.nan
    test.joints[90, 3] = np.nan
    test.behaviours[120:125] = ""
    _, rows = judge([make.recording("one", "train", train), make.recording("two", "test", test)])
    assert rows["discovered"]["n_test"] == rows["ground_truth"]["n_test"] == 180 - 10 - 11 - 11 - 5


def test_a_behaviour_that_was_never_seen_is_counted_wrong(make, recordings):
    scene = make_scene(make, 180, 1)
    scene.behaviours[:20] = "dance"
    _, rows = judge([recordings[0], make.recording("two", "test", scene)])
    assert rows["discovered"]["n_classes"] == 3
    assert rows["discovered"]["accuracy"] < 1 - 14 / 170


def test_without_joints_only_they_are_missing(make, recordings):
    _, rows = judge([recordings[0], make.recording("two", "test", make_scene(make, 180, 1), joints=None)])
    assert rows["ground_truth"]["classifier"] == NO_REFERENCE
    assert rows["ground_truth"]["accuracy"] is None
    assert rows["discovered"]["n_test"] == 170


@pytest.mark.parametrize("config", [FOREST, ActionsConfig(enabled=False)])
def test_without_behaviours_there_is_no_reference(make, config):
    judgement, rows = judge([make.recording("one", "train", make.scene(60, 0))], config)
    assert rows["discovered"]["classifier"] == NO_REFERENCE
    assert tuple(rows["discovered"]) == ACTION_COLUMNS
    assert judgement.confusion.empty


def test_blocks_use_the_sheet_s_sessions_or_nothing(recordings):
    blocks = EvaluationConfig(split="blocks", bootstrap=200)
    assert judge(recordings, evaluation=blocks)[1]["discovered"]["n_test"] == 170
    assert judge(recordings[:1], evaluation=blocks)[1]["discovered"]["classifier"] == NO_REFERENCE


def find_reason(*arguments):
    """Why nothing was judged."""
    judgement, rows = judge(*arguments)
    assert judgement.summary["failed"] and not len(judgement.confusion)
    assert rows["discovered"]["classifier"] == NO_REFERENCE and rows["discovered"]["accuracy"] is None
    return judgement.summary["reason"]


def test_a_missing_part_is_no_judgement(recordings):
    assert "not evaluated: no test frames in the sessions that have a reference (one)" in find_reason(recordings[:1])


def test_one_behaviour_is_no_judgement(make, recordings):
    scene = make_scene(make, 180, 1)
    scene.behaviours[:] = "rest"
    assert "the test windows have only the behaviour 'rest'" in find_reason([recordings[0], make.recording("two", "test", scene)])


def test_windows_longer_than_the_recordings_are_no_judgement(recordings):
    assert "no train session has a labelled window of 20 s" in find_reason(recordings, ActionsConfig(window_seconds=20))


def test_many_windows_are_thinned_evenly(recordings, monkeypatch):
    monkeypatch.setattr("bkind3d.evaluation.behaviours.MAX_WINDOWS", 100)
    _, rows = judge(recordings)
    assert (rows["discovered"]["n_train"], rows["discovered"]["n_test"]) == (77, 85)


def test_features_of_a_supervised_network_are_named_for_its_role(recordings):
    judgement = judge_actions(recordings, Candidate("ceiling", "supervised", "3D"), FOREST, EVALUATION, "demo", "tiny")
    assert [row["features"] for row in judgement.summary["rows"]] == ["supervised", "ground_truth", "both", "majority_class"]
    assert list(judgement.summary["differences"]) == [f"supervised - {name}" for name in ("ground_truth", "both", "majority_class")]


def test_behaviours_are_recognised_by_joints_that_were_found(recordings):
    """Clicks in a few frames are no joints of windows; joints that were found from them are."""
    found = {recording.session: recording.joints for recording in recordings}
    bare = [replace(recording, joints=None) for recording in recordings]
    for given, expected in ((found, ["found_joints"]), ({"one": found["one"]}, [])):
        judgement = judge_actions(bare, METHOD, FOREST, EVALUATION, "demo", "tiny", given)
        rows = {row["features"]: row for row in judgement.summary["rows"]}
        assert list(rows) == ["discovered", *expected, "majority_class", "ground_truth"]
        assert rows["ground_truth"]["accuracy"] is None
        assert all(rows[name]["accuracy"] > 0.85 for name in expected)
