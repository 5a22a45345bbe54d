"""Which calibration file belongs to which session: every candidate is read, and is used or passed over for a reason that is told."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bkind3d.calibration.exchange import check_scale
from bkind3d.calibration.formats.reading import GivenRig, read_given_cameras, read_rig, remark_on_centres
from bkind3d.config import InputError
from bkind3d.data.calibration_files import fit_camera_to_video
from bkind3d.data.calibration_formats import match_cameras, parse_sizes
from bkind3d.geometry.cameras import Camera
from bkind3d.start.inventory import Inventory
from bkind3d.start.naming import FEWEST, list_dates
from bkind3d.start.recordings import Recognised, make_name

#: What is no session's name in a file's, where it stands among others.
_NUMBER = re.compile(r"\d{1,4}")
#: The rule by which one of several is chosen, as it is told.
RULE = "of those with all cameras of a session, the one with its name or date, or in the nearest folder"


@dataclass(frozen=True)
class Candidate:
    """A file that holds cameras, and what it says of them."""

    path: Path
    given: GivenRig

    @property
    def cameras(self) -> list[str]:
        """Names of its cameras."""
        return [str(table.get("name", section)) for section, table in self.given.tables.items()]


@dataclass(frozen=True)
class FittedCalibration:
    """A calibration that has all cameras of a session, at the size of its videos.

    Attributes
    ----------
    size : as the sheet of rigs says it, where the file does not; else empty.
    units : of its world; `stated` where file or user says so.
    """

    path: Path
    cameras: Mapping[str, Camera]
    units: str
    stated: bool
    size: str = ""

    def equals(self, other: "FittedCalibration") -> bool:
        """Whether both are the same cameras, whatever the files are called."""
        return self.cameras.keys() == other.cameras.keys() and all(
            camera.size == other.cameras[name].size
            and all(
                np.allclose(getattr(camera, key), getattr(other.cameras[name], key), rtol=1e-6, atol=1e-9)
                for key in ("matrix", "distortion", "rotation", "translation")
            )
            for name, camera in self.cameras.items()
        )


@dataclass(frozen=True)
class Wanted:
    """What the user says of calibrations: units (none: as the file says, else mm), and picture sizes as typed (none: as the file says, else as the videos)."""

    units: str | None = None
    size: str | None = None


def find_calibrations(inventory: Inventory) -> list[Candidate]:
    """Files of the `inventory` that hold cameras; the others are passed over."""
    found = []
    for path in inventory.candidates:
        try:
            found.append(read_candidate(path))
        except InputError as error:
            inventory.pass_over(path, "no calibration" if path.suffix != ".pkl" else error.reason)
    return found


def read_candidate(path: Path) -> Candidate:
    """Read what a file says of its cameras; InputError where it holds none."""
    given = read_rig(path)
    if sum("matrix" in table for table in given.tables.values()) < FEWEST:
        raise InputError(path, "holds fewer than two cameras, so it is no calibration of a rig", "give another file")
    return Candidate(path, given)


def fit_calibration(candidate: Candidate, found: Recognised, session: str, wanted: Wanted) -> FittedCalibration:
    """The calibration for the cameras of a session.

    Raises
    ------
    InputError : where it lacks one of them, is in other units or for pictures of another shape, or cannot be.
    """
    path, given = candidate.path, candidate.given
    matched = match_cameras(candidate.cameras, list(found.sessions[session]), path)
    parts = {name: found.find_part(session, camera) for camera, name in matched.items()}
    videos = {name: found.measure_size(session, camera) for camera, name in matched.items()}
    lacking = any("size" not in table for table in given.tables.values())
    size = (wanted.size or _write_sizes(videos, candidate.cameras)) if lacking else ""
    if given.units and wanted.units and given.units != wanted.units:
        raise InputError(path, f"is in {given.units!r}, the units given are {wanted.units!r}", "leave --units out")
    units = given.units or wanted.units or "mm"
    cameras = read_given_cameras(path, sizes=parse_sizes(size or wanted.size or "", "--size"))[0]
    for name, shape in videos.items():
        fit_camera_to_video(cameras[name], shape, path, parts[name])
    check_scale({name: cameras[name] for name in videos}, units, path)
    return FittedCalibration(path, cameras, units, bool(given.units or wanted.units), size)


def _write_sizes(videos: Mapping[str, tuple[int, int]], cameras: Sequence[str]) -> str:
    """The videos' sizes as the sheet of rigs has them, by the calibration's names; cameras without a video get the usual one."""
    usual = Counter(videos.values()).most_common(1)[0][0]
    others = {name: size for name, size in videos.items() if size != usual}
    return " ".join(
        [f"{usual[0]}x{usual[1]}", *(f"{name}={width}x{height}" for name, (width, height) in others.items() if name in cameras)]
    )


def list_owners(path: Path, homes: Mapping[str, Path]) -> list[str]:
    """The sessions that a file, or a folder's content, belongs to: those below the first folder above it that holds any."""
    for folder in path.parents:
        if owners := [session for session, home in homes.items() if home.is_relative_to(folder)]:
            return owners
    return list(homes)


