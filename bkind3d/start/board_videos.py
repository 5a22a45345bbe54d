"""A folder of board videos alone, for cameras that are calibrated by hand."""

from pathlib import Path

from bkind3d.config import BoardConfig, InputError
from bkind3d.start.boards import read_board, read_board_file, type_board
from bkind3d.start.inventory import list_files
from bkind3d.start.recordings import recognise_boards


def find_board_recording(folder: Path, pattern: str | None, board: str | None, units: str) -> tuple[dict[str, list[str]], BoardConfig, str]:
    """The board video of every camera in `folder`, the board, and what should be said of them.

    Parameters
    ----------
    pattern : of the videos' paths; the one that fits best without it.
    board : as typed; without it, as a file of anipose, sleap-anipose or caliscope in the folder describes it.
    units : of the board's lengths.

    Raises
    ------
    InputError : where the videos are of several recordings, or nobody says what was printed.
    """
    inventory = list_files(folder)
    found = recognise_boards(inventory, pattern)
    if len(found.sessions) > 1:
        names = ", ".join(found.sessions)
        raise InputError(
            folder, f"holds several recordings of a board ({names})", "name the folder of one, or say --pattern '{camera}.mp4'"
        )
    described = {}
    for path in inventory.candidates:
        if not board and path.suffix.lower() == ".toml" and (values := read_board_file(path, units)):
            described[type_board(values)] = (path, values)
    if not board and len(described) != 1:
        why = "no file describes the board" if not described else "files describe different boards"
        raise InputError(
            folder, why, f"say --board {' or '.join(described) or '8x11:24:18.75 (squares, side of a square, side of a marker)'}"
        )
    values = read_board(board) if board else next(iter(described.values()))[1]
    source = "as given" if board else f"as {inventory.name(next(iter(described.values()))[0])} describes it; change it with --board"
    ((_, videos),) = found.sessions.items()
    shown = "\n".join(f"  {camera}: {'; '.join(map(inventory.name, files))}" for camera, files in videos.items())
    shown = "\n".join([shown, *found.remarks])
    said = f"Pattern {found.pattern} (else: --pattern '{{camera}}.mp4').\n{shown}\nBoard {type_board(values)} ({source}), lengths in {units} (else: --units).\n"
    return {camera: [*map(str, files)] for camera, files in videos.items()}, BoardConfig(**values), said
