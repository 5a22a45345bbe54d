from dataclasses import replace

from bkind3d.doctor.checks import Check, group_checks, sort_checks, summarise


def test_failures_come_first_and_decide() -> None:
    checks = [Check("pass", "a", "fine"), Check("warning", "b", "odd", "look"), Check("failure", "c", "broken", "mend it", "s1", "cam2")]
    assert [check.what for check in sort_checks(checks)] == ["c", "b", "a"]
    summary = summarise(checks)
    assert summary["status"] == "failure"
    assert summary["counts"] == {"failure": 1, "warning": 1, "pass": 1}
    assert summary["checks"][0]["camera"] == "cam2"
    assert checks[2].describe().split() == ["failure", "s1/cam2:", "broken;", "mend", "it"]
    assert summarise(checks[:1])["status"] == "pass"


def test_equal_findings_are_one_cause_with_their_places() -> None:
    same = [Check("warning", "movement", f"the subject goes {way} px", "look", f"s{way}", f"cam{way}") for way in range(7)]
    other = Check("warning", "movement", "hardly anything moves: a silhouette in 3 of 50 pictures", "look", "s1", "cam1")
    last = Check("warning", "name", "s1_top.mp4 is called .mp4, but what is in it is matroska", "rename it", "s1", "top")
    causes = group_checks([*same, other, last, replace(last, session="day", sentence=last.sentence.replace("s1_top", "day_top"))])
    assert [len(cause.checks) for cause in causes] == [7, 1, 2]
    assert causes[0].describe().endswith("look [7 times: s0/cam0, s1/cam1, s2/cam2, s3/cam3, s4/cam4, s5/cam5 and 1 more]")
    assert causes[1].describe() == other.describe()
    assert [(cause["times"], cause["places"][0]) for cause in summarise([*same, other])["causes"]] == [(7, "s0/cam0"), (1, "s1/cam1")]
