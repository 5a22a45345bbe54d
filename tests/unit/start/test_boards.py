"""Boards as they are typed, and as other programs describe them."""

import pytest

from bkind3d.config import BoardConfig, InputError
from bkind3d.start.boards import read_board, read_board_file, type_board

ANIPOSE = """nesting = 1
[calibration]
board_type = "{kind}"
board_size = [{size}]
board_marker_bits = 5
board_marker_dict_number = 100
board_marker_length = 18.75
board_square_side_length = 25
"""
SLEAP = "board_x = 8\nboard_y = 11\nsquare_length = 24.0\nmarker_length = 18.75\nmarker_bits = 4\ndict_size = 1000\n"
CALISCOPE = """columns = 4
rows = 5
board_height = 11.0
board_width = 8.5
dictionary = "DICT_4X4_50"
units = "inch"
aruco_scale = 0.75
{}inverted = false
legacy_pattern = false
"""


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("8x11:24:18.75", (8, 11, 24, 18.75, 4, 50)),
        ("8X11:24:18.75:5x5_100", (8, 11, 24, 18.75, 5, 100)),
        ("8x11:24:18.75:DICT_6X6_250", (8, 11, 24, 18.75, 6, 250)),
        ("8x11:24", (8, 11, 24, None, 4, 50)),
    ],
)
def test_a_board_is_what_is_typed(text, values):
    board = BoardConfig(**read_board(text))
    found = (board.squares_x, board.squares_y, board.square_length, board.marker_length, board.marker_bits, board.dictionary_size)
    assert found == values
    assert BoardConfig(**read_board(type_board(read_board(text)))) == board


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("8x11:24:18.75:5", "'5' is no dictionary of markers"),
        ("8x11:24:18.75:5x4_50", "no dictionary"),
        ("8x11:24:18.75:4x4_51", "no dictionary"),
        ("8x11:24:18.75:4x4_50:7", "'4x4_50:7' is no dictionary"),
        ("8x11", "write squares along x and y"),
        ("8x11:24:", "write squares along x and y"),
        ("8x11:18:24", "must be shorter than square_length"),
        ("nan", "write squares"),
    ],
)
def test_what_cannot_be_understood_is_refused_whole(text, message):
    with pytest.raises(InputError, match=message) as error:
        read_board(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "units", "typed"),
    [
        (ANIPOSE.format(kind="charuco", size="7, 10"), "mm", "7x10:25:18.75:5x5_100"),
        (ANIPOSE.format(kind="checkerboard", size="7, 10"), "mm", "8x11:25"),
        (SLEAP, "mm", "8x11:24:18.75:4x4_1000"),
        (SLEAP.replace("board_x", "board_width").replace("board_y", "board_height"), "mm", "8x11:24:18.75:4x4_1000"),
        (SLEAP.split("marker", maxsplit=1)[0], "mm", "9x12:24"),
        (CALISCOPE.format("square_size_overide_cm = 5.4\n"), "mm", "4x5:54:40.5:4x4_50"),
        (CALISCOPE.format("square_size_overide_cm = 5.4\n"), "m", "4x5:0.054:0.0405:4x4_50"),
        (CALISCOPE.format(""), "cm", "4x5:5.3975:4.048125:4x4_50"),
    ],
)
def test_boards_of_other_programs(tmp_path, content, units, typed):
    (tmp_path / "board.toml").write_text(content)
    assert type_board(read_board_file(tmp_path / "board.toml", units)) == typed


def test_other_files_describe_no_board(tmp_path, real_data):
    (tmp_path / "config.toml").write_text("[triangulation]\ncam_regex = 'cam([A-Z])'\n")
    assert read_board_file(tmp_path / "config.toml", "mm") is None
    assert read_board_file(real_data / "sleap_anipose" / "calibration.toml", "mm") is None
    assert type_board(read_board_file(real_data / "sleap_anipose" / "board.toml", "mm")) == "8x11:24:18.75:4x4_1000"


@pytest.mark.parametrize("broken", ["board_type = 'aruco'", "board_type = 'charuco'\nboard_size = 7", "board_type = 'charuco'"])
def test_half_a_board_is_refused_in_one_line(tmp_path, broken):
    (tmp_path / "config.toml").write_text(f"[calibration]\n{broken}\n")
    with pytest.raises(InputError, match="describes a board, but not all of it"):
        read_board_file(tmp_path / "config.toml", "mm")
