"""Pictures of moments as they were recorded, decoded before they are asked for."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import cv2

from bkind3d.config import InputError
from bkind3d.data.video import Packets, Video, decode_at

#: Bytes of pictures that are kept, threads that decode, and quality of the JPEG that the browser gets.
_MOST_BYTES, _THREADS, _QUALITY = 300_000_000, 2, 92

#: Session, camera, frame.
Key = tuple[str, str, int]


class Pictures:
    """JPEG pictures of some frames; those that were asked for last are kept.

    Parameters
    ----------
    videos : of each session's cameras.
    numbers : number in its video of each session's, camera's and frame's picture.
    """

    def __init__(self, videos: Mapping[tuple[str, str], Video], numbers: Mapping[Key, int]) -> None:
        self._videos, self._numbers = videos, numbers
        self._packets: dict[Path, Packets] = {}
        self._kept: OrderedDict[Key, Future[bytes]] = OrderedDict()
        self._sizes: dict[Key, int] = {}
        self._lock, self._pool = Lock(), ThreadPoolExecutor(_THREADS)

    def prepare(self, keys: Iterable[Key]) -> None:
        """Begin to decode pictures that will be asked for."""
        for key in keys:
            self._begin(key)

    def get(self, key: Key) -> bytes:
        """Give a picture.

        Raises
        ------
        InputError : where the video has no such frame.
        """
        content = self._begin(key).result()
        with self._lock:
            self._sizes[key] = len(content)
            while sum(self._sizes.values()) > _MOST_BYTES and len(self._kept) > 1:
                oldest, _ = self._kept.popitem(last=False)
                self._sizes.pop(oldest, None)
        return content

    def _begin(self, key: Key) -> "Future[bytes]":
        with self._lock:
            if key not in self._kept:
                self._kept[key] = self._pool.submit(self._decode, key)
            self._kept.move_to_end(key)
            return self._kept[key]

    def _decode(self, key: Key) -> bytes:
        session, camera, frame = key
        number = self._numbers.get(key, -1)
        if number < 0:
            raise InputError("", f"the video of {camera} has no frame {frame} of session {session}", "")
        picture = decode_at(self._videos[session, camera], number, self._packets)
        if picture.ndim == 2:
            picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
        return cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
