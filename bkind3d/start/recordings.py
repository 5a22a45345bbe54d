"""Which of a folder's videos is which camera of which session: patterns of names, and how well each fits."""

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Shaped
from numpy.typing import NDArray

from bkind3d.config import InputError
from bkind3d.data.spacing import spread_indices
from bkind3d.data.video import DecodedFrame, VideoInfo, decode_frames, decode_keyframes, probe_video, read_packets

SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".m4v", ".mpg", ".mpeg", ".webm", ".wmv", ".ts", ".mts")

#: Where the names of session and camera stand in the path of a video (below the folder, without its ending); usual ones first.
PATTERNS = (
    "{session}/{camera}",
    "{session}_{camera}",
    "{session}-{camera}",
    "{session}.{camera}",
    "{camera}/{session}",
    "{camera}_{session}",
    "{camera}-{session}",
    "{session}/{camera}/*",
    "{camera}",
)

#: Names that cameras usually have.
_CAMERA = re.compile(
    r"(cam|camera|view|kinect|gopro|basler|webcam|c|v)?[ _.-]?\d{1,3}[a-z]?|top|bottom|left|right|front|back|rear|side\d?|mid|middle", re.I
)
_BOARD = re.compile(r"calib|board|charuco|checker|aruco|chess", re.I)
#: Folders that tell nothing of what they hold.
_USUAL_FOLDERS = ("videos", "video", "recordings", "cameras", "raw", "movies", "films")
_FEWEST, _MOST = 2, 32
#: A picture with at least so many ArUco markers shows a board; single ones may be read into fur or a grid.
_FEWEST_MARKERS = 4
_PICTURES = 5
#: Where keyframes are fewer than that, pictures come from the first so many frames.
_BEGINNING = 300


@dataclass(frozen=True)
class Recognised:
    """What was recognised in a folder.

    Attributes
    ----------
    folder : that was searched.
    pattern : by which session and camera were read from the paths.
    sessions : video by camera by session, all names as they are written in sheets.
    boards : video by camera by session, of recordings that are called like a calibration board.
    headers : of every video, as far as they can be told without decoding.
    passed_over : videos that fit no session, with the reason.
    """

    folder: Path
    pattern: str
    sessions: dict[str, dict[str, Path]]
    boards: dict[str, dict[str, Path]]
    headers: dict[Path, VideoInfo]
    passed_over: dict[Path, str]


def recognise_recordings(folder: Path, pattern: str | None = None) -> Recognised:
    """Find out which video below `folder` is which camera of which session.

    Parameters
    ----------
    folder : is read only.
    pattern : path of a video below the folder, with ``{session}``, ``{camera}`` and ``*``; the one that fits best without it.

    Raises
    ------
    InputError : where there are no videos, no session has two cameras, or two videos are the same camera of one session.
    """
    if pattern and (pattern.count("{camera}") != 1 or pattern.count("{session}") > 1):
        raise InputError(f"--pattern {pattern!r}: write {{camera}} once, and {{session}} at most once, as in '{{session}}/{{camera}}.mp4'")
    videos = list_videos(folder)
    passed_over: dict[Path, str] = {}
    headers = dict(_probe_videos(videos, passed_over))
    names = [str(path.relative_to(folder).with_suffix("")) for path in headers]
    if pattern:
        found = _apply(pattern.removesuffix(Path(pattern).suffix) if Path(pattern).suffix.lower() in SUFFIXES else pattern, names)
        if not found:
            raise InputError(f"--pattern {pattern!r} fits none of the {len(names)} videos in {folder}, such as {names[0]!r}")
    else:
        pattern = max(PATTERNS, key=lambda candidate: _judge(_apply(candidate, names), list(headers.values())))
        found = _apply(pattern, names)
    passed_over |= {path: f"does not fit the pattern {pattern}" for index, path in enumerate(headers) if index not in found}
    grouped = _group(folder, list(headers), found)
    for session in [name for name, cameras in grouped.items() if len(cameras) < _FEWEST]:
        for path in grouped.pop(session).values():
            passed_over[path] = f"is the only video of session {session!r}; two cameras are the least"
    if not grouped:
        raise InputError(
            f"{folder}: none of the {len(videos)} videos could be put together into a session of at least two cameras; say where the names "
            "stand in their paths, as in --pattern '{session}/{camera}.mp4'"
        )
    boards = {session: cameras for session, cameras in grouped.items() if _BOARD.search(session)}
    if not boards and len(grouped) > 1 and (seen := find_board_session(grouped, headers)):
        boards = {seen: grouped[seen]}
    sessions = {session: cameras for session, cameras in grouped.items() if session not in boards}
    if not sessions:
        raise InputError(
            f"{folder}: all videos are called like those of a calibration board ({', '.join(boards)}); name the sessions otherwise"
        )
    return Recognised(folder, pattern, sessions, boards, headers, passed_over)


