"""Calibration boards as people type them, and as other programs' files beside the videos describe them."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bkind3d.config import BoardConfig, InputError, parse_section
from bkind3d.data.calibration_formats import read_toml
from bkind3d.geometry.units import find_factor

_DICTIONARY = re.compile(r"(?:DICT_)?([4-7])x\1_(50|100|250|1000)", re.I)
_WRITE = (
    "write squares along x and y, the side of a square and of a marker, and the markers' dictionary, such as 8x11:24:18.75 or "
    "8x11:24:18.75:5x5_100 (4x4_50 where none is written); without a marker it is a checkerboard"
)


def read_board(text: str) -> dict[str, Any]:
    """Keys of the section ``boards`` for a board as somebody types it: ``7x5:60:45:4x4_50`` are its squares, the side of a square and of a marker, and the dictionary.

    Raises
    ------
    InputError : where it is written otherwise, or cannot be; without a marker it is a checkerboard.
    """
    squares, *parts = text.split(":")
    dictionary = _DICTIONARY.fullmatch(parts[2]) if len(parts) == 3 else None
    try:
        x, y = (int(number) for number in squares.lower().split("x"))
        square, *marker = (float(number) for number in parts[:2])
    except ValueError:
        raise InputError(f"--board {text!r}", _WRITE) from None
    if len(parts) > 2 and not dictionary:
        raise InputError(f"--board {text!r}", f"{':'.join(parts[2:])!r} is no dictionary of markers", _WRITE)
    values: dict[str, Any] = {"pattern": "charuco" if marker else "checkerboard", "squares_x": x, "squares_y": y, "square_length": square}
    if marker:
        values["marker_length"] = marker[0]
    if dictionary:
        values |= {"marker_bits": int(dictionary[1]), "dictionary_size": int(dictionary[2])}
    parse_section(BoardConfig, values, f"--board {text!r}")
    return values


def type_board(values: Mapping[str, Any]) -> str:
    """The board as it is typed behind ``--board``."""
    lengths = [f"{values[key]:.10g}" for key in ("square_length", "marker_length") if key in values]
    dictionary = [f"{values['marker_bits']}x{values['marker_bits']}_{values['dictionary_size']}"] if "marker_bits" in values else []
    return ":".join([f"{values['squares_x']}x{values['squares_y']}", *lengths, *dictionary])


def read_board_file(path: Path, units: str) -> dict[str, Any] | None:
    """The board that a file of anipose (``config.toml``), sleap-anipose (``board.toml``) or caliscope (``charuco.toml``) describes; none where it is another file.

    Lengths are in `units`, which the first two do not state.

    Raises
    ------
    InputError : where the file is damaged, or its board cannot be.
    """
    content = read_toml(path)
    for recognise, convert in _FILES:
        if recognise(content):
            try:
                values = convert(content, units)
            except (KeyError, TypeError, ValueError, IndexError) as error:
                raise InputError(path, f"describes a board, but not all of it ({error})", "say it with --board") from None
            parse_section(BoardConfig, values, str(path))
            return values
    return None


def _convert_anipose(content: Mapping[str, Any], units: str) -> dict[str, Any]:
    board = content["calibration"]
    x, y = board["board_size"]
    square = board["board_square_side_length"]
    if board["board_type"] == "checkerboard":  # anipose counts the corners within
        return {"pattern": "checkerboard", "squares_x": x + 1, "squares_y": y + 1, "square_length": square}
    if board["board_type"] != "charuco":
        raise ValueError(f"board_type {board['board_type']!r} is neither charuco nor checkerboard")
    markers = {
        "marker_length": board["board_marker_length"],
        "marker_bits": board["board_marker_bits"],
        "dictionary_size": board["board_marker_dict_number"],
    }
    return {"pattern": "charuco", "squares_x": x, "squares_y": y, "square_length": square, **markers}


def _convert_sleap(content: Mapping[str, Any], units: str) -> dict[str, Any]:
    # Its older files call the squares otherwise.
    x, y = (content.get(f"board_{name}", content.get(f"board_{other}")) for name, other in (("x", "width"), ("y", "height")))
    if x is None or y is None:
        raise KeyError("board_y")
    square = content["square_length"]
    if "marker_length" not in content:  # aniposelib counts the corners within
        return {"pattern": "checkerboard", "squares_x": x + 1, "squares_y": y + 1, "square_length": square}
    markers = {"marker_length": content["marker_length"], "marker_bits": content["marker_bits"], "dictionary_size": content["dict_size"]}
    return {"pattern": "charuco", "squares_x": x, "squares_y": y, "square_length": square, **markers}


def _convert_caliscope(content: Mapping[str, Any], units: str) -> dict[str, Any]:
    x, y = content["columns"], content["rows"]
    centimetres = content.get("square_size_overide_cm") or content.get("square_size_override_cm")
    if not centimetres:
        inch = {"inch": 2.54, "cm": 1.0}[content["units"]]
        centimetres = inch * min(content["board_width"] / x, content["board_height"] / y)
    factor = find_factor("cm", units)
    if factor is None:
        raise ValueError(f"its lengths are known, and the units given are {units}")
    square = round(centimetres * factor, 9)
    found = _DICTIONARY.fullmatch(content["dictionary"])
    if not found:
        raise ValueError(f"dictionary {content['dictionary']!r}")
    markers = {
        "marker_length": round(content["aruco_scale"] * square, 9),
        "marker_bits": int(found[1]),
        "dictionary_size": int(found[2]),
    }
    if "legacy_pattern" in content:
        markers["legacy_pattern"] = str(content["legacy_pattern"]).lower()
    return {"pattern": "charuco", "squares_x": x, "squares_y": y, "square_length": square, **markers}


#: How a program's file is recognised, and what its board is in this project's words.
_FILES: tuple[tuple[Callable[[Mapping[str, Any]], bool], Callable[[Mapping[str, Any], str], dict[str, Any]]], ...] = (
    (lambda content: isinstance(content.get("calibration"), dict) and "board_type" in content["calibration"], _convert_anipose),
    (lambda content: "square_length" in content and {"board_x", "board_width"} & {*content} != set(), _convert_sleap),
    (lambda content: "columns" in content and "aruco_scale" in content, _convert_caliscope),
)
