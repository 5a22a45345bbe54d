"""Which frames teach the regressor and which test it, and the guard that keeps the two apart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from bkind3d.config import EvaluationConfig, InputError
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
                f"{item.source}: its train frames {train.start:g} to {train.stop:g} and test frames {test.start:g} to {test.stop:g} "
                "overlap or touch; leave frames between them"
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
    """Decide for every frame of every recording whether it trains the regressor, tests it, or neither.

    Parameters
    ----------
    recordings : those that have what is to be regressed or recognised.

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
            raise InputError(f"subject {min(both)!r} is in both train and test; set evaluation.split to session if that is meant")
        codes = [{"train": TRAIN, "test": TEST}.get(r.split, UNUSED) for r in recordings]
        parts = [np.full(len(r.judged.frames), code) for r, code in zip(recordings, codes, strict=True)]
        ranges = [FrameRange(r.source, *r.extent, code) for r, code in zip(recordings, codes, strict=True) if code != UNUSED]
    check_separate(ranges)
    for code, name in ((TRAIN, "train"), (TEST, "test")):
        if not any((part == code).any() for part in parts):
            reason = "they are shorter than two blocks" if config.split == "blocks" else f"none of them is marked {name} in the sheet"
            known = ", ".join(recording.session for recording in recordings)
            raise InputError(
                f"no {name} frames in the sessions that have a reference ({known}): {reason}; change the sheet or evaluation.split"
            )
    return parts