def list_videos(folder: Path) -> list[Path]:
    """Videos below `folder`, by path, also below linked folders; nothing hidden."""
    if not folder.is_dir():
        raise InputError(f"{folder}: is no folder; name the one that holds the recordings")
    videos = []
    seen: set[str] = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        if (place := os.path.realpath(root)) in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        videos += [Path(root) / name for name in sorted(files) if name.lower().endswith(SUFFIXES) and not name.startswith(".")]
    if not videos:
        raise InputError(f"{folder}: holds no videos ({', '.join(SUFFIXES)}); name the folder that holds the recordings")
    return videos


def make_name(text: str) -> str:
    """`text` in the letters that names in sheets have: accents are dropped, whatever else becomes an underscore."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9-]+", "_", plain).strip("_-") or "x" + "".join(f"{ord(letter):x}" for letter in text[:8])


def _probe_videos(videos: Sequence[Path], passed_over: dict[Path, str]) -> Iterator[tuple[Path, VideoInfo]]:
    for path in videos:
        try:
            yield path, probe_video(path, counted=False)
        except InputError as error:
            passed_over[path] = str(error).removeprefix(f"{path}: ")


def _apply(pattern: str, names: Sequence[str]) -> dict[int, tuple[str, str]]:
    """(session, camera) of every name that the pattern fits; the session is empty where the pattern has none.

    A session's name may hold folders; a camera's is the shortest that fits behind, the longest before the session's.
    """
    parts = re.split(r"(\{session\}|\{camera\}|\*)", pattern)
    groups = {"{session}": "(?P<session>.+)", "{camera}": r"(?P<camera>[^/]+?)", "*": "[^/]*"}
    expression = re.compile("".join(groups.get(part) or re.escape(part) for part in parts))
    matches = ((index, expression.fullmatch(name)) for index, name in enumerate(names))
    return {index: (match.groupdict().get("session") or "", match["camera"]) for index, match in matches if match}


def _judge(found: Mapping[int, tuple[str, str]], headers: Sequence[VideoInfo]) -> tuple[float, ...]:
    """How well an assignment explains the videos; the larger the better, in the order of the numbers."""
    cameras: dict[str, list[str]] = defaultdict(list)
    lengths: dict[str, set[int]] = defaultdict(set)
    for index, (session, camera) in found.items():
        cameras[session].append(camera)
        lengths[session].add(headers[index].n_frames)
    used = {name: names for name, names in cameras.items() if _FEWEST <= len(names) <= _MOST and len(set(names)) == len(names)}
    sessions = [names for name, names in used.items() if not _BOARD.search(name)] or [*used.values()]
    counts = Counter(name for names in sessions for name in names)
    if not sessions or any(_BOARD.search(name) for name in counts):
        return (0.0, 0.0, 0.0, 0.0)
    # Videos that are used, and, more heavily, whether all sessions have the same cameras.
    complete = sum(map(len, used.values())) / len(headers) * (counts.total() / (len(counts) * len(sessions))) ** 2
    usual = sum(bool(_CAMERA.fullmatch(name)) for name in counts) / len(counts)
    together = sum(len(found) == 1 for found in lengths.values()) / len(lengths)
    return (round(complete, 2), usual, together, float(len(sessions)))


def _group(folder: Path, paths: Sequence[Path], found: Mapping[int, tuple[str, str]]) -> dict[str, dict[str, Path]]:
    """Videos by session and camera, under names for the sheets; folders that all sessions share are no part of their names."""
    parts = {session: session.split("/") for session, _ in found.values()}
    if all(len(p) > 1 and p[-1].lower() in _USUAL_FOLDERS for p in parts.values()):
        parts = {session: p[:-1] for session, p in parts.items()}
    while len(parts) > 1 and all(len(p) > 1 for p in parts.values()) and len({p[0] for p in parts.values()}) == 1:
        parts = {session: p[1:] for session, p in parts.items()}
    names = {session: make_name("_".join(p) or folder.absolute().name) for session, p in parts.items()}
    for session, name in names.items():
        other = next(first for first in names if names[first] == name)
        if other != session:
            raise InputError(f"{folder}: {other!r} and {session!r} would both be session {name!r}; rename one")
    grouped: dict[str, dict[str, Path]] = {}
    for index, (session, camera) in found.items():
        cameras, name = grouped.setdefault(names[session], {}), make_name(camera)
        if name in cameras:
            raise InputError(
                f"{cameras[name]} and {paths[index]} would both be camera {name!r} of session {names[session]!r}; rename one, or say where the names stand in the paths (--pattern)"
            )
        cameras[name] = paths[index]
    return grouped


def find_board_session(sessions: Mapping[str, Mapping[str, Path]], headers: Mapping[Path, VideoInfo]) -> str | None:
    """The session in which the first two cameras see a board with markers, where no name says so; short ones are looked at first."""
    for name in sorted(sessions, key=lambda name: max(headers[path].n_frames for path in sessions[name].values())):
        first = [*sessions[name].values()][:2]
        if all(any(_count_markers(frame.picture) >= _FEWEST_MARKERS for frame in _sample_frames(path)) for path in first):
            return name
    return None


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
