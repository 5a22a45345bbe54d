"""Which of a folder's videos is which camera of which session, and which show a calibration board."""

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Shaped
from numpy.typing import NDArray

from bkind3d.config import InputError
from bkind3d.data.crops import Crop, Part, Size
from bkind3d.data.spacing import spread_indices
from bkind3d.data.video import DecodedFrame, VideoInfo, decode_frames, decode_keyframes, probe_video, read_packets
from bkind3d.start.inventory import VIDEOS, Inventory
from bkind3d.start.naming import FEWEST, Place, apply_pattern, are_pieces, check_pattern, choose_pattern

_BOARD = re.compile(r"(?<![a-z])(calib|(charuco|checker|chess)?board|charuco|checker|aruco)", re.I)
#: What a GoPro calls a chapter: two digits count it, four the video.
_CHAPTER = re.compile(r"G[HXL]\d\d(?P<number>\d{4})$")
#: The number of a piece, behind the camera's name.
_COUNTED = re.compile(r"(?P<before>.*\{camera\}.*?)(?P<number>\d+)(?P<after>\.[^./]*)")
#: Folders that tell nothing of what they hold.
_USUAL_FOLDERS = re.compile(r"(raw[-_ ]?)?(videos?|recordings?|cameras?|movies|films|images)([-_ ]?raw)?|raw", re.I)
#: A picture with at least so many ArUco markers shows a board; single ones may be read into fur or a grid.
_FEWEST_MARKERS = 4
_PICTURES = 5
#: Where keyframes are fewer than that, pictures come from the first so many frames.
_BEGINNING = 300
#: What sheets or Snakemake could not hold in a path.
_UNWRITABLE = ("\t", "\n", "\r", ";", "{", "}")


@dataclass(frozen=True)
class Recognised:
    """What was recognised in a folder.

    Attributes
    ----------
    folder : that was searched.
    pattern : by which session and camera were read from the paths.
    sessions : files of the video by camera by session, all names as they are written in sheets.
    boards : files of the board video by camera by their paths with ``{camera}`` (``;`` between them), of recordings of a calibration board.
    headers : of every video, as far as they can be told without decoding.
    remarks : what was assumed, and how to say it otherwise.
    crops : the part of the pictures that is a camera's, where all share one video.
    """

    folder: Path
    pattern: str
    sessions: dict[str, dict[str, list[Path]]]
    boards: dict[str, dict[str, list[Path]]]
    headers: dict[Path, VideoInfo]
    remarks: list[str] = field(default_factory=list)
    crops: dict[str, Crop] = field(default_factory=dict)

    def find_home(self, session: str) -> Path:
        """The deepest folder that holds all videos of a session."""
        return find_common([path for files in self.sessions[session].values() for path in files])

    def measure_size(self, session: str, camera: str) -> tuple[int, int]:
        """(width, height) of a camera's pictures."""
        part = self.find_part(session, camera)
        return part.crop.size if part else self._measure_whole(session, camera)

    def find_part(self, session: str, camera: str) -> Part | None:
        """The part of its video's pictures that is a camera's; none where that is the whole."""
        return Part(self.crops[camera], self._measure_whole(session, camera)) if camera in self.crops else None

    def _measure_whole(self, session: str, camera: str) -> Size:
        header = self.headers[self.sessions[session][camera][0]]
        return header.width, header.height


def find_common(paths: Collection[Path]) -> Path:
    """The deepest folder that holds all of these files."""
    return Path(os.path.commonpath([path.parent for path in paths]))


def recognise_recordings(inventory: Inventory, pattern: str | None = None, known: Collection[Sequence[str]] = ()) -> Recognised:
    """Find out which video of the `inventory` is which camera of which session.

    Parameters
    ----------
    pattern : path of a video below the folder, with ``{session}``, ``{camera}``, ``{part}`` and ``*``; the one that fits best without it.
    known : names of the cameras of every calibration that was found.

    Raises
    ------
    InputError : where no session has two cameras, or two videos are the same camera of one session.
    """
    headers, filmed, boards = _tell_boards(inventory)
    pattern, found = _read_names(inventory, filmed, headers, pattern, known)
    sessions, raw = _group(inventory, filmed, found)
    if len(headers) == 1:
        only = inventory.name(next(iter(headers)))
        raise InputError(
            inventory.folder,
            f"holds one video, {only}",
            "two cameras are the least; where it shows several views (by mirrors, say): --views",
        )
    if not sessions:
        raise InputError(
            inventory.folder,
            f"none of the {len(headers)} videos could be put together into a session of at least two cameras",
            "say where the names stand in their paths, as in --pattern '{session}/{camera}.mp4', or '{camera}/GH{part}.MP4' where a video's files are counted",
        )
    remarks = [*_remark_on_parts(sessions, pattern), *_remark_on_chapters(sessions, pattern)]
    recognised = Recognised(inventory.folder, pattern, sessions, {}, headers, remarks)
    _add_boards(recognised, group_boards(inventory, boards, raw))
    if not boards and len(sessions) > 1 and not known and (seen := find_board_session(recognised)):
        shown = sessions.pop(seen)
        remarks.append(f"Markers show that {seen} is of a board.")
        _add_boards(recognised, group_boards(inventory, [path for files in shown.values() for path in files], raw))
    return recognised


