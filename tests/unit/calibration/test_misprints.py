import numpy as np
import pytest

from bkind3d.calibration.misprints import explain_unseen_board
from bkind3d.calibration.printing import draw_board
from bkind3d.config import BoardConfig

pytest.importorskip("aniposelib", reason="aniposelib is not installed")
BOARD = BoardConfig(squares_x=7, squares_y=5, square_length=20, marker_length=15)
PICTURE = draw_board(BOARD)


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
    ],
)
def test_the_reason_is_named(picture: np.ndarray, board: BoardConfig, reason: str) -> None:
    import re

    assert re.search(reason, explain_unseen_board([picture], board))
