"""The rig of every session: a calibration that has its cameras, or videos of a board."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bkind3d.config import InputError
from bkind3d.start.calibrations import FoundCalibration, assign_calibrations, find_calibrations, read_calibration
from bkind3d.start.recordings import Recognised, make_name


def make_rigs(
    found: Recognised, units: str, calibration: Path | None, board: str | None
) -> tuple[list[Sequence[str]], dict[str, str], list[str]]:
    """Rows of the sheet of rigs, the rig of every session, and what should be said about them.

    Raises
    ------
    InputError : where a session has neither, or what there is has other cameras.
    """
    if calibration:
        assigned = dict.fromkeys(found.sessions, _read_fitting(calibration, found))
    else:
        assigned = {} if found.boards else assign_calibrations(find_calibrations(found.folder), found.sessions)
    files = {own.path: own for own in assigned.values()}
    names = {path: "rig" if len(files) == 1 else make_name(relative_path(path.with_suffix(""), found.folder)) for path in files}
    rows: list[Sequence[str]] = [(names[path], units, relative_path(path, found.folder)) for path in files]
    rig_of = {session: names[own.path] for session, own in assigned.items()}
    remarks = [f"Calibration: {', '.join(row[2] for row in rows)}, lengths in {units} (else: --units)."] if rows else []
    missing = [session for session in found.sessions if session not in assigned]
    if missing:
        template = _find_board(found, missing)
        rows.append(("boards", units, "", "board", template))
        rig_of |= dict.fromkeys(missing, "boards")
        remarks.append(f"Board videos: {template}, lengths in {units} (else: --units).")
        if not board:
            remarks.append("MEASURE YOUR BOARD: correct its squares in config.yaml (boards), or start again with --board 8x11:24:18.75.")
    return rows, rig_of, remarks


def relative_path(path: Path, base: Path) -> str:
    """`path` as sheets have it: relative to the recordings where it lies below them."""
    full = path.resolve()
    return str(full.relative_to(base.resolve())) if full.is_relative_to(base.resolve()) else str(full)


def _read_fitting(path: Path, found: Recognised) -> FoundCalibration:
    named = read_calibration(path)
    for session, videos in found.sessions.items():
        if not named.fits(list(videos)):
            raise InputError(
                f"{path}: has the cameras {', '.join(named.cameras)}, session {session!r} has {', '.join(videos)}; "
                "name the cameras alike, or another calibration"
            )
    return named


def _find_board(found: Recognised, missing: Sequence[str]) -> str:
    """Path of the board's videos, with ``{camera}``, for sessions without a calibration."""
    if not found.boards:
        raise InputError(
            f"{found.folder}: session {missing[0]!r} has no calibration with its cameras {', '.join(found.sessions[missing[0]])}, and no videos "
            "show a board (with markers, or 'calib' or 'board' in the name); name a calibration with --calibration FILE"
        )
    name, videos = next(iter(found.boards.items()))
    for session in missing:
        absent = [camera for camera in found.sessions[session] if camera not in videos]
        if absent:
            raise InputError(
                f"{found.folder}: the board videos {name!r} are of the cameras {', '.join(videos)}, session {session!r} has {absent[0]!r}, too; "
                "film the board with all cameras, or name the videos alike"
            )
    return _make_template(videos, found.folder)


def _make_template(videos: Mapping[str, Path], folder: Path) -> str:
    """The path that the board's videos have in common, ``{camera}`` standing for the camera's name."""
    templates = {str(path.relative_to(folder)).replace(camera, "{camera}") for camera, path in videos.items()}
    if len(templates) != 1:
        raise InputError(f"{next(iter(videos.values()))}: the board videos' paths differ by more than the camera's name; rename them")
    return templates.pop()
