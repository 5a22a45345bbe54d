"""The frames that have joints, of all sessions together, which of them teach and which test, and the guard that keeps the two apart."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy.typing import NDArray

from bkind3d.config import EvaluationConfig, InputError
from bkind3d.data.results import MIN_JOINTS
from bkind3d.evaluation.recordings import Recording

#: Part that a frame plays.
UNUSED, TRAIN, TEST = 0, 1, 2


@dataclass(frozen=True)
class FrameRange:
    """Frames of one recording that all play one part: from `start` up to, not including, `stop`."""

    source: str
    start: float
    stop: float
    part: int


def check_separate(ranges: Iterable[FrameRange]) -> None:
    """Refuse train and test ranges of the same source that overlap or touch: neighbours in time are near copies."""
    furthest: dict[tuple[str, int], FrameRange] = {}
    for item in sorted(ranges, key=lambda entry: entry.start):
        other = furthest.get((item.source, TEST if item.part == TRAIN else TRAIN))
        if other is not None and item.start <= other.stop:
            train, test = (item, other) if item.part == TRAIN else (other, item)
            raise InputError(
                item.source,
                f"its train frames {train.start:g} to {train.stop:g} and test frames {test.start:g} to {test.stop:g} overlap or touch",
                "leave frames between them",
            )
        same = furthest.get((item.source, item.part))
        if same is None or item.stop > same.stop:
            furthest[item.source, item.part] = item


def split_blocks(n_frames: int, block_frames: int, border_frames: int) -> Int[NDArray, "frame"]:
    """Alternate blocks of `block_frames` kept frames between train (the first) and test, less `border_frames` at either border."""
    position = np.arange(n_frames)
    within = position % block_frames
    part = np.where(position // block_frames % 2 == 0, TRAIN, TEST)
    return np.where((within >= border_frames) & (within < block_frames - border_frames), part, UNUSED)


def _ranges_of_blocks(recording: Recording, part: Int[NDArray, "frame"]) -> list[FrameRange]:
    """Runs of kept frames with the same part."""
    edges = np.flatnonzero(np.diff(part, prepend=UNUSED - 1, append=UNUSED - 1))
    runs, frames = zip(edges[:-1], edges[1:] - 1, strict=True), recording.judged.frames
    return [
        FrameRange(recording.source, int(frames[first]), int(frames[last]) + 1, int(part[first]))
        for first, last in runs
        if part[first] != UNUSED
    ]


def assign_parts(recordings: Sequence[Recording], config: EvaluationConfig) -> list[Int[NDArray, "frame"]]:
    """Decide for every frame of the recordings that have what is to be regressed or recognised whether it trains, tests, or neither.

    Raises
    ------
    InputError
        Where train and test overlap or touch, share a subject (``split: subject``), or one of them is empty.
    """
    if config.split == "blocks":
        parts = [split_blocks(len(r.judged.frames), config.block_frames, config.border_frames) for r in recordings]
        ranges = [run for r, part in zip(recordings, parts, strict=True) for run in _ranges_of_blocks(r, part)]
    else:
        both = set.intersection(*({r.subject for r in recordings if r.split == split} for split in ("train", "test")))
        if both and config.split == "subject":
            raise InputError("", f"subject {min(both)!r} is in both train and test", "set evaluation.split to session if that is meant")
        codes = [{"train": TRAIN, "test": TEST}.get(r.split, UNUSED) for r in recordings]
        parts = [np.full(len(r.judged.frames), code) for r, code in zip(recordings, codes, strict=True)]
        ranges = [FrameRange(r.source, *r.extent, code) for r, code in zip(recordings, codes, strict=True) if code != UNUSED]
    check_separate(ranges)
    for code, name in ((TRAIN, "train"), (TEST, "test")):
        if not any((part == code).any() for part in parts):
            reason = "they are shorter than two blocks" if config.split == "blocks" else f"none of them is marked {name} in the sheet"
            known = ", ".join(recording.session for recording in recordings)
            raise InputError(
                "", f"no {name} frames in the sessions that have a reference ({known}): {reason}", "change the sheet or evaluation.split"
            )
    return parts


@dataclass(frozen=True)
class LabelledFrames:
    """One row per kept frame that trains or tests, sessions one after the other; positions in the world frame, gaps NaN.

    Attributes
    ----------
    session : index into the recordings.
    part : TRAIN or TEST.
    block : block of the split, unique over sessions; -1 where the split has none.
    points : of every candidate by name; the first is judged.
    behaviour : of each frame; empty where none is known.
    """

    session: Int[NDArray, "frame"]
    frame: Int[NDArray, "frame"]
    time_s: Float[NDArray, "frame"]
    part: Int[NDArray, "frame"]
    block: Int[NDArray, "frame"]
    points: Mapping[str, Float[NDArray, "frame point 3"]]
    joints: Float[NDArray, "frame joint 3"]
    behaviour: Shaped[NDArray, "..."]

    def select(self, rows: Shaped[NDArray, "..."]) -> "LabelledFrames":
        """The frames where `rows` is true, or those at these places."""
        return combine_frames([self], lambda arrays: arrays[0][rows])

    @property
    def is_labelled(self) -> Bool[NDArray, "frame"]:
        """Whether at least three joints are known."""
        return np.asarray(np.isfinite(self.joints).all(axis=2).sum(axis=1) >= MIN_JOINTS)


def all_known(points: Float[NDArray, "frame point 3"]) -> Bool[NDArray, "frame"]:
    """Whether every point is known, frame by frame."""
    return np.asarray(np.isfinite(points).all(axis=(1, 2)))


def combine_frames(
    parts: Sequence[LabelledFrames], combine: Callable[[list[Shaped[NDArray, "..."]]], Shaped[NDArray, "..."]]
) -> LabelledFrames:
    """Frames of which every array is what `combine` makes of those of the parts."""
    columns = {entry.name: [getattr(part, entry.name) for part in parts] for entry in fields(LabelledFrames)}
    points = columns.pop("points")
    combined = {name: combine([part[name] for part in points]) for name in points[0]}
    return LabelledFrames(points=combined, **{name: combine(arrays) for name, arrays in columns.items()})


def stack_frames(recordings: Sequence[Recording], config: EvaluationConfig) -> LabelledFrames:
    """Put the train and test frames of all `recordings` (each with joints) under each other.

    Raises
    ------
    InputError : where a candidate has points in some of the recordings only, or not those of the network that is judged.
    """
    parts = assign_parts(recordings, config)
    candidates = dict.fromkeys(name for recording in recordings for name in recording.points)
    stacked = []
    for index, (recording, part) in enumerate(zip(recordings, parts, strict=True)):
        assert recording.joints is not None
        for name in candidates:
            if name not in recording.points:
                raise InputError("", f"session {recording.session!r} has joints but no {name} keypoints", f"add it to --{name}")
            if len(recording.points[name].names) != len(recording.judged.names):
                raise InputError(
                    f"session {recording.session!r}", f"trained and {name} keypoints are not of one network", "predict both anew"
                )
        rows = part != UNUSED
        frames = recording.judged.frames[rows]
        block = np.flatnonzero(rows) // config.block_frames if config.split == "blocks" else np.full(len(frames), -1)
        stacked.append(
            LabelledFrames(
                session=np.full(len(frames), index),
                frame=frames,
                time_s=recording.judged.time_s[rows],
                part=part[rows],
                block=block + index * 10**9 if config.split == "blocks" else block,
                points={name: recording.points[name].positions_at(frames) for name in candidates},
                joints=recording.joints.positions_at(frames),
                behaviour=np.full(len(frames), "") if recording.behaviours is None else recording.behaviours[rows],
            )
        )
    return combine_frames(stacked, np.concatenate)


def select_common(frames: LabelledFrames) -> tuple[LabelledFrames, LabelledFrames]:
    """Train and test frames on which all candidates are compared: labelled, and with every point of all of them."""
    common = np.logical_and.reduce([frames.is_labelled, *(all_known(points) for points in frames.points.values())])
    train, test = (frames.select(common & (frames.part == part)) for part in (TRAIN, TEST))
    for name, chosen, part in (("train", train, TRAIN), ("test", test, TEST)):
        if not len(chosen.frame):
            labelled = int((frames.is_labelled & (frames.part == part)).sum())
            raise InputError(
                "",
                f"no {name} frame has both joints and keypoints ({labelled} have at least {MIN_JOINTS} joints)",
                "check the frame numbers of the joints, and the report for frames without keypoints",
            )
    return train, test
