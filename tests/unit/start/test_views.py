"""From a folder of videos that show several views each to sheets."""

import re

import numpy as np
import pytest

from bkind3d.cli import main
from bkind3d.config import SurveyConfig
from bkind3d.data.crops import Crop
from bkind3d.data.parquet import read_metadata, read_table
from bkind3d.start.views import arrange
from bkind3d.study.opening import load_study
from bkind3d.survey.videos import survey_video
from tests.unit.start.test_study import CALIBRATION

SHAPES = {"side": (48, 20), "bottom": (48, 28)}


def write_calibration(path, shapes):
    """Cameras of these picture sizes."""
    text = CALIBRATION.format(*shapes)
    for width, height in shapes.values():
        text = text.replace("size = [ 48, 32,]", f"size = [{width}, {height}]", 1)
    path.write_text(text)


@pytest.fixture
def recordings(tmp_path, write_video):
    for name in ("m1", "m2"):
        write_video(tmp_path / "rec" / f"{name}.mp4", np.full((5, 48, 48, 3), 90, np.uint8))
    write_calibration(tmp_path / "rec/rig.toml", SHAPES)
    return tmp_path / "rec"


def test_views_are_proposed_where_a_calibration_has_cameras_that_fill_the_picture(recordings, tmp_path, capsys):
    assert main(["init", str(recordings), "--study", str(tmp_path / "study"), "--views"]) == 0
    said = capsys.readouterr().out
    assert "m1: side, bottom; 48x48" in said
    assert "else: --views side=0,0,48,20 bottom=0,20,48,28" in said
    assert "rig.toml: each camera is calibrated for its part of the picture" in said
    study = load_study(folder=tmp_path / "study")
    assert study.find_crops("rig") == {"side": Crop(0, 0, 48, 20), "bottom": Crop(0, 20, 48, 28)}
    assert study.find_view("m2", "bottom").files == (recordings / "m2.mp4",)


def test_views_are_where_the_user_says_it_and_a_calibration_may_be_of_the_whole_picture(recordings, tmp_path, capsys):
    write_calibration(recordings / "rig.toml", dict.fromkeys(SHAPES, (48, 48)))
    assert main(["init", str(recordings), "--study", str(tmp_path / "study"), "--views", "side=0,0,48,22", "bottom=0,20,48,28"]) == 0
    said = capsys.readouterr().out
    assert "rig.toml: each camera is calibrated for the whole picture" in said
    assert "The views side and bottom overlap" in said
    assert load_study(folder=tmp_path / "study").find_crops("rig")["side"] == Crop(0, 0, 48, 22)


def test_a_session_of_views_is_added_with_the_crops_of_its_rig(recordings, tmp_path, write_video, capsys):
    assert main(["init", str(recordings), "--study", str(tmp_path / "study"), "--views"]) == 0
    write_video(tmp_path / "new" / "m3.mp4", np.full((5, 48, 48, 3), 90, np.uint8))
    assert main(["add-session", str(tmp_path / "study"), str(tmp_path / "new")]) == 0
    assert load_study(folder=tmp_path / "study").find_view("m3", "bottom").crop == Crop(0, 20, 48, 28)
    write_video(tmp_path / "small" / "m4.mp4", np.full((5, 32, 48, 3), 90, np.uint8))
    before = (tmp_path / "study/config/cameras.tsv").read_text()
    assert main(["add-session", str(tmp_path / "study"), str(tmp_path / "small")]) == 2
    assert re.search(r"m4.mp4: view bottom=0,20,48,28 is not all inside its pictures of 48x32", capsys.readouterr().err)
    assert (tmp_path / "study/config/cameras.tsv").read_text() == before


def test_a_board_that_all_views_share_is_found(recordings, tmp_path, write_video, capsys):
    (recordings / "rig.toml").unlink()
    write_video(recordings / "board.mp4", np.full((5, 48, 48, 3), 90, np.uint8))
    views = ["--views", "side=0,0,48,20", "bottom=0,20,48,28,flip", "--board", "7x5:60:45"]
    assert main(["init", str(recordings), "--study", str(tmp_path / "study"), *views]) == 0
    study = load_study(folder=tmp_path / "study")
    assert {camera: (view.files, str(view.crop)) for camera, view in study.find_board_views("boards").items()} == {
        "side": ((recordings / "board.mp4",), "0,0,48,20"), "bottom": ((recordings / "board.mp4",), "0,20,48,28,flip")
    }  # fmt: skip


