import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from bkind3d.calibration.boards import detect_corners, make_board
from bkind3d.calibration.printing import PAGES, draw_board, list_black_rectangles, print_board
from bkind3d.config import BoardConfig, InputError, read_boards

pytest.importorskip("aniposelib", reason="aniposelib is not installed")
pytest.importorskip("matplotlib", reason="matplotlib is not installed")
BOARDS = {
    "odd": BoardConfig(squares_x=7, squares_y=5, square_length=20, marker_length=15),
    "even": BoardConfig(squares_x=5, squares_y=6, square_length=20, marker_length=13.3, marker_bits=5, legacy_pattern="false"),
    "old": BoardConfig(squares_x=5, squares_y=6, square_length=20, marker_length=15, legacy_pattern="true"),
    "plain": BoardConfig(pattern="checkerboard", squares_x=7, squares_y=6, square_length=20),
}


@pytest.mark.parametrize("name", BOARDS)
def test_a_drawn_board_is_found(name: str) -> None:
    board = BOARDS[name]
    found = detect_corners(make_board(board, board.legacy_pattern == "true"), draw_board(board))
    assert np.isfinite(found).all()
    assert len(found) == (board.squares_x - 1) * (board.squares_y - 1)


@pytest.mark.parametrize("name", ["odd", "even", "old"])
def test_a_drawn_board_is_the_one_of_opencv(name: str) -> None:
    board = BOARDS[name]
    side = 60
    expected = make_board(board, board.legacy_pattern == "true").board.generateImage((board.squares_x * side, board.squares_y * side))
    drawn = np.full(expected.shape, 255, np.uint8)
    for left, top, right, bottom in np.rint(np.array(list_black_rectangles(board)) * side).astype(int):
        drawn[top:bottom, left:right] = 0
    assert np.mean(drawn != expected) < 0.04  # rounded edges of cells only


@pytest.mark.parametrize(("units", "factor"), [("mm", 1.0), ("cm", 0.1), ("m", 0.001)])
def test_the_page_is_true_to_scale(tmp_path: Path, units: str, factor: float) -> None:
    board = BoardConfig(squares_x=7, squares_y=5, square_length=20 * factor, marker_length=15 * factor)
    print_board(board, "mine", units, tmp_path / "board.pdf")
    content = (tmp_path / "board.pdf").read_bytes()
    width, height = (float(text) for text in re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", content).groups())
    points = 72 / 25.4
    assert width == pytest.approx((140 + 24) * points, abs=0.1)
    assert height == pytest.approx((100 + 24 + 22) * points, abs=0.1)
    assert cv2.imread(str(tmp_path / "board.png"), cv2.IMREAD_GRAYSCALE).shape == draw_board(board).shape
    assert read_boards(tmp_path / "board.yaml") == {"mine": board}


def test_squares_are_drawn_at_their_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("matplotlib").rcParams, "pdf.compression", 0)
    print_board(BOARDS["plain"], "plain", "mm", tmp_path / "board.pdf", "a4")
    content = (tmp_path / "board.pdf").read_bytes().decode("latin-1")
    sides = [float(text) for text in re.findall(r"[\d.]+ [\d.]+ ([\d.]+) [\d.]+ re", content)]
    sides += [abs(float(b) - float(a)) for a, b in re.findall(r"([\d.]+) [\d.]+ m\s+([\d.]+) [\d.]+ l\s", content)]
    assert sum(abs(side - 20 * 72 / 25.4) < 0.01 for side in sides) >= 21


def test_boards_that_cannot_be_printed_are_refused(tmp_path: Path) -> None:
    wide = BoardConfig(squares_x=11, squares_y=6, square_length=40, marker_length=30, dictionary_size=100, legacy_pattern="false")
    with pytest.raises(InputError, match="'wide' is 440 x 240 mm.*more than a4; use --page a2"):
        print_board(wide, "wide", "mm", tmp_path / "board.pdf", "a4")
    with pytest.raises(InputError, match="has two layouts"):
        print_board(wide.model_copy(update={"legacy_pattern": "auto"}), "wide", "mm", tmp_path / "board.pdf")
    with pytest.raises(InputError, match="ends with .pdf"):
        print_board(wide, "wide", "mm", tmp_path / "board.png")
    with pytest.raises(InputError, match="board 'wide': the board would be 440 m .* square_length 40 is not in the rig's units"):
        print_board(wide, "wide", "m", tmp_path / "board.pdf")
    assert list(tmp_path.iterdir()) == []
    assert set(PAGES) >= {"a4", "letter"}
