"""From a folder of recordings to sheets, and further rows of sheets."""

import os
import shlex
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from bkind3d.cli import main
from bkind3d.study.opening import load_study

CALIBRATION = """[cam_0]
name = "{0}"
size = [ 48, 32,]
matrix = [ [ 40.0, 0.0, 24.0,], [ 0.0, 40.0, 16.0,], [ 0.0, 0.0, 1.0,],]
distortions = [ 0.0, 0.0, 0.0, 0.0, 0.0,]
rotation = [ 0.0, 0.0, 0.0,]
translation = [ 0.0, 0.0, 500.0,]

[cam_1]
name = "{1}"
size = [ 48, 32,]
matrix = [ [ 40.0, 0.0, 24.0,], [ 0.0, 40.0, 16.0,], [ 0.0, 0.0, 1.0,],]
distortions = [ 0.0, 0.0, 0.0, 0.0, 0.0,]
rotation = [ 0.0, 0.6, 0.0,]
translation = [ 100.0, 0.0, 500.0,]
"""


@pytest.fixture
def recordings(tmp_path, write_video):
    """Two sessions of two cameras, and a calibration of them."""
    for session in ("m1", "m2"):
        for camera in ("top", "side"):
            write_video(tmp_path / "rec" / session / f"{camera}.mp4", np.full((5, 32, 48, 3), 90, np.uint8))
    (tmp_path / "rec" / "rig.toml").write_text(CALIBRATION.format("top", "side"))
    return tmp_path / "rec"


@pytest.fixture
def study(recordings, tmp_path):
    assert main(["init", str(recordings), "--study", str(tmp_path / "study")]) == 0
    return tmp_path / "study"


def list_files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_study_is_made_and_nothing_is_written_beside_the_recordings(recordings, tmp_path, capsys):
    before = list_files(recordings)
    os.chmod(recordings, 0o555)
    assert main(["init", str(recordings), "--study", str(tmp_path / "study"), "--units", "cm"]) == 0
    os.chmod(recordings, 0o755)
    assert list_files(recordings) == before
    said = capsys.readouterr().out
    assert "m1: side, top; 48x32, about 5 frames at 30 per second" in said
    assert f"bkind3d doctor {tmp_path / 'study'}" in said
    made = load_study(folder=tmp_path / "study")
    assert {name: row.split for name, row in made.sessions.items()} == {"m1": "train", "m2": "train"}
    assert made.rigs["rig"].units == "cm"
    assert made.rigs["rig"].calibration == "rig.toml"
    assert made.config.experiments["bkind3d"].training.neighbour_frames == 2


def test_paths_with_blanks_and_accents_that_are_long_stay_whole(recordings, tmp_path, capsys):
    """The next command can be copied as it is printed, and the settings find the recordings."""
    folder = (
        tmp_path / "Aufnahmen unserer Mäuse im großen Käfig" / "mit vier Kameras, einem Brett und dem ganzen Drumherum" / "Frühjahr 2026"
    )
    folder.parent.mkdir(parents=True)
    recordings.rename(folder)
    assert main(["init", str(folder), "--study", str(tmp_path / "meine Studie")]) == 0
    command = capsys.readouterr().out.splitlines()[-1]
    assert shlex.split(command) == ["bkind3d", "doctor", str(tmp_path / "meine Studie")]
    made = load_study(folder=tmp_path / "meine Studie")
    assert made.find_videos("m1", "top") == [str(folder / "m1" / "top.mp4")]


