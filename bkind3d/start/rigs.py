"""The rig of every session: a calibration that has its cameras, or videos of a board."""

import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from bkind3d.calibration.formats.reading import read_given_cameras
from bkind3d.config import InputError
from bkind3d.data.calibration_formats import CALIBRATION_FORMATS, match_cameras
from bkind3d.start.recordings import Recognised, make_name

_SUFFIXES = {ending for row in CALIBRATION_FORMATS.values() for ending in row.endings}
#: Bytes beyond which a file is no calibration.
_LARGEST = 20_000_000


def make_rigs(
    found: Recognised, units: str, calibration: Path | None, board: str | None
) -> tuple[list[Sequence[str]], dict[str, str], list[str]]:
    """Rows of the sheet of rigs, the rig of every session, and what should be said about them.

    Raises
    ------
    InputError : where a session has neither, or what there is has other cameras.
    """
    if calibration:
        cameras = list(read_given_cameras(calibration)[0])
        for session, videos in found.sessions.items():
            if not _fits(calibration, cameras, videos):
                raise InputError(
                    f"{calibration}: has the cameras {', '.join(cameras)}, session {session!r} has {', '.join(videos)}; name the cameras alike, or another calibration"
                )
        assigned = dict.fromkeys(found.sessions, calibration)
    else:
        assigned = {} if found.boards else assign_calibrations(find_calibrations(found.folder), found.sessions)
    files = [*dict.fromkeys(assigned.values())]
    names = {path: "rig" if len(files) == 1 else make_name(relative_path(path.with_suffix(""), found.folder)) for path in files}
    rows: list[Sequence[str]] = [(names[path], units, relative_path(path, found.folder)) for path in files]
    rig_of = {session: names[path] for session, path in assigned.items()}
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


def find_calibrations(folder: Path) -> dict[Path, list[str]]:
    """Calibration files below `folder` that can be read, of any format, with the names of their cameras."""
    found = {}
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for path in (Path(root) / name for name in sorted(files) if not name.startswith(".")):
            if path.suffix.lower() in _SUFFIXES and path.stat().st_size < _LARGEST:
                with suppress(InputError):  # a file of something else, or of cameras that need more to be known
                    found[path] = list(read_given_cameras(path)[0])
    return found


def assign_calibrations(calibrations: Mapping[Path, Sequence[str]], sessions: Mapping[str, Mapping[str, Path]]) -> dict[str, Path]:
    """The calibration of each session that has one: of those with all its cameras the nearest, in its folder or one above."""
    assigned = {}
    for session, videos in sessions.items():
        home = Path(os.path.commonpath([path.parent for path in videos.values()]))
        fitting = [path for path, cameras in calibrations.items() if _fits(path, cameras, videos)]
        above = [path for path in fitting if home.is_relative_to(path.parent)]
        near = sorted(above, key=lambda path: -len(path.parts)) or fitting
        # Of two that are equally near, nobody can tell which one is meant.
        alike = len(above) != 1 and len({path.parent for path in near[:2]}) < len(near[:2])
        if near and not alike:
            assigned[session] = near[0]
    return assigned


def _fits(path: Path, cameras: Collection[str], wanted: Collection[str]) -> bool:
    """Whether a calibration has all `wanted` cameras, by name or by number."""
    try:
        match_cameras(cameras, wanted, path)
    except InputError:
        return False
    return True


def relative_path(path: Path, base: Path) -> str:
    """`path` as sheets have it: relative to the recordings where it lies below them."""
    full = path.resolve()
    return str(full.relative_to(base.resolve())) if full.is_relative_to(base.resolve()) else str(full)


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
    templates = {str(path.relative_to(found.folder)).replace(camera, "{camera}") for camera, path in videos.items()}
    if len(templates) != 1:
        raise InputError(f"{next(iter(videos.values()))}: the board videos' paths differ by more than the camera's name; rename them")
    return templates.pop()
