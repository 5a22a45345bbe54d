from bkind3d.report.joints import build_curve, build_table, write_judged, write_sentence

FIT = {
    "regressor": "kernel", "folds": "subject", "unit": "second", "n_units": 21, "n_frames": 30, "error": 7.94, "within": 14.1, "level": 0.9,
    "gain": {"n_frames": 30, "expected": 0.61, "low": 0.4, "high": 0.83},
    "curve": [{"n_frames": 10, "error": 9.9, "draws": [9.0, 11.0]}, {"n_frames": 20, "error": 8.5, "draws": [8.0, 9.5]}],
    "joints": {"nose": {"n_frames": 30, "error": 7.0, "within": 12.0}}, "too_few": {"tail": 4},
}  # fmt: skip


def test_the_sentence_says_what_there_is_and_what_more_would_bring():
    assert write_sentence(FIT, "mm") == (
        "30 labelled frames: 7.94 mm, 90 % of joints within 14.10 mm; 30 more are expected to bring 0.61 (0.40 to 0.83). "
        "Errors are those on subjects held out; intervals are calibrated on 21 blocks of a second."
    )


def test_without_test_frames_nothing_is_said_of_them():
    assert write_judged({"reason": "few"}, "mm") == ""
    judged = {"mpjpe": 8.0, "pa_mpjpe": 6.0, "n_train": 30, "level": 0.9, "coverage": 0.91, "subjects": {"rat5": {"coverage": 0.88}}}
    assert "91.0 % of the joints within their 90 % intervals (rat5 88.0 %)" in write_judged(judged, "mm")


def test_joints_that_are_labelled_too_rarely_are_listed():
    assert [[cell.text for cell in row] for row in build_table(FIT, "mm").rows] == [
        ["nose", "30", "7.00", "12.00"],
        ["tail", "4", "too few frames", ""],
    ]
    assert "labelled frames" in build_curve(FIT, "mm").json
