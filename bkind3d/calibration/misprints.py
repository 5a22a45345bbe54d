"""Why a board is not found: what the pictures show instead of what the settings say."""

from collections.abc import Callable, Iterable, Iterator

import cv2
import numpy as np

from bkind3d.calibration.boards import Picture, detect_corners, make_board
from bkind3d.config import BoardConfig

_ADVICE = "check that it is sharp and fills enough of the picture, and the board's squares, marker_bits, dictionary_size and legacy_pattern"
_BITS, _SIZES = (4, 5, 6, 7), (50, 100, 250, 1000)
#: Fewest markers of a dictionary in a picture that are no accident.
_MIN_MARKERS = 4


def explain_unseen_board(pictures: Iterable[Picture], board: BoardConfig) -> str:
    """Say in one clause why `board` is in none of the grey `pictures`, and what to do.

    Tried are the picture's mirror image and negative, the board turned by a quarter, the other layout of rows, and all
    dictionaries of markers.
    """
    shown = list(pictures)
    for reason, variant, change in _list_variants(board):
        detector = make_board(variant, variant.legacy_pattern == "true")
        if any(np.isfinite(detect_corners(detector, change(picture))).any() for picture in shown):
            return reason
    return (_explain_markers(shown, board) if board.pattern == "charuco" else "") or _ADVICE


def _list_variants(board: BoardConfig) -> Iterator[tuple[str, BoardConfig, Callable[[Picture], Picture]]]:
    turned = board.model_copy(update={"squares_x": board.squares_y, "squares_y": board.squares_x})
    if board.pattern == "charuco":
        mirrored = "it is there in the mirror image: the video is mirrored; mirror it back (ffmpeg -vf hflip), or record without mirroring"
        for legacy in ("false", "true")[: 1 + (board.squares_y % 2 == 0)]:
            yield mirrored, board.model_copy(update={"legacy_pattern": legacy}), lambda picture: np.ascontiguousarray(picture[:, ::-1])
        inverted = "it is there in the negative: the board is printed inverted (white on black); print it black on white"
        yield inverted, board, lambda picture: np.asarray(255 - picture, dtype=np.uint8)
        other = "true" if board.legacy_pattern == "false" else "false"
        if board.squares_y % 2 == 0:
            yield (
                f"it is there with legacy_pattern: {other}; write that",
                board.model_copy(update={"legacy_pattern": other}),
                lambda picture: picture,
            )
    reason = (
        f"the board in the pictures has {board.squares_y} x {board.squares_x} squares (columns x rows); exchange squares_x and squares_y"
    )
    for legacy in ("false", "true")[: 1 + (turned.squares_y % 2 == 0)]:
        yield reason, turned.model_copy(update={"legacy_pattern": legacy}), lambda picture: picture


def _explain_markers(pictures: list[Picture], board: BoardConfig) -> str:
    """Which markers are there, where they are not those of the board; empty where none are."""
    counts: dict[int, list[int]] = {}
    for bits in _BITS:
        # Smaller dictionaries are the beginnings of larger ones.
        dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, f"DICT_{bits}X{bits}_{_SIZES[-1]}"))
        detector = cv2.aruco.ArucoDetector(dictionary, cv2.aruco.DetectorParameters())
        found = [numbers for picture in pictures if (numbers := detector.detectMarkers(picture)[1]) is not None]
        counts[bits] = [int(number) for numbers in found for number in numbers.ravel()]
    bits = max(counts, key=lambda key: len(counts[key]))
    numbers = counts[bits]
    if len(numbers) < _MIN_MARKERS:
        return "no marker of any dictionary is found: check that it is in the picture, sharp and large enough"
    size = next(size for size in _SIZES if size > max(numbers))
    shown = f"the pictures show markers of {bits} bits, numbers up to {max(numbers)} (a dictionary of {size} or more)"
    if bits != board.marker_bits or size > board.dictionary_size:
        return f"{shown}, the settings say marker_bits {board.marker_bits} and dictionary_size {board.dictionary_size}; correct them"
    n_markers = board.squares_x * board.squares_y // 2
    return (
        f"{shown}, but they do not lie as on a board of {board.squares_x} x {board.squares_y} squares with {n_markers} markers; "
        "check squares_x and squares_y (squares, not corners), marker_length and square_length"
    )