def recognise_views(inventory: Inventory, pattern: str | None, choose: Callable[[Size], dict[str, Crop]]) -> Recognised:
    """Find out which video of the `inventory` is which session, where each shows all views.

    Parameters
    ----------
    pattern : path of a video below the folder, with ``{session}``, ``{part}`` and ``*``; all of it is the session's name without one.
    choose : the part of a picture of the given size that is a camera's, by camera.

    Raises
    ------
    InputError : where a video's pictures lack a part.
    """
    headers, filmed, boards = _tell_boards(inventory)
    pattern, found = _read_names(inventory, filmed, headers, pattern or "{session}", (), of_views=True)
    crops = choose((headers[filmed[0]].width, headers[filmed[0]].height))
    for path in [filmed[index] for index in found]:
        size = (headers[path].width, headers[path].height)
        for camera, crop in crops.items():
            if not crop.is_inside(size):
                raise InputError(path, f"view {camera}={crop} is not all inside its pictures of {size[0]}x{size[1]}", "correct --views")
    sessions, _ = _group(inventory, filmed, found, list(crops))
    recognised = Recognised(inventory.folder, pattern, sessions, {}, headers, [*_remark_on_parts(sessions, pattern)], crops)
    _add_boards(recognised, {inventory.name(path): dict.fromkeys(crops, path) for path in boards})
    return recognised


def _tell_boards(inventory: Inventory) -> tuple[dict[Path, VideoInfo], list[Path], list[Path]]:
    """What all videos are, those of sessions, and those that are called like a board's."""
    headers = dict(_probe_videos(inventory))
    boards = [path for path in headers if _BOARD.search(inventory.name(path))]
    filmed = [path for path in headers if path not in set(boards)]
    if not filmed and boards:
        raise InputError(
            inventory.folder,
            f"all videos are called like those of a calibration board, such as {inventory.name(boards[0])}",
            f"name the sessions otherwise, or calibrate the cameras alone: bkind3d calibrate-cameras {inventory.folder} --board "
            "8x11:24:18.75 -o calibration.toml",
        )
    return headers, filmed, boards


def recognise_boards(inventory: Inventory, pattern: str | None = None) -> Recognised:
    """Find out which video of a folder of board videos is which camera's; where only some are called like a board's, those.

    Raises
    ------
    InputError : where they are of fewer than two cameras.
    """
    headers = dict(_probe_videos(inventory))
    videos = [path for path in headers if _BOARD.search(inventory.name(path))] or list(headers)
    pattern, found = _read_names(inventory, videos, headers, pattern, ())
    sessions, _ = _group(inventory, videos, found)
    if not sessions:
        raise InputError(
            inventory.folder,
            "holds no board videos of at least two cameras",
            "say where the cameras' names stand: --pattern '{camera}.mp4'",
        )
    return Recognised(inventory.folder, pattern, sessions, {}, headers, [*_remark_on_parts(sessions, pattern)])


def _read_names(
    inventory: Inventory,
    videos: Sequence[Path],
    headers: Mapping[Path, VideoInfo],
    pattern: str | None,
    known: Collection[Sequence[str]],
    of_views: bool = False,
) -> tuple[str, dict[int, Place]]:
    """The pattern, and what it says of every video that it fits; the others are passed over."""
    names = [str(path.relative_to(inventory.folder).with_suffix("")) for path in videos]
    if pattern:
        check_pattern(pattern, of_views)
        found = apply_pattern(pattern.removesuffix(Path(pattern).suffix) if Path(pattern).suffix.lower() in VIDEOS else pattern, names)
        if not found:
            such = f", such as {names[0]!r}" if names else ""
            raise InputError(
                "", f"--pattern {pattern!r} fits none of the {len(names)} videos in {inventory.folder}{such}", "correct the pattern"
            )
    else:
        pattern, found = choose_pattern(names, [headers[path].n_frames for path in videos], known) if names else ("", {})
    for index, path in enumerate(videos):
        if index not in found:
            inventory.pass_over(path, f"does not fit the pattern {pattern}, or names no camera of the calibration")
    return pattern, found