def test_markers_tell_the_board_from_the_sessions_whatever_it_is_called(recordings, tmp_path, write_video, capsys):
    (recordings / "rig.toml").unlink()
    board = cv2.aruco.CharucoBoard((7, 5), 60, 45, cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50))
    picture = cv2.cvtColor(board.generateImage((280, 200), marginSize=20), cv2.COLOR_GRAY2RGB)
    for camera in ("top", "side"):
        # Held up late, and in no keyframe.
        write_video(recordings / "qx" / f"{camera}.mp4", [np.full_like(picture, 90)] * 20 + [picture] * 16)
    assert main(["init", str(recordings), "--study", str(tmp_path / "study"), "--board", "7x5:60:45"]) == 0
    made = load_study(folder=tmp_path / "study")
    assert set(made.sessions) == {"m1", "m2"}
    assert made.rigs["boards"].board_videos == "qx/{camera}.mp4"
    assert made.config.boards["board"].marker_length == 45
    assert "MEASURE" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("spoil", "options", "message"),
    [
        (lambda rec: (rec / "rig.toml").unlink(), [], "has no calibration with its cameras side, top"),
        (lambda rec: (rec / "rig.toml").write_text(CALIBRATION.format("a", "b")), [], "has no calibration with its cameras side, top"),
        (lambda rec: (rec / "other.toml").write_text(CALIBRATION.format("a", "b")), ["--calibration", "rec/other.toml"],
         "other.toml: has the cameras a, b, session 'm1' has side, top; name the cameras alike"),
        (lambda rec: None, ["--calibration", "rec/none.toml"], "none.toml"),
        (lambda rec: None, ["--board", "7x5:60:45"], "has no videos of a board"),
        (lambda rec: None, ["--board", "7x5:60:45", "--calibration", "rec/rig.toml"], "give one of them"),
        (lambda rec: None, ["--size", "48x32"], "is for calibrations that do not say their picture size"),
        (lambda rec: None, ["--size", "64x32"], "the size given is 64x32; leave it out"),
        (lambda rec: None, ["--subject", "{animal}_*"], "write {subject} once"),
        (lambda rec: None, ["--subject", "{subject}_x"], "does not fit session 'm1'"),
        (lambda rec: shutil.copytree(rec / "m1", rec / "board") and (rec / "rig.toml").unlink(), ["--board", "7x5x3:60"],
         "--board '7x5x3:60': write squares along x and y"),
        (lambda rec: shutil.copytree(rec / "m1", rec / "board") and (rec / "board/top.mp4").rename(rec / "board/oblique.mp4") and (rec / "rig.toml").unlink(),
         ["--board", "7x5:60:45"], "session 'm1' has 'top', too; film the board with all cameras"),
    ],
)  # fmt: skip
def test_what_cannot_become_a_study_gets_one_line_and_leaves_nothing(recordings, tmp_path, capsys, monkeypatch, spoil, options, message):
    monkeypatch.chdir(tmp_path)
    spoil(recordings)
    assert main(["init", "rec", "--study", "study", *options]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not [path for path in tmp_path.iterdir() if "study" in path.name]


def test_a_study_is_never_overwritten(study, recordings, capsys):
    before = list_files(study)
    assert main(["init", str(recordings), "--study", str(study)]) == 2
    assert "is there already and is never overwritten" in capsys.readouterr().err
    assert list_files(study) == before


def test_no_study_is_made_among_the_recordings(recordings, capsys):
    before = list_files(recordings)
    assert main(["init", str(recordings), "--study", str(recordings / "study")]) == 2
    assert "holds recordings and is never written to" in capsys.readouterr().err
    assert list_files(recordings) == before


def test_recordings_may_lie_deep_and_have_spaces_and_accents_in_their_names(recordings, tmp_path):
    folder = tmp_path / "Shared drive of the laboratory" / "Größe: raw data of all experiments" / "#3 with one more long name, and another"
    shutil.copytree(recordings, folder / "rec")
    assert main(["init", str(folder / "rec"), "--study", str(tmp_path / "study")]) == 0
    assert load_study(folder=tmp_path / "study").config.recordings == str(folder / "rec")


def test_a_session_is_added_to_what_people_wrote_into_the_sheets(study, recordings, write_video, capsys):
    sheet = study / "config/sessions.tsv"
    sheet.write_text("# our mice\nsession\tdose\trig\tsubject\tsplit\nm1\t3\trig\tanna\ttrain\nm2\t\trig\tbert\ttrain\n")
    for camera in ("top", "side"):
        write_video(recordings / "later" / "m3" / f"{camera}.mp4", np.full((5, 32, 48, 3), 90, np.uint8))
    assert main(["add-session", str(study), str(recordings / "later" / "m3"), "--subject", "Cäsar"]) == 0
    assert f"bkind3d doctor {study} --sessions m3" in capsys.readouterr().out
    assert sheet.read_text().splitlines() == [
        "# our mice", "session\tdose\trig\tsubject\tsplit", "m1\t3\trig\tanna\ttrain", "m2\t\trig\tbert\ttrain", "m3\t\trig\tCasar\tpredict",
    ]  # fmt: skip
    made = load_study(folder=study)
    assert {name: row.video for name, row in made.cameras["m3"].items()} == {"top": "later/m3/top.mp4", "side": "later/m3/side.mp4"}


def test_a_sheet_stays_where_a_link_leads_and_for_whom_it_is(study, recordings, tmp_path):
    sheet = study / "config/sessions.tsv"
    shared = sheet.rename(tmp_path / "shared.tsv")
    shared.chmod(0o664)
    sheet.symlink_to(shared)
    shutil.copytree(recordings / "m1", recordings / "m3")
    assert main(["add-session", str(study), str(recordings / "m3")]) == 0
    assert sheet.is_symlink()
    assert "m3" in shared.read_text()
    assert shared.stat().st_mode & 0o777 == 0o664


@pytest.mark.parametrize(
    ("folder", "options", "message"),
    [
        ("m1", [], "session 'm1' is already in row 2; rename one"),
        ("new", ["--rig", "cage"], "--rig cage: the study has no such rig; it has rig"),
        ("strange", [], "camera 'front' of the sheet is not in the calibration; it has side, top"),
        ("empty", [], "holds no videos"),
    ],
)
def test_what_cannot_be_added_changes_nothing(study, recordings, write_video, capsys, folder, options, message):
    (recordings / "empty").mkdir()
    for path in ("new/top", "new/side", "strange/top", "strange/front"):
        write_video(recordings / f"{path}.mp4", np.full((5, 32, 48, 3), 90, np.uint8))
    before = list_files(study)
    assert main(["add-session", str(study), str(recordings / folder), *options]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert list_files(study) == before


def test_line_ends_and_byte_order_mark_of_a_sheet_stay(study, recordings):
    sheet = study / "config/sessions.tsv"
    before = "\ufeff" + sheet.read_text().replace("\n", "\r\n")
    sheet.write_bytes(before.encode())
    shutil.copytree(recordings / "m1", recordings / "m3")
    assert main(["add-session", str(study), str(recordings / "m3")]) == 0
    assert sheet.read_bytes().decode() == before + "m3\tm3\trig\tpredict\t\t\t\t\r\n"
    assert set(load_study(folder=study).sessions) == {"m1", "m2", "m3"}


@pytest.mark.parametrize("name", ["20240501", "no", "null", "1e5", "~x", "0x1F", "12_30", "on"])
def test_a_folder_may_have_any_name(recordings, tmp_path, name):
    recordings.rename(tmp_path / name)
    assert main(["init", str(tmp_path / name), "--study", str(tmp_path / "study")]) == 0
    made = load_study(folder=tmp_path / "study")
    assert made.config.dataset == name.lstrip("~")
    assert made.config.recordings == str(tmp_path / name)


def test_a_session_may_have_a_camera_that_the_first_ones_lacked(recordings, tmp_path, write_video):
    third = CALIBRATION.format("top", "side").split("[cam_1]")[1].replace("side", "front").replace("100.0, 0.0", "50.0, 90.0")
    (recordings / "rig.toml").write_text(CALIBRATION.format("top", "side") + "\n[cam_2]" + third)
    assert main(["init", str(recordings), "--study", str(tmp_path / "study")]) == 0
    for camera in ("top", "side", "front"):
        write_video(tmp_path / "later" / "m3" / f"{camera}.mp4", np.full((5, 32, 48, 3), 90, np.uint8))
    assert main(["add-session", str(tmp_path / "study"), str(tmp_path / "later" / "m3")]) == 0
    assert set(load_study(folder=tmp_path / "study").cameras["m3"]) == {"top", "side", "front"}


def test_a_session_may_have_a_camera_that_only_the_board_videos_had(recordings, tmp_path, write_video):
    for camera in ("top", "side", "front"):
        write_video(recordings / "board" / f"{camera}.mp4", np.full((5, 32, 48, 3), 90, np.uint8))
        write_video(tmp_path / "later" / "m3" / f"{camera}.mp4", np.full((5, 32, 48, 3), 90, np.uint8))
    assert main(["init", str(recordings), "--study", str(tmp_path / "study"), "--board", "7x5:60:45"]) == 0
    assert main(["add-session", str(tmp_path / "study"), str(tmp_path / "later" / "m3")]) == 0
    assert set(load_study(folder=tmp_path / "study").cameras["m3"]) == {"top", "side", "front"}


@pytest.mark.parametrize(
    ("folder", "sessions", "rig", "said"),
    [
        ("pose2sim_single", {"pose2sim_single": 4}, "Calib.qca.txt", ["Calib_qualisys.toml: in mm, the cameras would be 7.583 mm apart"]),
        ("sleap_anipose", {"minimal": 4}, "{camera}/calibration_images/minimal_session-{camera}-calibration.MOV",
         ["8x11:24:18.75:4x4_1000", "calibration.toml: cameras 'side' and 'top' have the same position"]),
    ],
)  # fmt: skip
def test_recordings_as_they_were_published(real_data, tmp_path, capsys, folder, sessions, rig, said):
    assert main(["init", str(real_data / folder), "--study", str(tmp_path / "study")]) == 0
    made = load_study(folder=tmp_path / "study")
    assert {name: len(cameras) for name, cameras in made.cameras.items()} == sessions
    assert [row.calibration or row.board_videos for row in made.rigs.values()] == [rig]
    printed = capsys.readouterr().out
    assert [words for words in said if words not in printed] == []


def test_a_rate_that_no_camera_has_is_told_and_can_be_said(recordings, tmp_path, write_video, capsys):
    write_video(recordings / "m1/top.mp4", np.full((5, 32, 48, 3), 90, np.uint8), rate=1)
    assert main(["init", str(recordings), "--study", str(tmp_path / "guessed")]) == 0
    assert "Assumed 1 frames per second for m1/top.mp4, as the file says; if that is wrong, say --rate." in capsys.readouterr().out
    assert main(["init", str(recordings), "--study", str(tmp_path / "said"), "--rate", "100"]) == 0
    assert "per second, as the file says" not in capsys.readouterr().out
    study = load_study(folder=tmp_path / "said")
    assert {row.frame_rate for row in study.sessions.values()} == {100}
    assert study.config.experiments["bkind3d"].training.neighbour_frames == 7
    assert main(["init", str(recordings), "--study", str(tmp_path / "none"), "--rate", "0"]) == 2


@pytest.mark.parametrize("place", ["joints/{0}.parquet", "{0}/joints.parquet", "truth/{0}_joints.parquet"])
def test_joints_that_lie_there_are_taken_and_a_subject_judges(recordings, tmp_path, capsys, place):
    for session in ("m1", "m2"):
        path = recordings / place.format(session)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    (recordings / "poses-3d.h5").write_bytes(b"")
    assert main(["init", str(recordings), "--study", str(tmp_path / "study")]) == 0
    study = load_study(folder=tmp_path / "study")
    assert {name: (row.joints, row.split) for name, row in study.sessions.items()} == {
        "m1": (place.format("m1"), "train"),
        "m2": (place.format("m2"), "test"),
    }
    said = capsys.readouterr().out
    assert "Assumed that m2 judges the result" in said and "poses-3d.h5: perhaps true joints" in said
