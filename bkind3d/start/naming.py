"""Where the names of session and camera stand in the paths of videos: patterns, and how well each explains a folder."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bkind3d.config import InputError
from bkind3d.data.calibration_formats import CAMERA_WORDS, match_cameras

#: Paths of videos below the folder, without their endings; usual ones first. A ``{part}`` is the number of one of a video's files.
PATTERNS = (
    "{session}/{camera}",
    "{session}_{camera}",
    "{session}-{camera}",
    "{session}.{camera}",
    "{camera}/{session}",
    "{camera}_{session}",
    "{camera}-{session}",
    "{camera}/{session}_{camera}",
    "{camera}/{session}-{camera}",
    "{session}/{camera}/*",
    "{camera}/*",
    "{camera}",
    "{session}/{camera}/{part}",
    "{session}/{camera}_{part}",
    "{session}/{camera}-{part}",
    "{session}_{camera}_{part}",
    "{session}-{camera}-{part}",
    "{camera}/{part}",
    "{camera}_{part}",
    "{camera}-{part}",
)
FEWEST, MOST = 2, 32

#: Names that cameras usually have: of certain ones the word says it; a letter or a number alone may be anything's.
_SURE = (
    r"(cam|camera|kamera|view|kinect|gopro|basler|webcam|flir)[ _.-]?(\d{1,8}|[a-z])"
    r"|(cam|camera|view)?[ _.-]?(top|bottom|left|right|front|back|rear|side|mid|middle|above|below|overhead)[ _.-]?\d?"
)
_LIKELY = re.compile(r"[cv][ _.-]?\d{1,2}", re.I)
_NUMBER = re.compile(r"\d{1,3}[a-z]?", re.I)
_DATE = re.compile(r"(19|20)\d\d[-_.]?[01]\d[-_.]?[0-3]\d([-_.T ]?\d{2,6})*")
#: A session's name is short beside these: what its camera is called cannot be the session.
_WEIGHT_OF_SESSIONS = 1.0
#: Files of one video have one length but for the last, to this share.
_SAME_LENGTH = 0.03


@dataclass(frozen=True)
class Place:
    """What a path says: its session (empty where the pattern has none), its camera, and which part of the camera's video it is."""

    session: str
    camera: str
    part: int | None = None


def apply_pattern(pattern: str, names: Sequence[str], cameras: str = "[^/]+?") -> dict[int, Place]:
    """What `pattern` reads from each of `names` that it fits.

    A session's name may hold folders; a camera's, an expression of which may be given, is the shortest that fits behind, the longest before the session's.
    """
    groups = {"{session}": "(?P<session>.+)", "{camera}": f"(?P<camera>{cameras})", "{part}": r"(?P<part>\d+)", "*": "[^/]*"}
    again = {"{session}": "(?P=session)", "{camera}": "(?P=camera)", "{part}": "(?P=part)"}
    text, seen = "", set()
    for piece in re.split(r"(\{session\}|\{camera\}|\{part\}|\*)", pattern):
        text += (again if piece in seen else groups).get(piece, "") or groups.get(piece) or re.escape(piece)
        seen |= {piece} & again.keys()
    matches = ((index, re.fullmatch(text, name, re.I)) for index, name in enumerate(names))
    found = {}
    for index, match in matches:
        if match:
            values = match.groupdict()
            found[index] = Place(
                values.get("session") or "", values.get("camera") or "", int(values["part"]) if values.get("part") else None
            )
    return found


def check_pattern(pattern: str, of_views: bool = False) -> None:
    """Refuse a pattern that does not say where the camera's name stands; or, of videos that show all views, the session's."""
    fields = re.findall(r"\{[^}]*\}", pattern)
    if of_views:
        if "{session}" not in fields or set(fields) - {"{session}", "{part}"}:
            raise InputError(
                f"--pattern {pattern!r}", "videos show all views: write {session} where the session's name stands, and {part} for pieces"
            )
        return
    if "{camera}" not in fields or set(fields) - {"{session}", "{camera}", "{part}"}:
        raise InputError(
            f"--pattern {pattern!r}",
            "write {camera} where the camera's name stands, {session} where the session's does, and {part} for the number of one "
            "of several files of a video, as in '{session}/{camera}.mp4'",
            "* is anything else",
        )


