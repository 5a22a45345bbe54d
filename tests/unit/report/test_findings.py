from dataclasses import replace

import numpy as np

from bkind3d.data.parquet import read_metadata, read_table, write_table
from bkind3d.data.results import write_json
from bkind3d.evaluation.health import examine_keypoints
from bkind3d.report.contents import find_failure, list_failures, read_location, read_named_keypoints, read_results
from bkind3d.report.findings import (
    find_action_faults,
    find_calibration_faults,
    find_doctors_warnings,
    find_doubts,
    find_failures,
    find_keypoint_faults,
    find_pose_faults,
    find_session_faults,
    write_findings,
)
from bkind3d.report.recordings import summarise_location
from bkind3d.study.doubts import Measure


def session_texts(study):
    located = {session: summarise_location(study, session) for session in study.sessions}
    return [finding.text for finding in find_session_faults(study, located)]


def test_a_good_study_has_nothing_to_warn_about(toy):
    study = toy.write().open()
    assert find_pose_faults(read_results(study.results.pose_table()), "tiny") == []
    assert find_action_faults(read_results(study.results.actions_table()), "tiny") == []
    assert session_texts(study) == []
    assert find_calibration_faults(study, ["arena"]) == []
    assert [note.style for note in write_findings([])] == ["good"]


def test_headings_that_are_not_used_are_told_and_warned_of_where_fits_hardly_agree():
    noted = {}
    for share in (0.95, 0.75, 0.4):
        found = find_doubts(Measure("headings", session, share, experiment="one") for session in "ab")
        noted[share] = [(note.style, note.text.partition(": ")[2].partition(",")[0]) for note in found]
    assert noted[0.95] == []
    assert noted[0.75] == [("info", "headings are not used")]
    assert noted[0.4] == [
        (
            "warning",
            "Which way the subject faces is doubtful: independent fits disagree: in all of 2 sessions (40 % of frames agree); check which axis is up (up in rigs.tsv)",
        )
    ]


def test_floors_that_are_not_beaten_are_named(toy):
    toy.pose_floor_high = 0.2
    found = find_pose_faults(read_results(toy.write().open().results.pose_table()), "tiny")
    assert ["mean pose" in finding.text for finding in found] == [True, False]
    assert all(finding.style == "warning" and "[−3.00, 0.20] mm" in finding.text for finding in found)


def test_behaviours_at_the_majority_class_are_named(toy):
    actions = read_results(toy.write().open().results.actions_table())
    actions.loc[actions["features"] == "discovered", "accuracy_ci_low"] = 0.49
    assert "majority class" in find_action_faults(actions, "tiny")[0].text


def test_missing_references_are_notes_not_faults(toy):
    toy.joints = toy.behaviours = False
    study = toy.write().open()
    assert [finding.style for finding in find_pose_faults(read_results(study.results.pose_table()), "tiny")] == ["info"]
    assert find_action_faults(read_results(study.results.actions_table()), "tiny") == []
    assert any("No reference (joints) in 2 of 2 sessions: train1, test1" in text for text in session_texts(study))
    assert any("No reference (behaviours)" in text for text in session_texts(study))


def test_an_evaluation_that_failed_is_said_first(toy):
    study = toy.write().open()
    write_json({"rows": [], "failed": True, "reason": "not evaluated: joint 'paw' is known in only 4 frames"}, study.results.pose("tiny"))
    found = find_pose_faults(read_results(study.results.pose_table()), "tiny", find_failure(study.results.pose("tiny")))
    assert [(note.style, note.text) for note in found] == [
        ("warning", "tiny: keypoints not evaluated: joint 'paw' is known in only 4 frames.")
    ]
    assert not find_failure(study.results.actions("tiny"))


def test_badly_located_sessions_are_listed(toy):
    toy.located = 0.5
    assert "train1 (50.0 %), test1 (50.0 %)" in session_texts(toy.write().open())[0]


def test_videos_with_faults_are_listed(toy):
    study = toy.write().open()
    path = study.results.survey("test1", "cam2")
    survey = read_table(path, "survey")
    survey.loc[3, "fault"] = "black"
    write_table(survey, "survey", path, {"rate": read_metadata(path)["rate"]})
    assert session_texts(study) == ["The survey found faults in the videos of test1 (cam2)."]


