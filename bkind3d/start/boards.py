"""Which recording shows a calibration board, where its name does not say so: ArUco markers in its pictures."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Shaped
from numpy.typing import NDArray

from bkind3d.data.spacing import spread_indices
from bkind3d.data.video import DecodedFrame, VideoInfo, decode_frames, decode_keyframes, read_packets

#: A picture with at least so many markers shows a board; single ones may be read into fur or a grid.
_FEWEST_MARKERS = 4
_PICTURES = 5
#: Where keyframes are fewer than that, pictures come from the first so many frames.
_BEGINNING = 300


def find_board_session(sessions: Mapping[str, Mapping[str, Path]], headers: Mapping[Path, VideoInfo]) -> str | None:
    """The session in which the first two cameras see a board with markers; short ones are looked at first."""

    def length(name: str) -> int:
        return max(headers[path].n_frames for path in sessions[name].values())

    for name in sorted(sessions, key=length):
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
