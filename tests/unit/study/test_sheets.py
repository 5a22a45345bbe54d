from pathlib import Path

import pytest

from bkind3d.config import InputError
from bkind3d.study.sheets import read_cameras, read_rigs, read_sessions

SESSIONS = "session\tsubject\trig\tsplit\tstart\tstop\tjoints\tjoints_axes\tbehaviours\tdose\tframe_rate\n"
RIGS = "rig\tunits\tcalibration\tboard\tboard_videos\tup\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_sessions_keep_further_columns_and_their_lines(tmp_path):
    text = "\ufeff" + SESSIONS + "\n# a remark\na\tm1\tbox\ttrain\t5\t20\tj.parquet\tzxy\tb.parquet\t3 mg\t29.97\nb\tm2\tbox\n"
    rows = read_sessions(write(tmp_path / "sessions.tsv", text))
    assert list(rows) == ["a", "b"]
    first, second = rows.values()
    assert (first.line, first.split, first.start, first.stop, first.joints_axes, first.more) == (4, "train", 5, 20, "ZXY", {"dose": "3 mg"})
    assert (first.frame_rate, second.frame_rate) == (29.97, None)
    assert (second.split, second.start, second.joints, second.more) == ("predict", None, "", {"dose": ""})


def test_a_sheet_saved_on_windows_is_read(tmp_path):
    path = tmp_path / "cameras.tsv"
    path.write_bytes(b"session\tcamera\tvideo\r\na\tleft\tl.mp4 \r\n")
    assert read_cameras(path)["a"]["left"].video == "l.mp4"


def test_a_camera_may_have_several_files(tmp_path):
    text = "session\tcamera\tvideo\na\tleft\tl 0.mp4; l 1.mp4\na\tright\t{}\n"
    row = read_cameras(write(tmp_path / "cameras.tsv", text.format("r.mp4")))["a"]
    assert (row["left"].videos, row["right"].videos) == (["l 0.mp4", "l 1.mp4"], ["r.mp4"])
    for cell, message in (("r.mp4;r.mp4", "row 3: column 'video' has 'r.mp4' twice"), ("r.mp4;", "row 3: column 'video' has a ; with no")):
        with pytest.raises(InputError, match=message):
            read_cameras(write(tmp_path / "cameras.tsv", text.format(cell)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        (SESSIONS, "has no rows"),
        ("session,subject,rig\na,m,box\n", "separated by tabs"),
        ("session\tsubject\na\tm\n", "column 'rig' is missing"),
        ("session\tsubject\trig\trig\na\tm\tbox\tbox\n", "'rig' is there twice"),
        ("session\tsubject\trig\tbehaviors\na\tm\tbox\tx\n", "did you mean 'behaviours'"),
        (SESSIONS + f"a\tm1\tbox\ttrain\t{'9' * 5000}\n", "row 2: start is '999.*; write a frame number"),
        (SESSIONS + "a\tm1\tbox\t\t\t\tj\0.parquet\n", r"row 2: has the letter '\\x00', which cannot be printed"),
        (SESSIONS + "a\tm1\tbox\ttrian\n", "row 2: split is 'trian'; use train, test, predict"),
        (SESSIONS + "a b\tm1\tbox\n", "row 2: session is 'a b'"),
        (SESSIONS + "a\tm1\t../box\n", "row 2: rig is '../box'"),
        (SESSIONS + "-a\tm1\tbox\n", "row 2: session is '-a'; names .* do not begin with -"),
        (SESSIONS + "a\tm1\tbox\n\na\tm2\tbox\n", "row 4: session 'a' is already in row 2"),
        (SESSIONS + "a\tm1\tbox\ttrain\t10\t5\n", "row 2: stop 5 is not after start 10"),
        (SESSIONS + "a\tm1\tbox\ttrain\t-1\n", "row 2: start is '-1'"),
        (SESSIONS + "a\tm1\tbox\ttrain\t\t\tj.trc\tXYY\n", "joints_axes is 'XYY'"),
        *((SESSIONS + f"a\tm1\tbox\ttrain\t\t\t\t\t\t\t{rate}\n", f"frame_rate is '{rate}'") for rate in ("0", "-30", "nan", "fast")),
        (SESSIONS + "a" + "\t" * 12 + "\n", "row 2: has 13 cells for 11 columns"),
    ],
)
def test_wrong_sessions_are_refused_in_one_line(tmp_path, text, message):
    path = write(tmp_path / "sessions.tsv", text)
    with pytest.raises(InputError, match=message) as error:
        read_sessions(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("session\tcamera\tvideo\na\tleft\tl.mp4\na\tleft\tm.mp4\n", "row 3: camera 'left' of session 'a' is already in row 2"),
        ("session\tcamera\tvideo\na\tleft\t\n", "row 2: column 'video' is empty"),
        ("session\tcamera\tvideo\tvidoe\na\tleft\tl.mp4\tx\n", "unknown column 'vidoe'; did you mean 'video'"),
        ("session\tcamera\tvideo\tdose\na\tleft\tl.mp4\tx\n", "unknown column 'dose'; the columns are"),
    ],
)
def test_wrong_cameras_are_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_cameras(write(tmp_path / "cameras.tsv", text))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("box\tmm", "has neither a calibration nor board videos"),
        ("box\tmm\tc.toml\tcharuco\tb/{camera}.mp4", "has both"),
        ("box\tinch\tc.toml", "units is 'inch'; use mm, cm, m"),
        ("box\tmm\tc.toml\t\t\tw", "up is 'w'"),
        ("box\tmm\tc.toml\nbox\tmm\td.toml", "row 3: rig 'box' is already in row 2"),
    ],
)
def test_wrong_rigs_are_refused(tmp_path, row, message):
    with pytest.raises(InputError, match=message):
        read_rigs(write(tmp_path / "rigs.tsv", RIGS + row + "\n"))


