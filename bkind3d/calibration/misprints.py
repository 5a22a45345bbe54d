"""Boards that are not what the settings say: why one is not found, and one that is found although it has other rows."""

from collections.abc import Callable, Iterable, Iterator

import cv2
import numpy as np

from bkind3d.calibration.boards import Corners, Picture, detect_corners, make_board
from bkind3d.calibration.judgement import Finding
from bkind3d.config import BoardConfig

_ADVICE = "check that it is sharp and fills enough of the picture, and the board's squares, marker_bits, dictionary_size and legacy_pattern"
_BITS, _SIZES = (4, 5, 6, 7), (50, 100, 250, 1000)
#: Fewest markers of a dictionary in a picture that are no accident.
_MIN_MARKERS = 4
#: Rows by which a board is looked for that has more than the settings say: two, because one exchanges the layout of old boards.
_MORE_ROWS = 2
#: A row of corners is missing where no view has it and at least so many have the row before it.
_LEAST_VIEWS = 10


def explain_unseen_board(pictures: Iterable[Picture], board: BoardConfig) -> str:
    """Say in one clause why `board` is in none of the grey `pictures`, and what to do.

    Tried are the picture's mirror image and negative, the board turned by a quarter, the other layout of rows, and all
    dictionaries of markers.
    """
    shown = list(pictures)
    # Markers first: between them, the search for checkerboards sees now and then a board that is not there.
    if board.pattern == "checkerboard" and (reason := _explain_markers(shown, board)):
        return reason
    for reason, variant, change in _list_variants(board):
        detector = make_board(variant, variant.legacy_pattern == "true")
        if any(np.isfinite(detect_corners(detector, change(picture))).any() for picture in shown):
            return reason
    return _explain_markers(shown, board) or _ADVICE


def add_rows(board: BoardConfig) -> BoardConfig | None:
    """The same board with more rows, whose markers go on counting; None where there is no such board.

    Columns decide which marker is where. A board with other rows than the settings say is found all the same, and its cameras
    are calibrated well; but somebody typed the numbers of another board.
    """
    n_rows = board.squares_y + _MORE_ROWS
    if board.pattern == "checkerboard" or board.squares_x * n_rows // 2 > board.dictionary_size:
        return None
    return board.model_copy(update={"squares_y": n_rows})


def show_more_rows(pictures: Iterable[Picture], board: BoardConfig, legacy: bool) -> list[bool]:
    """Whether each grey picture shows corners of `board` beyond its last row, next to markers that lie as they should."""
    taller = add_rows(board)
    if taller is None:
        return [False for _ in pictures]
    detector, n_corners = make_board(taller, legacy), (board.squares_x - 1) * (board.squares_y - 1)
    found = (np.isfinite(detect_corners(detector, picture)[:, 0]) for picture in pictures)
    return [bool(known[:n_corners].any() and known[n_corners:].any()) for known in found]


def check_rows(corners: Corners) -> list[Finding]:
    """Warn of rows that no camera ever sees, though the row before them is seen often: the board may have fewer than the settings say."""
    rows = corners.model[:, 1]
    views = np.isfinite(corners.points[..., 0])
    counts = [int(views[:, :, rows == row].any(axis=2).sum()) for row in np.unique(rows)]
    n_seen = max((number for number, count in enumerate(counts, start=1) if count), default=0)
    if n_seen in (0, len(counts)) or counts[n_seen - 1] < _LEAST_VIEWS:
        return []
    text = (
        f"no camera ever sees more than {n_seen + 1} of the board's {len(counts) + 1} rows of squares: count them and correct squares_y, "
        "or do not cover them; what is seen is used"
    )
    return [Finding("warning", "squares", (), text)]


def _list_variants(board: BoardConfig) -> Iterator[tuple[str, BoardConfig, Callable[[Picture], Picture]]]:
    turned = board.model_copy(update={"squares_x": board.squares_y, "squares_y": board.squares_x})
    if board.pattern == "charuco":
        mirrored = "it is there in the mirror image: the video is mirrored; mirror it back (ffmpeg -vf hflip), or record without mirroring"
        for legacy in ("false", "true")[: 1 + (board.squares_y % 2 == 0)]:
            yield mirrored, board.model_copy(update={"legacy_pattern": legacy}), lambda picture: np.ascontiguousarray(picture[:, ::-1])
        inverted = "it is there in the negative: the board is printed inverted (white on black); print it black on white"
        yield inverted, board, lambda picture: np.asarray(255 - picture, dtype=np.uint8)
        if board.squares_y % 2 == 0:
            other = "true" if board.legacy_pattern == "false" else "false"
            yield f"it is there with legacy_pattern: {other}; write that", board.model_copy(update={"legacy_pattern": other}), np.asarray
    reason = (
        f"the board in the pictures has {board.squares_y} x {board.squares_x} squares (columns x rows); exchange squares_x and squares_y"
    )
    for legacy in ("false", "true")[: 1 + (turned.squares_y % 2 == 0)]:
        yield reason, turned.model_copy(update={"legacy_pattern": legacy}), np.asarray


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
    if board.pattern == "checkerboard":
        reason = f"it has markers of {bits} bits: write pattern: charuco, and its marker_length, marker_bits and dictionary_size"
        return reason if len(numbers) >= _MIN_MARKERS else ""
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