@pytest.mark.parametrize(
    ("views", "message"),
    [
        (["side=0,0,48,20"], "--views side=0,0,48,20: is one view; 2 are the least"),
        (["side=0,0,48,20", "side=0,20,48,28"], "view 'side' is there twice"),
        (["side=0,0,48,20", "0,20,48,28"], "--views 0,20,48,28: is not of the form CAMERA="),
        (["side=0,0,48,20", "bottom=0,20,48,0"], "which holds no pixel"),
        (["side=0,0,48,20", "bottom=0,20,48,29"], "m1.mp4: view bottom=0,20,48,29 is not all inside its pictures of 48x48"),
        (["side=0,0,48,20", "top=0,20,48,28"], "has no calibration with its cameras side, top"),
        (["side=0,0,48,20", "bottom=0,20,40,28"], "the aspect differs"),
        (["--pattern", "{camera}_x"], "videos show all views: write {session}"),
    ],
)
def test_wrong_views_get_one_line_and_leave_nothing(recordings, tmp_path, capsys, views, message):
    assert main(["init", str(recordings), "--study", str(tmp_path / "study"), "--views", *views]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "study").exists()


def test_without_a_calibration_that_says_it_views_have_to_be_said(recordings, tmp_path, capsys):
    write_calibration(recordings / "rig.toml", {"side": (48, 20), "bottom": (48, 20)})
    assert main(["init", str(recordings), "--study", str(tmp_path / "study"), "--views"]) == 2
    assert "no calibration has cameras whose pictures fill one of 48x48; say where each is" in capsys.readouterr().err
    (recordings / "m2.mp4").unlink()
    assert main(["init", str(recordings), "--study", str(tmp_path / "study")]) == 2
    assert (
        "holds one video, m1.mp4; two cameras are the least; where it shows several views (by mirrors, say): --views"
        in capsys.readouterr().err
    )


def test_pictures_fill_another_below_or_beside_each_other_or_row_by_row():
    assert arrange([(48, 20), (48, 28)], (48, 48)) == [Crop(0, 0, 48, 20), Crop(0, 20, 48, 28)]
    assert arrange([(20, 48), (28, 48)], (48, 48)) == [Crop(0, 0, 20, 48), Crop(20, 0, 28, 48)]
    assert arrange(4 * [(24, 16)], (48, 32)) == [Crop(0, 0, 24, 16), Crop(24, 0, 24, 16), Crop(0, 16, 24, 16), Crop(24, 16, 24, 16)]
    assert arrange(3 * [(24, 16)], (48, 32)) == arrange([(48, 48)], (48, 48)) == arrange(2 * [(48, 48)], (48, 48)) == []


def test_the_mirror_of_a_real_running_mouse_is_proposed_and_its_body_is_found_in_both_views(real_data, tmp_path):
    assert main(["init", str(real_data / "mirror_mouse"), "--study", str(tmp_path / "study"), "--views"]) == 0
    study = load_study(folder=tmp_path / "study")
    (session,) = study.sessions
    assert study.find_crops("rig") == {"side": Crop(0, 0, 396, 168), "bottom": Crop(0, 168, 396, 238)}
    # Brighter than its wheel, but for its back: about a quarter of the view from below (and little of the wheel's bars).
    for camera, least, most in (("side", 0.1, 0.4), ("bottom", 0.2, 0.3)):
        survey_video(study.find_view(session, camera), SurveyConfig(threshold="bright"), tmp_path / "survey.parquet", stop=12)
        table, about = read_table(tmp_path / "survey.parquet", "survey"), read_metadata(tmp_path / "survey.parquet")
        assert (about["video_width"], about["video_height"]) == study.find_crops("rig")[camera].size
        assert least < table["area"].median() / (about["width"] * about["height"]) < most