def choose_pattern(names: Sequence[str], lengths: Sequence[int], known: Collection[Sequence[str]]) -> tuple[str, dict[int, Place]]:
    """The pattern that explains `names` best, and what it reads from them.

    By: cameras that a calibration has, and usual names of cameras, which are no names of sessions; then how many videos are explained, whether
    sessions have the same cameras, and a length each.

    Parameters
    ----------
    lengths : frames of every video.
    known : names of the cameras of every calibration that was found.
    """
    anything = "[^/]+?"
    expressions = [anything, _SURE]
    expressions += ["|".join(map(re.escape, sorted(cameras, key=len, reverse=True))) for cameras in known]
    # Folders of which each holds one video are cameras where they are called so.
    pairs = [
        (pattern, expression)
        for pattern in PATTERNS
        for expression in dict.fromkeys(expressions)
        if (pattern, expression) != ("{camera}/*", anything)
    ]
    tried = ((pattern, apply_pattern(pattern, names, expression)) for pattern, expression in pairs)
    return max(tried, key=lambda one: _judge(one[1], lengths, known))


def _judge(found: Mapping[int, Place], lengths: Sequence[int], known: Collection[Sequence[str]]) -> tuple[float, ...]:
    """How well an assignment explains the videos; the larger the better, in the order of the numbers."""
    sessions: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, place in found.items():
        sessions[place.session][place.camera].append(index)
    parted = any(place.part is not None for place in found.values())
    used = {
        name: cameras
        for name, cameras in sessions.items()
        if FEWEST <= len(cameras) <= MOST and (parted or all(len(indices) == 1 for indices in cameras.values()))
    }
    if not used or (
        parted and not all(are_pieces([(found[i].part or 0, lengths[i]) for i in c]) for s in used.values() for c in s.values())
    ):
        return (-9.0,)
    counts = Counter(camera for cameras in used.values() for camera in cameras)
    names = sum(_rate_camera(camera, counts, known) for camera in counts) / len(counts)
    names -= _WEIGHT_OF_SESSIONS * sum(_is_surely_camera(session.rsplit("/", 1)[-1], known) for session in used) / len(used)
    # One session per part of a video would be many sessions.
    if not parted and len(used) > 1 and all(name.rsplit("/", 1)[-1].isdigit() and len(name) < 5 for name in used):
        names -= 0.1
    share = sum(len(indices) for cameras in used.values() for indices in cameras.values()) / len(lengths)
    complete = counts.total() / (len(counts) * len(used))
    together = sum(len({sum(lengths[i] for i in indices) for indices in cameras.values()}) == 1 for cameras in used.values()) / len(used)
    # Coarse, so that of two that explain about as much the more usual pattern wins.
    return (round(names, 2), round(share * complete + together / 2, 1))


def are_pieces(parts: Sequence[tuple[int, int]]) -> bool:
    """Whether files with these numbers and lengths can be one video's: one length, but for the last, which may be shorter."""
    ordered = [length for _, length in sorted(parts)]
    longest = max(ordered[:-1], default=ordered[-1])
    return len({number for number, _ in parts}) == len(parts) and (
        all(length >= (1 - _SAME_LENGTH) * longest for length in ordered[:-1]) and ordered[-1] <= (1 + _SAME_LENGTH) * longest
    )


def _rate_camera(name: str, others: Collection[str], known: Collection[Sequence[str]]) -> float:
    """How surely this is the name of a camera: 2 where a calibration has it and at least one more, 1 where it is usual, less where it may be anything's."""
    if any(_fits(name, cameras) and sum(_fits(other, cameras) for other in others) >= FEWEST for cameras in known):
        return 2.0 + (0.2 if re.fullmatch(_SURE, name, re.I) else 0.0)
    if re.fullmatch(_SURE, name, re.I):
        return 1.0
    return -1.0 if _DATE.fullmatch(name) else 0.7 if _LIKELY.fullmatch(name) else 0.4 if _NUMBER.fullmatch(name) else 0.0


def _is_surely_camera(name: str, known: Collection[Sequence[str]]) -> bool:
    """Whether what would be a session is called like a camera, or is what is left of a camera's name without its number."""
    named = bool(re.fullmatch(_SURE, name, re.I)) or (name.casefold() in CAMERA_WORDS and name != "")
    return named or any(name in cameras and not _NUMBER.fullmatch(name) for cameras in known)


def _fits(name: str, cameras: Sequence[str]) -> bool:
    try:
        return bool(match_cameras(cameras, [name], ""))
    except InputError:
        return False


def list_dates(name: str) -> Iterator[str]:
    """Dates within a name."""
    return (match[0] for match in re.finditer(_DATE.pattern, name))
