import numpy as np
import pytest

from bkind3d.calibration.boards import Corners, detect_corners, locate_model, make_board
from bkind3d.calibration.misprints import check_rows, explain_unseen_board, show_more_rows
from bkind3d.calibration.printing import draw_board
from bkind3d.config import BoardConfig

pytest.importorskip("aniposelib", reason="aniposelib is not installed")
BOARD = BoardConfig(squares_x=7, squares_y=5, square_length=20, marker_length=15)
PICTURE = draw_board(BOARD)
CHECKERBOARD = BoardConfig(pattern="checkerboard", squares_x=7, squares_y=4, square_length=20)


def change(**values: object) -> BoardConfig:
    return BoardConfig(**BOARD.model_dump() | values)


@pytest.mark.parametrize(
    ("picture", "board", "reason"),
    [
        (np.ascontiguousarray(PICTURE[:, ::-1]), BOARD, "it is there in the mirror image: the video is mirrored"),
        (255 - PICTURE, BOARD, "it is there in the negative"),
        (PICTURE, change(squares_x=5, squares_y=7), "the board in the pictures has 7 x 5 squares"),
        (draw_board(change(squares_y=6, legacy_pattern="true")), change(squares_y=6, legacy_pattern="false"), "with legacy_pattern: true"),
        (PICTURE, change(marker_bits=6), "markers of 4 bits, numbers up to 16 .* the settings say marker_bits 6"),
        (PICTURE, change(squares_x=9), "do not lie as on a board of 9 x 5 squares with 22 markers"),
        (np.full((200, 200), 128, np.uint8), BOARD, "no marker of any dictionary is found"),
        (PICTURE, CHECKERBOARD, "it has markers of 4 bits: write pattern: charuco"),
        (np.full((200, 200), 128, np.uint8), CHECKERBOARD, "check that it is sharp"),
    ],
)
def test_the_reason_is_named(picture: np.ndarray, board: BoardConfig, reason: str) -> None:
    import re

    assert re.search(reason, explain_unseen_board([picture], board))


@pytest.mark.parametrize(
    ("printed", "legacy", "configured", "expected"),
    [(5, "false", 5, False), (5, "false", 4, True), (6, "false", 5, True), (6, "true", 6, False), (6, "true", 4, True)],
)
def test_more_rows_than_the_settings_say_are_seen(printed: int, legacy: str, configured: int, expected: bool) -> None:
    picture = draw_board(change(squares_y=printed, legacy_pattern=legacy))
    assert show_more_rows([picture], change(squares_y=configured), legacy == "true") == [expected]


def test_rows_that_are_never_seen_are_remarked_on() -> None:
    for rows, expected in ((5, []), (6, ["no camera ever sees more than 5 of the board's 6 rows"]), (7, ["more than 5 of the board's 7"])):
        board = make_board(change(squares_y=rows))
        points = np.tile(detect_corners(board, PICTURE), (2, 6, 1, 1))
        corners = Corners(["left", "right"], 2 * [(PICTURE.shape[1], PICTURE.shape[0])], np.arange(6), points, locate_model(board), board)
        texts = [finding.text for finding in check_rows(corners)]
        assert len(texts) == len(expected) and all(part in text for part, text in zip(expected, texts, strict=True))
        assert not check_rows(corners.select(np.arange(4)))  # too few views to tell
