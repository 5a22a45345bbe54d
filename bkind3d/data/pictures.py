"""Encoded pictures of recordings that are far larger than memory: read a row group at a time, the latest ones kept."""

import resource
from bisect import bisect_right
from collections import OrderedDict
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Int, UInt8
from numpy.typing import NDArray

from bkind3d.config import InputError
from bkind3d.data.parquet import open_parquet, refused_where_damaged

#: Bytes of encoded pictures that one process keeps, all sessions together.
CACHE_BYTES = 2**30

#: Files that one process keeps open at most, and the share of what the system allows: often a thousand, and a study may have more cameras.
MOST_OPEN, SHARE_OPEN = 256, 4


class PictureCache:
    """Row groups that were read and files that are open, the least recently used ones forgotten beyond their limits.

    The latest row group is kept even if it alone is larger than `limit` bytes.
    """

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self.limit, self.n_bytes = limit, 0
        self._groups: OrderedDict[tuple[str, int, int], pa.Table] = OrderedDict()
        allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        #: Opens the file at a path, written at a time, if it is not open.
        self.open = lru_cache(min(MOST_OPEN, allowed // SHARE_OPEN) if allowed > 0 else MOST_OPEN)(_open_file)

    def read(self, file: "PictureFile", group: int) -> pa.Table:
        """Give a row group of a file, from memory if it is there."""
        key = (file.name, file.written, group)
        if key not in self._groups:
            self._groups[key] = file.read_group(group)
            self.n_bytes += self._groups[key].nbytes
        self._groups.move_to_end(key)
        while self.n_bytes > self.limit and len(self._groups) > 1:
            self.n_bytes -= self._groups.popitem(last=False)[1].nbytes
        return self._groups[key]

    def clear(self, limit: int) -> None:
        """Forget everything, and keep no more than `limit` bytes from now on."""
        self._groups.clear()
        self.n_bytes, self.limit = 0, limit


def _open_file(path: Path, written: int) -> pq.ParquetFile:
    """Open a file as it was `written`. It is mapped, not read: processes that were forked share no position in it."""
    return open_parquet(path)


#: The cache of this process.
CACHE = PictureCache()


class PictureFile:
    """The pictures and silhouettes of one camera: a frames table."""

    def __init__(self, path: str | Path) -> None:
        self.path, self.name = Path(path), str(path)
        self.written = self.path.stat().st_mtime_ns
        with refused_where_damaged(path):
            content = CACHE.open(self.path, self.written).metadata
        rows = [content.row_group(group).num_rows for group in range(content.num_row_groups)]
        self._ends = [*accumulate(rows, initial=0)]

    def read_group(self, group: int) -> pa.Table:
        """Read the pictures of a row group.

        Raises
        ------
        InputError : if it is damaged: a line that names it.
        """
        try:
            return CACHE.open(self.path, self.written).read_row_group(group, columns=["image", "mask"], use_threads=False)
        except (OSError, pa.ArrowInvalid) as error:
            rows = f"rows {self._ends[group]} to {self._ends[group + 1] - 1}"
            reason = " ".join(str(error).split())[:100]
            raise InputError(self.path, f"row group {group} ({rows}) is damaged ({reason})", "delete the file and run again") from None

    def decode(self, row: int) -> UInt8[NDArray, "height width 3"]:
        """Decode the RGB picture of a row."""
        return self._decode("image", row, cv2.IMREAD_COLOR_RGB)

    def decode_mask(self, row: int) -> UInt8[NDArray, "height width"]:
        """Decode the silhouette of a row, 0 to 255."""
        return self._decode("mask", row, cv2.IMREAD_GRAYSCALE)

    def _decode(self, column: str, row: int, flags: int) -> UInt8[NDArray, "..."]:
        group = bisect_right(self._ends, row) - 1
        content = CACHE.read(self, group)[column][row - self._ends[group]].as_buffer()
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), flags) if content is not None and content.size else None
        if picture is None:
            raise InputError(self.path, f"the picture in row {row} cannot be decoded", "delete the file and run again")
        return np.asarray(picture, np.uint8)

    def is_blank(self, rows: Int[NDArray, "..."]) -> bool:
        """Tell whether the pictures in `rows` all show one colour: a covered lens, or a camera that sends nothing."""
        return all(float(self.decode(int(row)).std(axis=(0, 1)).max()) < 1 for row in rows)