def make_name(text: str) -> str:
    """`text` in the letters that names in sheets have: accents are dropped, whatever else becomes an underscore."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9-]+", "_", plain).strip("_-") or "x" + "".join(f"{ord(letter):x}" for letter in text[:8])


def _probe_videos(inventory: Inventory) -> Iterator[tuple[Path, VideoInfo]]:
    for path in inventory.videos:
        try:
            yield path, probe_video(path, counted=False)
        except InputError as error:
            inventory.pass_over(path, error.reason)


def _name_sessions(folder: Path, sessions: Collection[str]) -> dict[str, str]:
    """Names for the sheets; folders that all sessions share, and those that say nothing, are no part of them."""
    parts = {session: session.split("/") for session in sessions}
    told = {session: [part for part in p if not _USUAL_FOLDERS.fullmatch(part)] for session, p in parts.items()}
    if len({tuple(p) for p in told.values()}) == len(told):
        parts = told
    while len(parts) > 1 and all(len(p) > 1 for p in parts.values()) and len({p[0] for p in parts.values()}) == 1:
        parts = {session: p[1:] for session, p in parts.items()}
    # m1/m1_cam1 is session m1.
    parts = {session: [part for part, after in pairwise([*p, ""]) if not after.startswith(part)] for session, p in parts.items()}
    names = {session: make_name("_".join(p) or folder.absolute().name) for session, p in parts.items()}
    for session, name in names.items():
        other = next(first for first in names if names[first] == name)
        if other != session:
            raise InputError(folder, f"{other!r} and {session!r} would both be session {name!r}", "rename one")
    return names


def _group(
    inventory: Inventory, paths: Sequence[Path], found: Mapping[int, Place], views: Sequence[str] = ()
) -> tuple[dict[str, dict[str, list[Path]]], set[str]]:
    """Videos by session and camera, under names for the sheets, and the cameras' names as they stand in the paths; `views` share them."""
    names = _name_sessions(inventory.folder, {place.session: None for place in found.values()}.keys())
    grouped: dict[str, dict[str, dict[int, Path]]] = {}
    first: dict[tuple[str, str], str] = {}
    for index, place in sorted(found.items()):
        session, camera, number = names[place.session], make_name(place.camera), -1 if place.part is None else place.part
        parts = grouped.setdefault(session, {}).setdefault(camera, {})
        if number in parts or first.setdefault((session, camera), place.camera) != place.camera:
            other = parts.get(number, next(iter(parts.values())))
            raise InputError(
                "",
                f"{other} and {paths[index]} would both be camera {camera!r} of session {session!r}",
                "rename one, or say where the names stand in the paths (--pattern), with {part} where files of one video are counted",
            )
        parts[number] = paths[index]
    sessions = {
        session: {camera: [parts[number] for number in sorted(parts)] for camera, parts in cameras.items()}
        for session, cameras in grouped.items()
    }
    if views:
        sessions = {session: dict.fromkeys(views, files) for session, cameras in sessions.items() for files in cameras.values()}
    for session in [name for name, cameras in sessions.items() if len(cameras) < FEWEST]:
        for path in (path for files in sessions.pop(session).values() for path in files):
            inventory.pass_over(path, f"is the only video of session {session!r}; two cameras are the least")
    for path in (path for cameras in sessions.values() for files in cameras.values() for path in files):
        _refuse_unwritable(inventory, path)
        inventory.use(path, "videos of sessions")
    return sessions, {place.camera for place in found.values()}


def _refuse_unwritable(inventory: Inventory, path: Path) -> None:
    text = inventory.name(path)
    unwritable = [sign for sign in _UNWRITABLE if sign in text] or ([" "] if text != text.strip() else [])
    if unwritable:
        raise InputError(
            f"{str(path)!r}", f"a sheet cannot hold {unwritable[0]!r} in a path", "rename the file or folder, or make a link to it"
        )


def _remark_on_parts(sessions: Mapping[str, Mapping[str, Sequence[Path]]], pattern: str) -> Iterator[str]:
    """Say that several files were taken for one video, and how to have it otherwise."""
    parted = [files for cameras in sessions.values() for files in cameras.values() if len(files) > 1]
    if parted:
        names = ", ".join(path.name for path in parted[0][:3])
        other = pattern.replace("{part}", "*" if "{session}" in pattern else "{session}")
        yield f"Assumed that the files of a camera ({names}{', ...' if len(parted[0]) > 3 else ''}) are one video in pieces; if they are sessions: --pattern '{other}'"


