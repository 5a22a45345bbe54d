"""Board videos alone."""

import numpy as np
import pytest

from bkind3d.cli import main
from bkind3d.config import InputError
from bkind3d.start.board_videos import find_board_recording

SLEAP = "board_x = 8\nboard_y = 11\nsquare_length = 24.0\nmarker_length = 18.75\nmarker_bits = 4\ndict_size = 1000\n"


@pytest.fixture
def folder(tmp_path, write_video):
    for name in ("calib_camA", "calib_camB"):
        write_video(tmp_path / "boards" / f"{name}.mov", np.full((5, 32, 48, 3), 90, np.uint8))
    return tmp_path / "boards"


def test_cameras_and_board_are_found(folder):
    (folder / "board.toml").write_text(SLEAP)
    videos, board, said = find_board_recording(folder, None, None, "mm")
    assert videos == {camera: [str(folder / f"calib_{camera}.mov")] for camera in ("camA", "camB")}
    assert (board.squares_x, board.squares_y, board.dictionary_size) == (8, 11, 1000)
    assert "as board.toml describes it; change it with --board" in said
    assert find_board_recording(folder, None, "7x5:60:45", "mm")[1].squares_x == 7


def test_pieces_of_a_board_video_stay_in_order(folder, write_video):
    for camera in ("camA", "camB"):
        write_video(folder / "more" / f"{camera}_2.mov", np.full((3, 32, 48, 3), 90, np.uint8))
        write_video(folder / "more" / f"{camera}_1.mov", np.full((5, 32, 48, 3), 90, np.uint8))
    videos, _, said = find_board_recording(folder / "more", None, "7x5:60:45", "mm")
    assert videos["camA"] == [str(folder / "more" / f"camA_{part}.mov") for part in (1, 2)]
    assert "camA: camA_1.mov; camA_2.mov" in said and "are one video in pieces" in said


def test_a_board_that_nobody_describes_is_asked_for(folder):
    with pytest.raises(InputError, match="no file describes the board; say --board 8x11:24:18.75"):
        find_board_recording(folder, None, None, "mm")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{0}", "--board", "7x5:60:45"], "the board is found in no frame"),
        (["{0}"], "no file describes the board"),
        ([], "the board videos are not given, or twice"),
        (["{0}", "--board", "b", "--boards", "x.json"], "is for --videos"),
        (["--videos", "a=x.mp4"], "needs --board"),
    ],
)
def test_the_verb_refuses_in_one_line(folder, tmp_path, capsys, arguments, message):
    output = tmp_path / "calibration.toml"
    assert main(["calibrate-cameras", *(text.format(folder) for text in arguments), "-o", str(output)]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not output.exists()