def measure_nearness(path: Path, session: str, homes: Mapping[str, Path]) -> tuple[bool, int]:
    """How near a file is to a session: whether it has its name or date, and how deep the folder lies that both are in."""
    dates = {"".join(filter(str.isdigit, date)) for date in list_dates(path.stem)}
    own = {"".join(filter(str.isdigit, date)) for date in list_dates(session)}
    shared = next(len(folder.parts) for folder in path.parents if homes[session].is_relative_to(folder))
    return find_named(path, homes) == session or bool(dates & own), shared


def find_named(path: Path, sessions: Iterable[str]) -> str | None:
    """The session whose name a file has, alone or among other words (``mouse1_calib``); of several the longest, and no short number."""
    stem = make_name(path.stem)
    found = [
        name
        for name in sessions
        if name == stem or (not _NUMBER.fullmatch(name) and re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", stem))
    ]
    return max(found, key=len, default=None)


class Choice:
    """Chooses a calibration for every session, and keeps why others were not chosen."""

    def __init__(self, candidates: Sequence[Candidate], found: Recognised, wanted: Wanted):
        self.candidates, self.found, self.wanted = candidates, found, wanted
        self.homes = {session: found.find_home(session) for session in found.sessions}
        #: Why a candidate was not used for a session, by session.
        self.refused: dict[str, dict[Path, str]] = {session: {} for session in found.sessions}

    def choose(self, session: str) -> FittedCalibration | None:
        """The calibration of a session by :data:`RULE`; none where there is none.

        Raises
        ------
        InputError : where several that differ are equally near.
        """
        levels = self.examine(session)
        if not levels:
            return None
        fitting = [one for one in levels[max(levels)] if one]
        others = [one for one in fitting[1:] if not one.equals(fitting[0])]
        if others:
            names = ", ".join(self._name(one.path) for one in (fitting[0], *others))
            raise InputError(
                self.found.folder,
                f"{names} all have the cameras of session {session!r}, and differ",
                f"choose one with --calibration {fitting[0].path}",
            )
        for one in fitting[1:]:
            self.refused[session][one.path] = f"equal to {self._name(fitting[0].path)}"
        return fitting[0] if fitting else None

    def examine(self, session: str) -> dict[tuple[bool, int], list[FittedCalibration | None]]:
        """The candidates with a session's cameras by how near they are: none in place of those that cannot be right; it is kept why."""
        levels: dict[tuple[bool, int], list[FittedCalibration | None]] = {}
        for candidate in self.candidates:
            self._try(candidate, session, levels)
        return levels

    def _try(self, candidate: Candidate, session: str, levels: dict[tuple[bool, int], list[FittedCalibration | None]]) -> None:
        path, refused = candidate.path, self.refused[session]
        owners, named = list_owners(path, self.homes), find_named(path, self.homes)
        if session not in owners or named not in (None, session):
            refused[path] = f"belongs to session {owners[0] if session not in owners else named}, by where it lies or its name"
            return
        try:
            match_cameras(candidate.cameras, list(self.found.sessions[session]), path)
        except InputError:
            refused[path] = f"has the cameras {', '.join(candidate.cameras)}"
            return
        level = levels.setdefault(measure_nearness(path, session, self.homes), [])
        try:
            level.append(fit_calibration(candidate, self.found, session, self.wanted))
        except InputError as error:
            # One that is nearer and wrong is not replaced by another in silence.
            refused[path] = error.reason
            level.append(None)

    def explain(self, session: str) -> str:
        """Why no candidate was used for a session."""
        reasons = [f"{self._name(path)}: {why}" for path, why in self.refused[session].items()]
        return "; ".join(reasons[:3]) + (f"; and {len(reasons) - 3} more" if len(reasons) > 3 else "")

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self.found.folder)) if path.is_relative_to(self.found.folder) else str(path)


def remark_on_sizes(chosen: FittedCalibration, name: str, given: bool) -> list[str]:
    """Say where the picture size came from, where not from the file."""
    if not chosen.size:
        return []
    remarks = [
        f"Assumed that {name}, which does not say its picture size, is for pictures as filmed, {chosen.size}; change it with --size."
    ]
    return remarks + [f"{name}: {remark}" for remark in remark_on_centres(dict(chosen.cameras), told=True)]
