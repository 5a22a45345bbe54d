"""A study's sheets as typed rows: sessions, cameras and rigs, tab-separated, one line of heading.

Whatever is wrong in a sheet is refused in one line that names the file, the row (its line number) and the column, says what was found and
what to do. Nothing here imports more than the standard library needs, so that the workflow can read its sheets in milliseconds.
"""

import csv
import difflib
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from bkind3d.config import NAME_PATTERN, InputError, read_text
from bkind3d.data.calibration_formats import CALIBRATION_FORMATS, list_formats, parse_sizes
from bkind3d.data.crops import Crop, parse_crop
from bkind3d.geometry.units import UNITS

SPLITS = ("train", "test", "predict")
#: Frames per second that nobody films.
FASTEST = 1_000_000
AXES = ("x", "y", "z", "-x", "-y", "-z")

#: How alike a further column's name may be to a known one (0 to 1) before it is taken for a misspelling.
_ALIKE = 0.8
#: Bytes of a sheet, digits of a frame's number, and what no cell may hold.
_MOST_BYTES, _MOST_DIGITS, _CONTROL = 2**26, 12, re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class SessionRow:
    """One recording session.

    Attributes
    ----------
    line : line of the sheet.
    session, subject, rig : names.
    split : train, test or predict (the default: keypoints are found, nothing is learned from it).
    start, stop : first frame, and the frame after the last; None where the sheet says nothing.
    frame_rate : frames per second of its videos, where the files say another; None: as these, or the times of frame maps, say.
    joints, behaviours : files as written in the sheet; empty where there are none.
    joints_axes : which axes of the joints' file are the world's x, y and z, such as ``ZXY``; empty: they are x, y, z.
    more : the sheet's further columns (dose, genotype, ...), carried into the tables.
    """

    line: int
    session: str
    subject: str
    rig: str
    split: str = "predict"
    start: int | None = None
    stop: int | None = None
    frame_rate: float | None = None
    joints: str = ""
    joints_axes: str = ""
    behaviours: str = ""
    more: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CameraRow:
    """One camera's video of a session; `video`, `frame_map`, `mask`, `background` (the empty room) and `silhouettes` as written in the sheet.

    A camera that began a new file every few minutes has several `videos`: their names stand in the sheet in the order of
    time, with ``;`` between them, and are one video. Where its picture is a part of the video's, `crop` says which.
    """

    line: int
    session: str
    camera: str
    video: str
    frame_map: str = ""
    mask: str = ""
    background: str = ""
    silhouettes: str = ""
    crop: str = ""

    @property
    def part(self) -> Crop | None:
        """The part of the video's pictures that is this camera's; none where that is the whole."""
        return parse_crop(self.crop, "") if self.crop else None

    @property
    def videos(self) -> list[str]:
        """The files of the video, in the order of time."""
        return [name.strip() for name in self.video.split(";")]


@dataclass(frozen=True)
class RigRow:
    """One arrangement of cameras: either a `calibration` file, or `board_videos` (a path with ``{camera}``, or several with ``;`` between) of a `board`.

    `units` are those of the world (mm, cm, m, or arbitrary where nobody knows the scale). Of a given calibration: `calibration_format` where it is not to be guessed,
    `calibration_size` of its pictures where the file does not say it, `calibration_subject` for Human3.6M, and `up`, the axis that points
    up. Beside board videos: `board_frame_maps` (a path, perhaps with ``{camera}``) where they are not in step, `intrinsics` a
    calibration whose lenses are kept, `world_points` a table of points that define the world.
    """

    line: int
    rig: str
    units: str
    calibration: str = ""
    calibration_format: str = ""
    calibration_size: str = ""
    calibration_subject: str = ""
    board: str = ""
    board_videos: str = ""
    board_frame_maps: str = ""
    up: str = "z"
    intrinsics: str = ""
    world_points: str = ""


def suggest(word: str, known: Sequence[str], cutoff: float = 0.6) -> str:
    """``did you mean 'x'?`` where a known word is alike (from 0 to 1: at least `cutoff`), else nothing."""
    alike = difflib.get_close_matches(word, known, n=1, cutoff=cutoff)
    return f"did you mean {alike[0]!r}?" if alike else ""


