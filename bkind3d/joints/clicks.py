"""Labels as they are stored: clicks in ``config/labels/SESSION.tsv``, one row for each camera, frame and joint, and what becomes of them.

Clicks, not positions, are kept: where a rig is calibrated anew, they are triangulated again. A row's `state` is ``seen`` (with a pixel of the
video, (0, 0) the centre of the top-left one), ``hidden`` (the joint is there, but not to be seen by this camera) or ``absent``.
"""

import csv
import io
import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy.typing import NDArray

from bkind3d.config import InputError, read_text
from bkind3d.data.locks import release_lock, take_lock
from bkind3d.data.writing import replaced_when_complete
from bkind3d.geometry.cameras import Camera
from bkind3d.geometry.lenses import project_through_lens
from bkind3d.geometry.triangulation import triangulate_pixels

STATES = ("seen", "hidden", "absent")
#: Distance between a click and where the other cameras say that the joint is beyond which they contradict, pixels.
CONTRADICTION_PX = 20.0
#: Bytes of a file of labels, files that are kept as they were read, and seconds that another process is waited for.
_MOST_BYTES, _MOST_KEPT, _PATIENCE, _WRITING = 2**26, 256, 10.0, Lock()


@dataclass(frozen=True)
class Click:
    """Where somebody saw a joint in the picture of a camera; `x` and `y` are NaN unless it is seen."""

    frame: int
    camera: str
    joint: str
    x: float
    y: float
    state: str = "seen"
    who: str = ""
    when: str = ""

    @property
    def key(self) -> tuple[int, str, str]:
        """What there is one click of."""
        return self.frame, self.camera, self.joint


COLUMNS = [field.name for field in fields(Click)]
Clicks = dict[tuple[int, str, str], Click]


def read_clicks(path: Path) -> Clicks:
    """Read a file of labels; none where it is not there. A file that has not changed since is not read again.

    Raises
    ------
    InputError : in a line that names the row.
    """
    try:
        with path.open("rb") as file:  # unlike asking for its state alone, opening looks past what a network's file system remembers
            found = os.fstat(file.fileno())
    except FileNotFoundError:
        return {}
    return dict(_read_version(path, found.st_ino, found.st_size, found.st_mtime_ns))


@lru_cache(_MOST_KEPT)
def _read_version(path: Path, *version: int) -> Clicks:
    """Read a file as it is now."""
    rows = csv.reader(io.StringIO(read_text(path, most=_MOST_BYTES)), delimiter="\t", quoting=csv.QUOTE_NONE)
    given = next(rows, [])
    if missing := [column for column in COLUMNS if column not in given]:
        raise InputError(path, f"has no column {missing[0]!r}", f"its columns are {', '.join(COLUMNS)}")
    places = [given.index(column) for column in COLUMNS]
    clicks: Clicks = {}
    for line, row in enumerate(rows, start=2):
        if not row:
            continue
        try:
            frame, camera, joint, x, y, state, who, when = (row[place] if place < len(row) else "" for place in places)
            # The same NaN wherever there is none, so that equal clicks are equal.
            click = Click(int(frame), camera, joint, float(x) if x else np.nan, float(y) if y else np.nan, state, who, when)
        except ValueError:
            raise InputError(path, f"row {line}: frame, x and y have to be numbers", "correct or remove the row") from None
        if state not in STATES or not joint or (math.isfinite(click.x) and math.isfinite(click.y)) != (state == "seen"):
            raise InputError(
                path,
                f"row {line}: a joint that is {state!r} at {click.x:g}, {click.y:g}",
                f"write {', '.join(STATES)}; only what is seen has a pixel",
            )
        clicks[click.key] = click
    return clicks


