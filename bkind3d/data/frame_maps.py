"""Which frame of a video shows which frame of the session: all in order, a range, or a map where a camera dropped frames.

A map pairs the numbers, or gives the time of each frame of the video on a clock that all cameras of the session share. Frame n of the
session is then the moment n / rate, and the rate is one for the whole session, measured from the maps of all its cameras: a container's
own is another in every camera that lost frames.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy.typing import NDArray

from bkind3d.config import InputError
from bkind3d.data.calibration_formats import match_cameras
from bkind3d.data.parquet import open_parquet, refused_where_damaged
from bkind3d.data.spreadsheets import read_numbers, read_spreadsheet

#: Columns of a frame map.
COLUMNS = ("frame", "video_frame")
#: Columns of a map by the clock.
CLOCK_COLUMNS = ("video_frame", "time_s")
#: Columns of caliscope's times of all cameras, what it called the first one before, and which it has only of late.
_TIMES_OF_ALL, _PORT, _INDEX = ("cam_id", "frame_time"), "port", "frame_index"
#: Seconds since the session's start beyond which a time is that of another clock (since 1970, say).
_LONGEST = 7 * 24 * 3600.0
#: Seconds between two frames that no video has, where times are beyond all measure, too.
_LONGEST_STEP = 5.0
#: The last number of a frame that means anything: cameras may count from when they were built.
_LAST_FRAME = 10**15
#: Frames of a session, which are days at 100 Hz.
_MOST_FRAMES = 50_000_000
#: What was filmed farther than this from a frame's moment (frames) does not show it: half a frame, and how unsteady clocks are.
_NEAR = 0.6
#: A map whose rate differs from its video's by more than this factor has another unit, or is another video's.
_FACTOR = 1.5
_UNITS = {1e3: "are they in milliseconds?", 1e6: "are they in microseconds?", 1e9: "are they in nanoseconds?"}
#: Cameras whose rates differ by a larger share film at different ones; the session has the slowest.
_ALIKE = 0.05


@dataclass(frozen=True)
class FrameMap:
    """A camera's frame map, and those of all cameras of its session (by name, itself among them), which have one clock."""

    path: str | Path
    camera: str = ""
    session: Mapping[str, str | Path] = field(default_factory=dict)

    @property
    def all_cameras(self) -> Mapping[str, str | Path]:
        """The maps of the session's cameras."""
        return {self.camera: self.path, **self.session}


@dataclass(frozen=True)
class Clock:
    """What the maps of a session say together: frames per second (none where no map has times), and the frame after its last one."""

    rate: float | None
    stop: int


def choose_frames(
    n_frames: int,
    frame_map: str | Path | FrameMap | None = None,
    start: int | None = None,
    stop: int | None = None,
    rate: float | None = None,
) -> Int[NDArray, "..."]:
    """Pair the session's frames with a video's.

    Parameters
    ----------
    n_frames : of the video.
    frame_map : a table (Parquet, or text with any delimiter) with columns ``frame`` (of the session) and ``video_frame``, both counted
        from 0; frames of the session that it lacks have no picture. Or with columns ``video_frame`` and ``time_s``, seconds on a clock
        that starts with the session in all cameras; or caliscope's ``timestamps.csv``. Without it, both numbers are the same.
    start, stop : first frame of the session, and the frame after its last one; without `stop`, the last one that any camera's map has.
    rate : usual frames per second of the video, with which times are compared.

    Returns
    -------
    frames : (n, 2) the session's and the video's frames, -1 where the video has none.
    """
    first, last = start or 0, n_frames if stop is None else stop
    if frame_map is None:
        if first < 0 or last <= first or last > n_frames:
            raise InputError(
                "", f"start {first} and stop {last} choose no range of the {n_frames} frames of the video", "correct the sheet of sessions"
            )
        return np.stack([np.arange(first, last), np.arange(first, last)], axis=1)
    given = frame_map if isinstance(frame_map, FrameMap) else FrameMap(frame_map)
    clock = read_clock(given, rate)
    last = clock.stop if stop is None else stop
    if first < 0 or last <= first:
        what = f"start {first} and stop {last} choose no range of the {clock.stop} frames of the session"
        raise InputError(given.path, what, "correct the sheet of sessions")
    if last - first > _MOST_FRAMES:
        what = f"start {first} and stop {last} are {last - first:,} frames, more than a session can have ({_MOST_FRAMES:,})"
        raise InputError(given.path, what, "correct the frame map, or the sheet of sessions")
    table = _read_frame_map(given, n_frames)
    frames = np.arange(first, last)
    shown = _number_times(given, table, frames, clock.rate, rate) if "time_s" in table else _look_up(given, table, frames)
    if (shown < 0).all():
        raise InputError(given.path, f"shows none of the frames {first} to {last - 1}", "correct it, or start and stop")
    return np.stack([frames, shown], axis=1)