GIVEN = "rig\tunits\tcalibration\tcalibration_format\tcalibration_size\tcalibration_subject\n"


def test_a_given_calibration_is_described(tmp_path):
    row = read_rigs(write(tmp_path / "rigs.tsv", GIVEN + "box\tmm\tmetadata.xml\thuman36m\ta=640x480 1000x1002\tS9\n"))["box"]
    assert (row.calibration_format, row.calibration_size, row.calibration_subject) == ("human36m", "a=640x480 1000x1002", "S9")
    assert read_rigs(write(tmp_path / "rigs.tsv", RIGS + "box\tmm\tc.mat\n"))["box"].calibration_size == ""


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("box\tmm\tc.mat\tlabel3d", "row 2: calibration_format is 'label3d'; use aniposelib, caliscope, dannce,"),
        ("box\tmm\tc.mat\tdannce\t1152", "row 2: calibration_size: '1152' is no picture size"),
        ("box\tmm\tc.ods", r"row 2: c\.ods: calibration files end with"),
        ("box\tmm\tc.ods\taniposelib", None),
    ],
)
def test_a_given_calibration_is_described_in_words_that_are_known(tmp_path, row, message):
    path = write(tmp_path / "rigs.tsv", GIVEN + row + "\n")
    if message is None:
        assert read_rigs(path)["box"].calibration == "c.ods"
        return
    with pytest.raises(InputError, match=message):
        read_rigs(path)


def test_what_describes_no_calibration_is_refused(tmp_path):
    text = "rig\tunits\tboard\tboard_videos\tcalibration_size\nbox\tmm\tb\t{camera}.mp4\t640x480\n"
    with pytest.raises(InputError, match="row 2: calibration_size is given, but no calibration"):
        read_rigs(write(tmp_path / "rigs.tsv", text))


def test_a_missing_sheet_is_named(tmp_path):
    with pytest.raises(InputError, match="nowhere.tsv: cannot be read"):
        read_rigs(tmp_path / "nowhere.tsv")