def read_sessions(path: Path) -> dict[str, SessionRow]:
    """Read the sheet of the sessions, by name, in the order of the sheet."""
    rows: dict[str, SessionRow] = {}
    for line, cells, more in _read_sheet(path, SessionRow, closed=False):
        where = f"{path}: row {line}"
        _check_names(cells, ("session", "subject", "rig"), where)
        _check_choice(cells, "split", SPLITS, where, SessionRow.split)
        start, stop = _read_frame(cells, "start", where), _read_frame(cells, "stop", where)
        if stop is not None and stop <= (start or 0):
            raise InputError(where, f"stop {stop} is not after start {start or 0}", "stop is the frame after the last")
        rate, axes = _read_rate(cells["frame_rate"], where), cells["joints_axes"].upper()
        if axes and sorted(axes) != ["X", "Y", "Z"]:
            raise InputError(
                where, f"joints_axes is {cells['joints_axes']!r}", "write the file's axes that are x, y and z of the world, such as ZXY"
            )
        row = SessionRow(line, **cells | {"start": start, "stop": stop, "frame_rate": rate, "joints_axes": axes}, more=more)
        if row.session in rows:
            raise InputError(where, f"session {row.session!r} is already in row {rows[row.session].line}", "names must differ")
        rows[row.session] = row
    return rows


def read_cameras(path: Path) -> dict[str, dict[str, CameraRow]]:
    """Read the sheet of the videos: by session, then by camera."""
    rows: dict[str, dict[str, CameraRow]] = {}
    for line, cells, _ in _read_sheet(path, CameraRow):
        where = f"{path}: row {line}"
        _check_names(cells, ("session", "camera"), where)
        # One spelling: what is written otherwise means nothing else to what was computed before.
        row = CameraRow(line, **cells | {"crop": str(parse_crop(cells["crop"], where) or "")})
        if not row.video:
            raise InputError(where, "column 'video' is empty", f"write the path of the video of camera {row.camera!r}")
        twice = [name for name in row.videos if not name or row.videos.count(name) > 1]
        if twice:
            what = f"{twice[0]!r} twice" if twice[0] else "a ; with no file beside it"
            raise InputError(where, f"column 'video' has {what}; write every file once, in the order of time, with one ", "between them")
        cameras = rows.setdefault(row.session, {})
        if row.camera in cameras:
            raise InputError(
                where, f"camera {row.camera!r} of session {row.session!r} is already in row {cameras[row.camera].line}", "keep one"
            )
        cameras[row.camera] = row
    return rows


def read_rigs(path: Path) -> dict[str, RigRow]:
    """Read the sheet of the rigs, by name."""
    rows: dict[str, RigRow] = {}
    for line, cells, _ in _read_sheet(path, RigRow):
        where = f"{path}: row {line}"
        _check_names(cells, ("rig",), where)
        _check_choice(cells, "units", UNITS, where)
        if cells["calibration_format"]:
            _check_choice(cells, "calibration_format", tuple(CALIBRATION_FORMATS), where)
        _check_choice(cells, "up", AXES, where, RigRow.up)
        row = RigRow(line, **cells)
        _check_calibration(row, where)
        if row.rig in rows:
            raise InputError(where, f"rig {row.rig!r} is already in row {rows[row.rig].line}", "names must differ")
        rows[row.rig] = row
    return rows


def _check_calibration(row: RigRow, where: str) -> None:
    """A rig has a given calibration or videos of a board, and beside it what describes that one alone, which can be meant."""
    if row.calibration and (row.board or row.board_videos):
        raise InputError(where, f"rig {row.rig!r} has both a calibration and board videos", "keep one of them")
    if row.calibration:
        for column in ("board_frame_maps", "intrinsics", "world_points"):
            if getattr(row, column):
                raise InputError(
                    where, f"{column} is used where board videos are calibrated", f"rig {row.rig!r} has a calibration, remove one"
                )
        parse_sizes(row.calibration_size, f"{where}: calibration_size")
        if not row.calibration_format:
            list_formats(f"{where}: {row.calibration}")
        return
    if not (row.board and row.board_videos):
        raise InputError(
            where, f"rig {row.rig!r} has neither a calibration nor board videos", "fill 'calibration', or 'board' and 'board_videos'"
        )
    for column in ("calibration_format", "calibration_size", "calibration_subject"):
        if getattr(row, column):
            raise InputError(where, f"{column} is given, but no calibration", "fill 'calibration', or leave it empty")