def write_clicks(clicks: Mapping[tuple[int, str, str], Click], path: Path) -> None:
    """Write all clicks of a session, all or nothing, in the order of frames; where there are none, there is no file."""
    if not clicks:
        path.unlink(missing_ok=True)
        return
    lines = ["\t".join(COLUMNS)]
    for click in sorted(clicks.values(), key=lambda entry: entry.key):
        place = [f"{value:.2f}" if math.isfinite(value) else "" for value in (click.x, click.y)]
        lines.append("\t".join([str(click.frame), click.camera, click.joint, *place, click.state, click.who, click.when]))
    with replaced_when_complete(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


@contextmanager
def hold_labels(folder: Path) -> Iterator[None]:
    """Keep everybody else, of this process and of others, from writing a study's labels.

    Raises
    ------
    InputError : where another process holds them for long.
    """
    with _WRITING:  # a lock of a file is its process's, whatever the thread
        lock, deadline = None, time.monotonic() + _PATIENCE
        while lock is None:
            try:
                lock = take_lock(folder / ".lock")
            except BlockingIOError as owner:
                if time.monotonic() > deadline:
                    raise InputError(folder, f"is being written by {owner}", "try again") from None
                time.sleep(0.02)
        try:
            yield
        finally:
            release_lock(lock)


@contextmanager
def changed_clicks(path: Path) -> Iterator[Clicks]:
    """Give the clicks as they are in the file now, to be changed, and write them: nobody else may write between (:func:`hold_labels`)."""
    clicks = read_clicks(path)
    before = dict(clicks)
    yield clicks
    if clicks != before:
        write_clicks(clicks, path)


@dataclass(frozen=True)
class Triangulated:
    """A joint in a frame, from its clicks.

    Attributes
    ----------
    position : world units; NaN where fewer than two cameras see it.
    errors : distance of each click from the position's projection, pixels; NaN where there is no position.
    """

    position: Float[NDArray, "3"]
    errors: dict[str, float]

    @property
    def worst(self) -> str:
        """The camera whose click contradicts the others; empty where none does."""
        far = {camera: error for camera, error in self.errors.items() if error > CONTRADICTION_PX}
        return max(far, key=lambda camera: far[camera]) if far else ""


def triangulate_clicks(clicks: Iterable[Click], cameras: Mapping[str, Camera]) -> Triangulated:
    """Triangulate one joint of one frame; cameras are those of the videos' pictures."""
    seen = [click for click in clicks if click.state == "seen" and click.camera in cameras]
    pixels = {click.camera: np.array([click.x, click.y]) for click in seen}
    if len(pixels) < 2:
        return Triangulated(np.full(3, np.nan), dict.fromkeys(pixels, np.nan))
    used = [cameras[name] for name in pixels]
    position = triangulate_pixels(used, np.stack(list(pixels.values()))[:, None])[0]
    projected = {name: project_through_lens(cameras[name], position[None])[0] for name in pixels}
    return Triangulated(position, {name: float(np.linalg.norm(projected[name] - pixels[name])) for name in pixels})


def triangulate_labels(clicks: Clicks, cameras: Mapping[str, Camera], source: Path) -> tuple[pd.DataFrame, list[str]]:
    """The joints of a session's labels as a table ``joints``, and remarks on clicks that contradict each other or that nothing became of.

    A joint that fewer than two views have clicked has a row without position.
    """
    groups: dict[tuple[int, str], list[Click]] = {}
    for click in clicks.values():
        groups.setdefault((click.frame, click.joint), []).append(click)
    rows, remarks, single = [], [], 0
    for (frame, joint), members in sorted(groups.items()):
        found = triangulate_clicks(members, cameras)
        rows.append((frame, joint, *found.position, float(np.mean(list(found.errors.values()) or [np.nan]))))
        if np.isfinite(found.position).all():
            if found.worst:
                remarks.append(
                    f"{source}: frame {frame}: the click on {joint} in {found.worst} is {found.errors[found.worst]:.0f} px from where the others say"
                )
        elif found.errors:
            single += 1
    strange = sorted({click.camera for click in clicks.values()} - set(cameras))
    remarks += [f"{source}: camera {name} is not in the calibration: its clicks are left out" for name in strange]
    if single:
        remarks.append(f"{source}: {single} joints are clicked in one view only: nothing becomes of them")
    return pd.DataFrame(rows, columns=["frame", "joint", "x", "y", "z", "reprojection_px"]), remarks
