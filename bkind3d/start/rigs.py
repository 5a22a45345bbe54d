"""The rig of every session: a calibration that has its cameras, or videos of a board."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bkind3d.calibration.faults import check_scale
from bkind3d.config import BoardConfig, InputError
from bkind3d.data.calibration_files import is_of_whole
from bkind3d.data.calibration_formats import UnmatchedError, match_cameras
from bkind3d.geometry.cameras import find_up
from bkind3d.start.boards import read_board, read_board_file, type_board
from bkind3d.start.calibrations import (
    RULE,
    Candidate,
    Choice,
    FittedCalibration,
    Wanted,
    fit_calibration,
    list_owners,
    measure_nearness,
    read_candidate,
    remark_on_sizes,
)
from bkind3d.start.inventory import Inventory
from bkind3d.start.recordings import Recognised, find_common, make_name, shows_markers

COLUMNS = ("rig", "units", "calibration", "calibration_size", "board", "board_videos", "up")


@dataclass
class Rigs:
    """Rows of the sheet of rigs, the rig of every session, the boards, and what was assumed."""

    rows: list[dict[str, str]] = field(default_factory=list)
    rig_of: dict[str, str] = field(default_factory=dict)
    boards: dict[str, dict[str, Any]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Options:
    """What the user says of rigs, as typed."""

    units: str | None = None
    calibration: Path | None = None
    size: str | None = None
    board: str | None = None


def make_rigs(inventory: Inventory, found: Recognised, candidates: Sequence[Candidate], options: Options) -> Rigs:
    """Find the rig of every session; what is given is used, or refused.

    Raises
    ------
    InputError : where a session has no calibration, what there is has other cameras, or several could be meant.
    """
    if options.calibration and options.board:
        raise InputError("", "--calibration and --board: give one of them", "a board is for calibrating anew from its videos")
    if options.board and not found.boards:
        raise InputError(
            f"--board {options.board}",
            f"{found.folder} has no videos of a board ('calib' or 'board' in the path, or markers in the pictures)",
            "leave it out",
        )
    wanted = Wanted(options.units, options.size)
    choice = Choice([read_candidate(options.calibration)] if options.calibration else candidates, found, wanted)
    described = {} if options.calibration else _describe_boards(inventory, found, options)
    chosen: dict[str, FittedCalibration] = {}
    filmed: dict[str, str] = {}
    for session in found.sessions:
        template = None if options.calibration else _choose_boards(found, choice, session)
        if options.calibration:
            chosen[session] = _fit_given(choice, found, session, wanted)
        elif template and described.get(template):
            filmed[session] = template
            choice.examine(session)
        elif calibration := choice.choose(session):
            chosen[session] = calibration
        else:
            filmed[session] = _explain_lack(found, choice, session, template)
    if options.board and not filmed:
        _explain_lack(found, choice, next(iter(found.sessions)), None)
    if options.size and not any(one.size for one in chosen.values()):
        raise InputError(
            f"--size {options.size}", "is for calibrations that do not say their picture size, of which none is used", "leave it out"
        )
    rigs = Rigs()
    _add_calibrations(rigs, inventory, found, chosen, options)
    _add_boards(rigs, inventory, found, filmed, described, options)
    _pass_over(inventory, found, choice, rigs, chosen)
    return rigs


def _fit_given(choice: Choice, found: Recognised, session: str, wanted: Wanted) -> FittedCalibration:
    candidate = choice.candidates[0]
    try:
        return fit_calibration(candidate, found, session, wanted)
    except UnmatchedError:
        cameras = ", ".join(found.sessions[session])
        raise InputError(
            candidate.path,
            f"has the cameras {', '.join(candidate.cameras)}, session {session!r} has {cameras}",
            "name the cameras alike, or another calibration",
        ) from None


def _choose_boards(found: Recognised, choice: Choice, session: str) -> str | None:
    """The board videos of a session: of those with all its cameras the nearest, and of several there the longest."""
    fitting = {}
    for template, videos in found.boards.items():
        place = find_common([path for files in videos.values() for path in files]) / "board"
        if session in list_owners(place, choice.homes) and not set(found.sessions[session]) - set(videos):
            length = max(sum(found.headers[path].n_frames for path in files) for files in videos.values())
            fitting[template] = (*measure_nearness(place, session, choice.homes), length)
    return max(fitting, key=lambda template: fitting[template]) if fitting else None


def _explain_lack(found: Recognised, choice: Choice, session: str, template: str | None) -> str:
    """Refuse a session that has neither a calibration nor board videos of a board that is known."""
    reasons = choice.explain(session)
    if template:
        raise InputError(
            found.folder,
            f"{template} shows a board that no file describes{f' ({reasons})' if reasons else ''}",
            "measure it, and say --board 8x11:24:18.75 (squares along x and y, side of a square, side of a marker), or name a "
            "calibration with --calibration FILE",
        )
    cameras = ", ".join(found.sessions[session])
    for name, videos in found.boards.items():
        if absent := [camera for camera in found.sessions[session] if camera not in videos]:
            raise InputError(
                found.folder,
                f"the board videos {name!r} are of the cameras {', '.join(videos)}, session {session!r} has {absent[0]!r}, too",
                "film the board with all cameras, or name the videos alike",
            )
    others = ", ".join(found.boards)
    unlike = any(why.startswith("has the cameras") for why in choice.refused[session].values())
    alike = "name the cameras as a calibration does, or say --pattern with {camera} where its names stand; " if unlike else ""
    raise InputError(
        found.folder,
        f"session {session!r} has no calibration with its cameras {cameras}{f' ({reasons})' if reasons else ''}, and no videos "
        f"show a board{f' for it ({others} lies with other sessions)' if others else ' (with markers, or calib or board in the name)'}",
        f"{alike}if a calibration holds for all sessions, say --calibration FILE",
    )


def _describe_boards(inventory: Inventory, found: Recognised, options: Options) -> dict[str, tuple[Path | None, dict[str, Any]]]:
    """The board of every board recording, as typed or as the nearest file describes it, and that file."""
    units = options.units or "mm"
    files: dict[Path, dict[str, Any]] = {}
    for path in inventory.candidates:
        if path.suffix.lower() == ".toml":
            try:
                if board := read_board_file(path, units):
                    files[path] = board
                    inventory.passed_over.pop(path, None)
            except InputError as error:
                inventory.passed_over[path] = error.reason
    described: dict[str, tuple[Path | None, dict[str, Any]]] = {}
    for template, videos in found.boards.items():
        if options.board:
            described[template] = None, read_board(options.board)
        elif files:
            described[template] = _choose_description(found, files, videos)
    for path in files:
        inventory.pass_over(path, "describes a board" + ("; --board is given" if options.board else "; no videos of one are calibrated"))
    return described


def _choose_description(
    found: Recognised, files: Mapping[Path, dict[str, Any]], videos: Mapping[str, Sequence[Path]]
) -> tuple[Path, dict[str, Any]]:
    home = find_common([path for paths in videos.values() for path in paths])
    depth = {path: next(len(folder.parts) for folder in path.parents if home.is_relative_to(folder)) for path in files}
    nearest = {path: board for path, board in files.items() if depth[path] == max(depth.values())}
    if len({type_board(board) for board in nearest.values()}) > 1 and shows_markers(next(iter(videos.values()))[0]):
        nearest = {path: board for path, board in nearest.items() if board["pattern"] == "charuco"} or nearest
    if len({type_board(board) for board in nearest.values()}) > 1:
        options = " or ".join(f"--board {type_board(board)} ({path.relative_to(found.folder)})" for path, board in nearest.items())
        raise InputError(found.folder, "files describe different boards", f"say which one was filmed: {options}")
    return next(iter(nearest.items()))


def _name_rigs(paths: Sequence[Path], folder: Path, alone: str) -> dict[Path, str]:
    """Names of rigs after the files or folders that they come from."""
    if len(paths) == 1:
        return {paths[0]: alone}
    names = {path: make_name(relative_path(path, folder)) for path in paths}
    parents = {path: make_name(relative_path(path.parent, folder)) for path in paths}
    return parents if len(set(parents.values())) == len(paths) else names


def _add_calibrations(
    rigs: Rigs, inventory: Inventory, found: Recognised, chosen: Mapping[str, FittedCalibration], options: Options
) -> None:
    """Rows of given calibrations: one for each file and picture size."""
    for session, one in chosen.items():
        other = next(first for first in chosen.values() if first.path == one.path)
        if other.size != one.size:
            raise InputError(
                one.path,
                f"does not say its picture size, and the videos have several ({other.size}, in session {session!r} {one.size})",
                "give the size of the pictures that were calibrated with --size 1280x1024",
            )
    files = {one.path: one for one in chosen.values()}
    names = _name_rigs([path.with_suffix("") for path in files], found.folder, "rig")
    for path, one in files.items():
        shown, name = relative_path(path, found.folder), names[path.with_suffix("")]
        if path.is_relative_to(found.folder):
            inventory.use(path, "calibrations")
        rigs.rows.append({"rig": name, "units": one.units, "calibration": shown, "calibration_size": one.size})
        mine = [session for session in chosen if chosen[session].path == path]
        rigs.rig_of |= dict.fromkeys(mine, name)
        how = "as given" if options.calibration else f"assumed: {RULE}; change it with --calibration"
        lengths = "" if one.stated else f" Assumed that its lengths are in {one.units}; change it with --units."
        rigs.remarks.append(f"Calibration of {_list(mine, found)}: {shown} ({how}).{lengths}")
        rigs.remarks += remark_on_sizes(one, shown, given=options.size is not None) + _remark_on_parts(one, mine[0], shown, found)
        up = find_up(list(one.cameras.values())) or "z"
        if up != "z":
            rigs.remarks.append(
                f"Assumed that z points up in {shown}, but in the pictures of most cameras {up} does: write {up} as up of rig {name} in rigs.tsv, "
                "unless the cameras hang upside down."
            )


def _add_boards(
    rigs: Rigs,
    inventory: Inventory,
    found: Recognised,
    filmed: Mapping[str, str],
    described: Mapping[str, tuple[Path | None, dict[str, Any]]],
    options: Options,
) -> None:
    """Rows of board videos: one for each recording of a board."""
    templates = list(dict.fromkeys(filmed.values()))
    places = {template: find_common([p for files in found.boards[template].values() for p in files]) / "boards" for template in templates}
    names = _name_rigs(list(places.values()), found.folder, "boards")
    for template in templates:
        path, values = described[template]
        for camera, files in found.boards[template].items():
            for piece, video in zip(template.split(";"), files, strict=True):
                if piece.replace("{camera}", camera) != inventory.name(video):
                    raise InputError(video, f"the board videos' paths differ by more than the camera's name {camera!r}", "rename them")
                inventory.use(video, "videos of a board")
        if path:
            inventory.use(path, "descriptions of a board")
        board = next(
            (name for name, known in rigs.boards.items() if known == values), f"board{len(rigs.boards) + 1 if rigs.boards else ''}"
        )
        rigs.boards[board] = values
        units = options.units or "mm"
        for finding in check_scale(BoardConfig(**values), units):
            raise InputError(f"--board {type_board(values)}", finding.text, "say --units, or correct it")
        name = names[places[template]]
        rigs.rows.append({"rig": name, "units": units, "board": board, "board_videos": template})
        mine = [session for session in filmed if filmed[session] == template]
        rigs.rig_of |= dict.fromkeys(mine, name)
        source = f"as {inventory.name(path)} describes it; change it with --board" if path else "as given"
        lengths = "" if options.units else f" Assumed that its lengths are in {units}; change it with --units."
        rigs.remarks.append(f"Board videos of {_list(mine, found)}: {template}, with the board {type_board(values)} ({source}).{lengths}")
    for template, videos in found.boards.items():
        for video in (path for files in videos.values() for path in files):
            inventory.pass_over(video, f"a board's video that no session needs ({template}); name it in rigs.tsv to use it")


def _remark_on_parts(one: FittedCalibration, session: str, shown: str, found: Recognised) -> list[str]:
    """Say of what pictures the calibration of views in one picture is."""
    cameras = match_cameras(list(one.cameras), list(found.crops), one.path) if found.crops else {}
    of = dict.fromkeys(
        "the whole picture" if part and is_of_whole(one.cameras[name].size, part, one.path, name) else "its part of the picture"
        for camera, name in cameras.items()
        for part in [found.find_part(session, camera)]
    )
    return [f"{shown}: each camera is calibrated for {' or '.join(of)}, by its picture size."] if of else []


def _list(sessions: Sequence[str], found: Recognised) -> str:
    if len(sessions) == len(found.sessions):
        return "all sessions" if len(sessions) > 1 else sessions[0]
    return ", ".join(sessions[:6]) + (f" and {len(sessions) - 6} more" if len(sessions) > 6 else "")


def _pass_over(inventory: Inventory, found: Recognised, choice: Choice, rigs: Rigs, chosen: Mapping[str, FittedCalibration]) -> None:
    """Say of every calibration that was not used why."""
    for candidate in choice.candidates:
        reasons = dict.fromkeys(filter(None, (choice.refused[session].get(candidate.path) for session in found.sessions)))
        unused = "--calibration is given" if choice.candidates and candidate.path not in inventory.candidates else ""
        inventory.pass_over(candidate.path, next(iter(reasons), unused or _tell_preferred(chosen)))
    for path in inventory.candidates:
        inventory.pass_over(path, "a calibration, but --calibration names another")


def _tell_preferred(chosen: Mapping[str, FittedCalibration]) -> str:
    if chosen:
        return "a calibration, but another is nearer to every session; to use it: --calibration"
    return "a calibration, but board videos and the board are there, so the cameras are calibrated anew; to use it: --calibration"


def relative_path(path: Path, base: Path) -> str:
    """`path` as sheets have it: relative to the recordings where it lies below them."""
    full = path.resolve()
    return str(full.relative_to(base.resolve())) if full.is_relative_to(base.resolve()) else str(full)