def read_clock(frame_map: FrameMap, rate: float | None = None) -> Clock:
    """The clock of a session; where no map has so many times that its rate could be measured, `rate` is taken for it."""
    tables = {camera: _read_frame_map(FrameMap(path, camera, frame_map.session)) for camera, path in frame_map.all_cameras.items()}
    timed = [table["time_s"].to_numpy() for table in tables.values() if "time_s" in table]
    measured = sorted((found, len(times)) for times in timed if (found := _measure_rate(times)) is not None)
    chosen = rate
    if measured:
        slowest = [pair for pair in measured if pair[0] <= (1 + _ALIKE) * measured[0][0]]
        middle = slowest[len(slowest) // 2][0]
        # A round number where the clocks' digits cannot tell it from what was measured.
        steps = max(count for _, count in slowest)
        chosen = float(round(middle)) if round(middle) and abs(round(middle) / middle - 1) * steps < 0.5 else middle
    stops = [int(table["frame"].max()) + 1 for table in tables.values() if "frame" in table]
    stops += [math.floor(float(times.max()) * (chosen or 1.0) + 0.5) + 1 for times in timed]
    return Clock(chosen if timed else None, max(stops))


def _measure_rate(times: Float[NDArray, "frame"]) -> float | None:
    """Frames per second of a camera, gaps passed over; none where there are too few times."""
    intervals = np.diff(times)
    usual = float(np.median(intervals)) if len(intervals) > 1 else 0.0
    if usual <= 0:
        return None
    # The line through time over number, where a gap counts as the frames that are missing in it.
    numbers = np.concatenate([[0.0], np.cumsum(np.rint(intervals / usual))])
    step = float(np.polyfit(numbers, times, 1)[0]) if numbers[-1] > 0 else 0.0
    return 1 / step if step > 0 else None


def _read_frame_map(given: FrameMap, n_frames: int | None = None) -> pd.DataFrame:
    """The numbers of a map, checked, in the order of the video: ``video_frame`` and either ``frame`` or ``time_s``."""
    path = Path(given.path)
    if path.suffix == ".parquet":
        with refused_where_damaged(path), open_parquet(path) as file:
            table = file.read().to_pandas()
    else:
        table = read_spreadsheet(path, (*COLUMNS, "time_s", *_TIMES_OF_ALL, _PORT))
    table = table.rename(columns={_PORT: _TIMES_OF_ALL[0]}) if _PORT in table.columns else table
    if set(_TIMES_OF_ALL) <= set(table.columns):
        found = _choose_times(given, table)
    else:
        columns = CLOCK_COLUMNS if "frame" not in table.columns and "time_s" in table.columns else COLUMNS
        missing = [column for column in columns if column not in table.columns]
        if missing:
            advice = f"a frame map has the columns frame and video_frame, or video_frame and time_s, found {list(table.columns)}"
            raise InputError(path, f"column {missing[0]!r} is missing", advice)
        found = pd.DataFrame({column: read_numbers(table, column, path) for column in columns}).dropna()
    whole = found[[column for column in COLUMNS if column in found]].to_numpy()
    if found.empty or not ((whole == np.rint(whole)) & (whole >= 0) & (whole <= _LAST_FRAME)).all():
        raise InputError(path, "frame and video_frame have to be whole numbers, counted from 0, with at least one row", "write them so")
    found = found.astype(dict.fromkeys((column for column in COLUMNS if column in found), np.int64))
    if n_frames is not None and not found["video_frame"].between(0, n_frames - 1).all():
        what = (
            f"video_frame goes from {found['video_frame'].min()} to {found['video_frame'].max()}, the video has frames 0 to {n_frames - 1}"
        )
        raise InputError(path, what, "give the frame map of this video")
    return _check_order(path, found)


def _check_order(path: Path, found: pd.DataFrame) -> pd.DataFrame:
    if "frame" in found:
        ordered = found.sort_values("frame")
        if ordered["frame"].duplicated().any() or not ordered["video_frame"].is_monotonic_increasing:
            what = "every frame may be there once, and later frames show later frames of the video"
            raise InputError(path, what, "sort the rows, and keep one of each frame")
        return ordered
    ordered, times = found.sort_values("video_frame"), found["time_s"]
    if not times.between(-1.0, _LONGEST).all():
        usual = float(ordered["time_s"].diff().median())
        if usual > _LONGEST_STEP:
            what = f"its frames are {usual:.4g} s apart"
            raise InputError(path, what, "are the times in milliseconds, or smaller units? write seconds")
        what = f"time_s goes from {times.min()} to {times.max()}, and has to count seconds from the session's start"
        raise InputError(path, what, "subtract the same start from the times of all cameras")
    if ordered["video_frame"].duplicated().any() or not ordered["time_s"].is_monotonic_increasing:
        what = "every frame of the video may be there once, and later frames have later times"
        raise InputError(path, what, "is it the map of one camera, in one piece?")
    return ordered


def holds_all_cameras(path: Path) -> bool:
    """Whether a text is caliscope's times of the frames of all cameras."""
    with path.open("rb") as file:
        names = {name.strip() for name in file.readline(1000).decode("utf-8-sig", errors="replace").split(",")}
    return {_TIMES_OF_ALL[1]} < names and bool({_TIMES_OF_ALL[0], _PORT} & names)


def _choose_times(given: FrameMap, table: pd.DataFrame) -> pd.DataFrame:
    """One camera's times out of caliscope's of all cameras, seconds since the first of any."""
    owners = table[_TIMES_OF_ALL[0]].astype(str)
    times = read_numbers(table, _TIMES_OF_ALL[1], given.path)
    names = {f"cam_{owner}" if owner.isdecimal() else owner: owner for owner in owners.unique()}
    if not given.camera:
        raise InputError(given.path, f"has the times of the cameras {', '.join(names)}", "name one of them with --camera")
    own = (owners == names[match_cameras(names, [given.camera], given.path)[given.camera]]).to_numpy() & np.isfinite(times)
    seconds = times[own] - np.nanmin(times)
    if _INDEX in table.columns:
        return pd.DataFrame({"video_frame": read_numbers(table, _INDEX, given.path)[own], "time_s": seconds})
    return pd.DataFrame({"video_frame": np.arange(len(seconds)), "time_s": np.sort(seconds)})


def _look_up(given: FrameMap, table: pd.DataFrame, frames: Int[NDArray, "frame"]) -> Int[NDArray, "frame"]:
    """The video's frame of each of the session's, by number; -1 where there is none."""
    shown = table.set_index("frame")["video_frame"].reindex(frames, fill_value=-1)
    return shown.to_numpy(np.int64)


def _number_times(
    given: FrameMap, table: pd.DataFrame, frames: Int[NDArray, "frame"], rate: float | None, usual: float | None
) -> Int[NDArray, "frame"]:
    """The video's frame of each of the session's, by the clock: what was filmed nearest to its moment; -1 where nothing was near it."""
    times, numbers = table["time_s"].to_numpy(), table["video_frame"].to_numpy(np.int64)
    _check_factor(given.path, _measure_rate(times), usual)
    if not rate:
        raise InputError(given.path, "has so few times that they say no rate", "give the numbers of the frames (frame, video_frame)")
    moments = times * rate
    after = np.searchsorted(moments, frames).clip(1, max(len(moments) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(moments) - 1)
    nearest = np.where(np.abs(moments[after] - frames) <= np.abs(moments[before] - frames), after, before)
    return np.where(np.abs(moments[nearest] - frames) <= _NEAR, numbers[nearest], -1)


def _check_factor(path: str | Path, measured: float | None, usual: float | None) -> None:
    """Refuse times in another unit, or of another video."""
    if not measured or not usual:
        return
    factor = usual / measured
    if 1 / _FACTOR < factor < _FACTOR:
        return
    unit = next((hint for size, hint in _UNITS.items() if size / _FACTOR < factor < size * _FACTOR), "are they another video's?")
    what = f"its times make {measured:.4g} frames per second and the video has {usual:.4g}: they are too {'long' if factor > 1 else 'short'} by the factor"
    raise InputError(path, f"{what} {max(factor, 1 / factor):.4g}; {unit}", "write seconds")
