"""Which frame of a video shows which frame of the session: all in order, a range, or a map where a camera dropped frames.

A map pairs the numbers, or gives the time of each frame of the video on a clock that all cameras of the session share.
"""

import io
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Int
from numpy.typing import NDArray

from bkind3d.config import InputError, read_text
from bkind3d.data.parquet import open_parquet, refused_where_damaged

#: Columns of a frame map.
COLUMNS = ("frame", "video_frame")
#: Columns of a map by the clock.
CLOCK_COLUMNS = ("video_frame", "time_s")
#: Seconds since the session's start beyond which a time is that of another clock (since 1970, say).
_LONGEST = 7 * 24 * 3600.0
#: The last number of a frame that means anything: cameras may count from when they were built.
_LAST_FRAME = 10**15
#: Frames of a session, which are days at 100 Hz, and bytes of a map of as many.
_MOST_FRAMES, _MOST_BYTES = 50_000_000, 2**30


def choose_frames(
    n_frames: int, frame_map: str | Path | None = None, start: int | None = None, stop: int | None = None, rate: float | None = None
) -> Int[NDArray, "..."]:
    """Pair the session's frames with a video's.

    Parameters
    ----------
    n_frames : of the video.
    frame_map : a .tsv, .csv or .parquet table with columns ``frame`` (of the session) and ``video_frame``, both counted from 0; frames of
        the session that it lacks have no picture. Or with columns ``video_frame`` and ``time_s``, seconds on a clock that starts with the
        session in all cameras: frame n of the session is what was filmed nearest to n / `rate`. Without it, both numbers are the same.
    start, stop : first frame of the session, and the frame after its last one.
    rate : frames per second, for maps with times.

    Returns
    -------
    frames : (n, 2) the session's and the video's frames, -1 where the video has none.
    """
    mapping = (
        pd.Series(np.arange(n_frames), index=np.arange(n_frames)) if frame_map is None else _read_frame_map(Path(frame_map), n_frames, rate)
    )
    first = 0 if start is None else start
    last = int(mapping.index.max()) + 1 if stop is None else stop
    if first < 0 or last <= first or (frame_map is None and last > n_frames):
        raise InputError(
            "", f"start {first} and stop {last} choose no range of the {n_frames} frames of the video", "correct the sheet of sessions"
        )
    if last - first > _MOST_FRAMES:
        what = f"start {first} and stop {last} are {last - first:,} frames, more than a session can have ({_MOST_FRAMES:,})"
        raise InputError(frame_map or "the video", what, "correct the frame map, or the sheet of sessions")
    shown = mapping.reindex(np.arange(first, last), fill_value=-1)
    if (shown < 0).all():
        raise InputError(frame_map or "the video", f"shows none of the frames {first} to {last - 1}", "correct it, or start and stop")
    return np.stack([shown.index.to_numpy(np.int64), shown.to_numpy(np.int64)], axis=1)


def _read_frame_map(path: Path, n_frames: int, rate: float | None) -> "pd.Series[int]":
    if path.suffix == ".parquet":
        with refused_where_damaged(path), open_parquet(path) as file:
            table = file.read().to_pandas()
    else:
        text = read_text(path, "check the path", _MOST_BYTES)
        try:
            table = pd.read_csv(io.StringIO(text), sep="," if path.suffix == ".csv" else "\t")
        except (ValueError, OverflowError, MemoryError) as error:
            raise InputError(path, f"cannot be read as a table ({' '.join(str(error).split())})") from None
    if "frame" not in table.columns and set(CLOCK_COLUMNS) <= set(table.columns) and rate:
        table = _number_times(path, table, rate)
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise InputError(
            path, f"column {missing[0]!r} is missing", f"a frame map has the columns frame and video_frame, found {list(table.columns)}"
        )
    if (
        table.empty
        or not all(pd.api.types.is_integer_dtype(table[column]) for column in COLUMNS)
        or not table["frame"].between(0, _LAST_FRAME).all()
    ):
        raise InputError(path, "frame and video_frame have to be whole numbers, counted from 0, with at least one row", "write them so")
    if table["frame"].duplicated().any() or not table.sort_values("frame")["video_frame"].is_monotonic_increasing:
        raise InputError(
            path,
            "every frame may be there once, and later frames show later frames of the video",
            "sort the rows, and keep one of each frame",
        )
    if not table["video_frame"].between(0, n_frames - 1).all():
        raise InputError(
            path,
            f"video_frame goes from {table['video_frame'].min()} to {table['video_frame'].max()}, the video has frames 0 to {n_frames - 1}",
            "give the frame map of this video",
        )
    return table.set_index("frame")["video_frame"].astype(np.int64)


def _number_times(path: Path, table: pd.DataFrame, rate: float) -> pd.DataFrame:
    """Turn times into frames of the session; of two that are nearest to one frame, the nearer is taken."""
    times = pd.to_numeric(table["time_s"], errors="coerce")
    if not times.between(-1 / rate, _LONGEST).all():
        raise InputError(
            path,
            f"time_s goes from {table['time_s'].min()} to {table['time_s'].max()}, and has to count seconds from the session's start",
            "subtract the same start from the times of all cameras",
        )
    frame = (times * rate).round().clip(lower=0).astype(np.int64)
    ordered = table.assign(frame=frame, off=(times * rate - frame).abs()).sort_values("off", kind="stable")
    return ordered.drop_duplicates("frame").sort_values("frame")