def test_high_calibration_errors_name_the_camera(toy):
    study = toy.write().open()
    quality = read_table(study.results.calibration_quality("arena"), "calibration")
    quality.loc[1, "mean_px"] = 2.5
    write_table(quality, "calibration", study.results.calibration_quality("arena"))
    assert [finding.text for finding in find_calibration_faults(study, ["arena"])] == [
        "Rig arena: high reprojection error: cam2 (2.50 px)."
    ]


def test_grave_findings_stand_first(toy):
    toy.located, toy.joints = 0.5, False
    study = toy.write().open()
    located = {session: summarise_location(study, session) for session in study.sessions}
    found = [*find_pose_faults(read_results(study.results.pose_table()), "tiny"), *find_session_faults(study, located)]
    assert [note.style for note in write_findings(found)] == ["warning", "info", "info"]


def test_keypoints_are_faulty_where_most_sessions_say_so(toy):
    study = toy.write().open()
    location, _ = read_location(study, "test1")
    alive = read_named_keypoints(study, "tiny", "test1")
    dead = replace(alive, positions=alive.positions.copy())
    dead.positions[:, 2] = location.set_index("frame").loc[alive.frames, ["x", "y", "z"]].to_numpy() + [0, 0, 40]
    healths = [examine_keypoints(table, location, 200.0) for table in (alive, alive, dead)]
    assert find_keypoint_faults("tiny", dict(zip("ab", healths[:2], strict=True))) == []
    assert find_keypoint_faults("tiny", dict(zip("abc", healths, strict=True))) == []
    (finding,) = find_keypoint_faults("tiny", dict(zip("bc", healths[1:], strict=True)))
    assert "dead keypoints" in finding.text
    assert "k02 (in 1 of 2 sessions)" in finding.text


def test_merged_keypoints_are_counted_as_pairs(toy):
    study = toy.write().open()
    location, _ = read_location(study, "test1")
    keypoints = read_named_keypoints(study, "tiny", "test1")
    keypoints.positions[:, [1, 4]] = keypoints.positions[:, [3]] + 1
    (finding,) = find_keypoint_faults("tiny", {"a": examine_keypoints(keypoints, location, 200.0)})
    assert finding.text == "tiny: merged keypoints (on the same place): k01 and k03, k01 and k04, k03 and k04."


def test_the_doctors_warnings_stand_in_the_report_each_cause_once(toy):
    study = toy.write().open()
    assert find_doctors_warnings(study) == []
    check = {
        "status": "warning",
        "what": "movement",
        "sentence": "it rests",
        "next_step": "film more",
        "session": "test1",
        "camera": "cam1",
    }
    causes = [check | {"places": ["test1/cam1", "train1/cam2"], "times": 2}, check | {"status": "pass", "places": [], "times": 1}]
    write_json({"causes": causes, "checks": [check, check | {"session": "train1", "camera": "cam2"}]}, study.results.doctor_checks())
    assert [note.text for note in find_doctors_warnings(study)] == ["The doctor (test1/cam1, train1/cam2): it rests; film more."]
    assert [note.text for note in find_doctors_warnings(study, "train1")] == ["The doctor (train1/cam2): it rests; film more."]


def test_sessions_that_failed_are_listed_with_their_reasons(toy):
    study = toy.write().open()
    path = study.results.keypoints("tiny", "test1")
    write_table(read_table(path, "keypoints"), "keypoints", path, {"units": "mm", "model": "abc", "failed": "camera cam2: no video"})
    write_json({"rows": [], "left_out": {"train1": "its joints cannot be used: no table", "test1": "?"}}, study.results.pose("tiny"))
    failures = list_failures(study, study.sessions, is_judged=True)
    assert failures == {"test1": "camera cam2: no video", "train1": "its joints cannot be used: no table"}
    assert list_failures(study, ["train1"], is_judged=False) == {}
    assert "test1: camera cam2: no video. No other" in [note.text for note in find_failures(failures)][1]


def test_a_session_without_any_keypoint_makes_none_dead(toy):
    study = toy.write().open()
    location, _ = read_location(study, "test1")
    alive = read_named_keypoints(study, "tiny", "test1")
    nowhere = replace(alive, positions=np.full_like(alive.positions, np.nan))
    healths = {"a": examine_keypoints(alive, location, 200.0), "b": examine_keypoints(nowhere, location, 200.0)}
    assert find_keypoint_faults("tiny", healths) == []
