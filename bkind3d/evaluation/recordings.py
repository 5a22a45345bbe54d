"""What is judged: the sessions of the sheet with their keypoints, joints and behaviours as arrays."""

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int, Shaped
from numpy.typing import ArrayLike, NDArray

from bkind3d.config import InputError
from bkind3d.data.parquet import read_failure, read_table
from bkind3d.data.points import Points, read_points, same_order
from bkind3d.study.sheets import read_sessions

#: Why sessions, by their names, are judged by less than the sheet has of them.
LeftOut = dict[str, str]


@dataclass(frozen=True)
class Recording:
    """One session: who, which part of the sheet's split, and what is known of every kept frame.

    Attributes
    ----------
    extent : first frame and the frame after the last, as the sheet limits them.
    source : file of the joints in the sheet, or the session's name: what two sessions may have in common.
    columns : further columns of the sheet (dose, genotype, ...).
    points : of every candidate by name. The first is judged; its frames are the session's.
    joints : None for a session without joints.
    behaviours : one per frame of the session, empty where unlabelled; None for a session without behaviours.
    """

    session: str
    subject: str
    split: str
    extent: tuple[float, float]
    source: str
    columns: Mapping[str, str]
    points: Mapping[str, Points]
    joints: Points | None = None
    behaviours: Shaped[NDArray, "..."] | None = None

    @property
    def judged(self) -> Points:
        """Points of the candidate that is judged."""
        return next(iter(self.points.values()))


def read_behaviours(path: str | Path, frames: Int[NDArray, "frame"]) -> Shaped[NDArray, "..."]:
    """Read the behaviour in each of `frames`, those of a session; empty text where a frame has none."""
    table = read_table(path, "behaviours", ["frame", "behaviour"]).dropna()
    if table["frame"].duplicated().any():
        first = table["frame"][table["frame"].duplicated()].iloc[0]
        raise InputError(path, f"frame {first} is there twice", "give each frame one behaviour")
    if len(table) and not table["frame"].isin(frames).any():
        raise InputError(
            path,
            f"has behaviours in frames {_describe_frames(table['frame'])}, but the session's frames are {_describe_frames(frames)}",
            "number them as the session does, from 0",
        )
    return table.set_index("frame")["behaviour"].reindex(frames).fillna("").to_numpy(str)


def _describe_frames(frames: ArrayLike) -> str:
    """The range of some numbers of frames, and the step between them where it is not one."""
    numbers = np.unique(np.asarray(frames))
    steps = np.unique(np.diff(numbers))
    return f"{numbers[0]} to {numbers[-1]}" + (f" in steps of {steps[0]}" if len(steps) == 1 and steps[0] > 1 else "")


@contextmanager
def _leaving_out(session: str, kind: str, left_out: LeftOut | None) -> Iterator[None]:
    """Keep in `left_out` why a session lacks something, where that is asked for; else refuse it."""
    try:
        yield
    except InputError as error:
        if left_out is None:
            raise
        left_out.setdefault(session, f"its {kind} cannot be used: {error}")


def _read_group(paths: Mapping[str, str | Path], kind: str, left_out: LeftOut | None) -> dict[str, Points]:
    """Read the files of all sessions, with the names in the order of the first one."""
    group: dict[str, Points] = {}
    for session, path in paths.items():
        with _leaving_out(session, kind, left_out):
            if failed := read_failure(path):
                raise InputError("", failed)
            points = read_points(path, kind)
            first = next(iter(group), session)
            group[session] = same_order(points, group[first].names, path, paths[first]) if group else points
    return group


def common_units(recordings: Iterable[Recording]) -> str | None:
    """The units that all files state, None if none does; sessions in different units cannot be judged together."""
    found: dict[str, str] = {}
    for recording in recordings:
        for kind, points in (("keypoints", recording.judged), ("joints", recording.joints)):
            if points is not None and points.metadata.get("units"):
                found.setdefault(str(points.metadata["units"]), f"the {kind} of {recording.session!r}")
    if len(found) > 1:
        (first, where), (second, elsewhere) = list(found.items())[:2]
        raise InputError("", f"units differ: {first} in {where}, {second} in {elsewhere}", "give all rigs of an experiment the same units")
    return next(iter(found), None)


def read_recordings(
    sheet_path: str | Path,
    points: Mapping[str, Mapping[str, str | Path]],
    joints: Mapping[str, str | Path] | None = None,
    behaviours: Mapping[str, str | Path] | None = None,
    left_out: LeftOut | None = None,
) -> list[Recording]:
    """Read the sessions that have keypoints, in the order of the sheet.

    Parameters
    ----------
    sheet_path : the sheet of the sessions.
    points : of every candidate by name, the file of each session; the first candidate is judged and has all sessions.
    joints, behaviours : file of each session that has them.
    left_out : gets the reason for every session that has something that cannot be used, and goes without it (without keypoints, it is not
        there at all); where it is not given, such a session is refused.

    Raises
    ------
    InputError
        Where a session is not in the sheet or has no keypoints, or where the names of keypoints or joints differ between sessions.
    """
    sheet = read_sessions(Path(sheet_path))
    (method, keypoints), *others = points.items()
    for kind, paths in (("keypoints", keypoints), *others, ("joints", joints), ("behaviours", behaviours)):
        known: Iterable[str] = sheet if kind == "keypoints" else keypoints
        stray = sorted(set(paths or {}) - set(known))
        if stray:
            raise InputError(
                f"--{kind}", f"session {stray[0]!r} is not in {sheet_path if kind == 'keypoints' else '--keypoints'}", "correct the name"
            )
    found = {name: _read_group(paths, "keypoints", left_out) for name, paths in points.items()}
    truth, done = _read_group(joints or {}, "joints", left_out), {}
    for name, path in (behaviours or {}).items():
        if name in found[method]:
            with _leaving_out(name, "behaviours", left_out):
                done[name] = read_behaviours(path, found[method][name].frames)
    lost = {session for name, paths in points.items() for session in paths if session not in found[name]}
    return [
        Recording(
            session=name,
            subject=row.subject,
            split=row.split,
            extent=(row.start or 0, math.inf if row.stop is None else row.stop),
            source=row.joints or name,
            columns=row.more,
            points={candidate: group[name] for candidate, group in found.items() if name in group},
            joints=truth.get(name),
            behaviours=done.get(name),
        )
        for name, row in sheet.items()
        if name in keypoints and name not in lost
    ]