def group_boards(inventory: Inventory, videos: Sequence[Path], cameras: Collection[str]) -> dict[str, dict[str, Path]]:
    """Board videos by camera by their path with ``{camera}``: the one that most of them share, where a name stands in several places."""
    options: dict[Path, list[tuple[str, str]]] = {}
    for path in videos:
        _refuse_unwritable(inventory, path)
        text = inventory.name(path)
        options[path] = []
        for camera in cameras:
            places = [match.span() for match in re.finditer(rf"(?<![A-Za-z0-9]){re.escape(camera)}(?![A-Za-z0-9])", text)]
            for chosen in [places, *([place] for place in places if len(places) > 1)] if places else []:
                template = text
                for begin, end in reversed(chosen):
                    template = template[:begin] + "{camera}" + template[end:]
                options[path].append((template, camera))
    votes = Counter(template for found in options.values() for template in {template for template, _ in found})
    grouped: dict[str, dict[str, Path]] = defaultdict(dict)
    for path, found in options.items():
        if found:
            template, camera = max(found, key=lambda one: (votes[one[0]], one[0].count("{camera}")))
            grouped[template][make_name(camera)] = path
        else:
            inventory.pass_over(path, f"looks like a board's video, but names none of the cameras {', '.join(sorted(cameras))}")
    return dict(grouped)


def _remark_on_chapters(sessions: Collection[str], pattern: str) -> Iterator[str]:
    """Say that sessions are called like the chapters into which a GoPro divides one video."""
    numbers = [match["number"] for match in map(_CHAPTER.search, sessions) if match]
    if len(set(numbers)) < len(numbers):
        first, second = sorted(name for name in sessions if _CHAPTER.search(name))[:2]
        other = pattern.replace("{session}", f"{first[:-6]}{{part}}")
        yield f"Assumed that {first}, {second} are sessions; if they are chapters of one video of a GoPro: --pattern '{other}'"


def _add_boards(found: Recognised, grouped: Mapping[str, Mapping[str, Path]]) -> None:
    """Add recordings of boards; those that differ by a number at the end of their paths, and have one length but for the last, are pieces of one."""
    numbered: dict[tuple[str, ...], dict[int, str]] = defaultdict(dict)
    for template, videos in grouped.items():
        if match := _COUNTED.fullmatch(template):
            numbered[match["before"], match["after"], *sorted(videos)][int(match["number"])] = template
    pieces: dict[str, list[str]] = {}
    for numbers in numbered.values():
        ordered = [numbers[number] for number in sorted(numbers)]
        lengths = [[found.headers[grouped[template][camera]].n_frames for template in ordered] for camera in grouped[ordered[0]]]
        if len(ordered) > 1 and all(are_pieces([*enumerate(row)]) for row in lengths):
            pieces |= dict.fromkeys(ordered, ordered)
            found.remarks.append(f"Assumed that {' and '.join(ordered)} are one video of a board in pieces; if not, keep one.")
    for template, videos in grouped.items():
        files = pieces.get(template, [template])
        found.boards[";".join(files)] = {camera: [grouped[piece][camera] for piece in files] for camera in videos}


def find_board_session(found: Recognised) -> str | None:
    """The session in which the first two cameras see a board with markers, where no name says so; short ones are looked at first."""
    lengths = {name: max(found.headers[files[0]].n_frames for files in cameras.values()) for name, cameras in found.sessions.items()}
    for name in sorted(lengths, key=lambda name: lengths[name]):
        first = [files[0] for files in found.sessions[name].values()][:2]
        if all(shows_markers(path) for path in first):
            return name
    return None


def shows_markers(video: Path) -> bool:
    """Whether some of the video's pictures show a board with markers."""
    return any(_count_markers(frame.picture) >= _FEWEST_MARKERS for frame in _sample_frames(video))


def _sample_frames(path: Path) -> Iterator[DecodedFrame]:
    """Pictures of the whole video where keyframes allow it; short ones may have a single keyframe."""
    packets = read_packets(path)
    keyframes = np.flatnonzero(packets.keys)
    if len(keyframes) >= _PICTURES:
        wanted = keyframes[spread_indices(len(keyframes), _PICTURES)]
        return decode_keyframes(path, [*map(int, wanted)])
    n_frames = min(len(packets.times), _BEGINNING)
    return islice(decode_frames(path), 0, n_frames, max(1, n_frames // (2 * _PICTURES)))


def _count_markers(picture: Shaped[NDArray, "..."]) -> int:
    """Most markers of one dictionary in a picture."""
    counts = []
    for name in ("DICT_4X4_1000", "DICT_5X5_1000", "DICT_6X6_1000", "DICT_7X7_1000"):
        dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, name))
        _, ids, _ = cv2.aruco.ArucoDetector(dictionary, cv2.aruco.DetectorParameters()).detectMarkers(picture)
        counts.append(0 if ids is None else len(np.unique(ids)))
    return max(counts)
