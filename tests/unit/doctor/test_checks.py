from bkind3d.doctor.checks import Check, sort_checks, summarise


def test_failures_come_first_and_decide() -> None:
    checks = [Check("pass", "a", "fine"), Check("warning", "b", "odd", "look"), Check("failure", "c", "broken", "mend it", "s1", "cam2")]
    assert [check.what for check in sort_checks(checks)] == ["c", "b", "a"]
    summary = summarise(checks)
    assert summary["status"] == "failure"
    assert summary["counts"] == {"failure": 1, "warning": 1, "pass": 1}
    assert summary["checks"][0]["camera"] == "cam2"
    assert checks[2].describe().split() == ["failure", "s1/cam2:", "broken;", "mend", "it"]
    assert summarise(checks[:1])["status"] == "pass"