def _read_sheet(
    path: Path, kind: type[SessionRow | CameraRow | RigRow], closed: bool = True
) -> list[tuple[int, dict[str, Any], dict[str, str]]]:
    """Line number and cells of every row of a `kind`, and cells of further columns, which a closed sheet has none of.

    Columns are the attributes of the `kind`, and may be left out where it has a default, which empty cells have, too. Lines
    that are empty or begin with # are passed over.
    """
    required = [column.name for column in fields(kind) if column.default is MISSING and column.name not in ("line", "more")]
    optional = {column.name: column.default for column in fields(kind) if column.default is not MISSING}
    text = read_text(path, "every study has this sheet", _MOST_BYTES)
    if stray := _CONTROL.search(text):
        line = text.count("\n", 0, stray.start()) + 1
        raise InputError(path, f"row {line}: has the letter {stray[0]!r}, which cannot be printed", "write the row again")
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
        lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise InputError(path, f"is not a tab-separated text ({error})", "save it as such") from None
    lines = [(number, cells) for number, cells in lines if any(cells) and not cells[0].startswith("#")]
    if not lines:
        raise InputError(path, "is empty", f"its first line names the columns {', '.join(required)}")
    header = lines[0][1]
    _check_header(path, header, required, [*required, *optional], closed)
    if len(lines) == 1:
        raise InputError(path, "has no rows", "add at least one")
    rows = []
    for number, cells in lines[1:]:
        if len(cells) > len(header):
            raise InputError(path, f"row {number}: has {len(cells)} cells for {len(header)} columns", "remove the superfluous tab")
        given = dict(zip(header, cells + [""] * (len(header) - len(cells)), strict=True))
        known = {column: given.pop(column, "") for column in (*required, *optional)}
        rows.append((number, {column: cell or optional.get(column, cell) for column, cell in known.items()}, given))
    return rows


def write_sheet(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a sheet; rows may be shorter than the heading."""
    lines = ["\t".join(columns), *("\t".join([*row, *[""] * (len(columns) - len(row))]) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _check_header(path: Path, header: Sequence[str], required: Sequence[str], known: Sequence[str], closed: bool) -> None:
    for column in header:
        if not column or header.count(column) > 1:
            raise InputError(
                path, f"column {column!r} is {'there twice' if column else 'without a name'}", "every column needs a name of its own"
            )
        if column in known:
            continue
        hint = suggest(column, known, _ALIKE)
        if closed or hint:
            raise InputError(path, f"unknown column {column!r}", hint or f"the columns are {', '.join(known)}")
    missing = [column for column in required if column not in header]
    if missing:
        commas = "the columns must be separated by tabs" if len(header) == 1 else ""
        raise InputError(path, f"column {missing[0]!r} is missing, found {', '.join(header)}", commas or "add it")


def _check_names(cells: dict[str, str], columns: Sequence[str], where: str) -> None:
    for column in columns:
        if not re.fullmatch(NAME_PATTERN, cells[column]):
            raise InputError(
                where, f"{column} is {cells[column]!r}", "names consist of letters (A to Z), digits, _ and -, and do not begin with -"
            )


def _check_choice(cells: dict[str, str], column: str, choices: Sequence[str], where: str, default: str = "") -> None:
    if cells[column] not in choices:
        rest = f" or leave it empty ({default})" if default else ""
        raise InputError(where, f"{column} is {cells[column]!r}", f"use {', '.join(choices)}{rest}")


def _read_frame(cells: dict[str, str], column: str, where: str) -> int | None:
    if not cells[column]:
        return None
    if not cells[column].isdecimal() or len(cells[column]) > _MOST_DIGITS:
        raise InputError(where, f"{column} is {cells[column]!r}", "write a frame number (0 is the first) or leave it empty")
    return int(cells[column])


def _read_rate(cell: str, where: str) -> float | None:
    if not cell:
        return None
    try:
        rate = float(cell)
    except ValueError:
        rate = 0.0
    if not 0 < rate <= FASTEST:
        raise InputError(where, f"frame_rate is {cell!r}", f"write frames per second, above 0 and at most {FASTEST}, or leave it empty")
    return rate
