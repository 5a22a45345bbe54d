"""The frames that have joints, of all sessions together, and the part each plays."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from bkind3d.config import EvaluationConfig, InputError
from bkind3d.evaluation.recordings import Recording
from bkind3d.evaluation.splits import TEST, TRAIN, UNUSED, assign_parts

#: Fewer known joints than this do not fix a similarity: such a frame is not labelled.
MIN_JOINTS = 3


@dataclass(frozen=True)
class LabelledFrames:
    """One row per kept frame that trains or tests, sessions one after the other; positions in the world frame, gaps NaN.

    Attributes
    ----------
    session : index into the recordings.
    part : TRAIN or TEST.
    block : block of the split, unique over sessions; -1 where the split has none.
    behaviour : of each frame; empty where none is known.
    """

    session: Int[np.ndarray, " frame"]
    frame: Int[np.ndarray, " frame"]
    time_s: Float[np.ndarray, " frame"]
    part: Int[np.ndarray, " frame"]
    block: Int[np.ndarray, " frame"]
    keypoints: Float[np.ndarray, "frame keypoint 3"]
    untrained: Float[np.ndarray, "frame keypoint 3"]
    joints: Float[np.ndarray, "frame joint 3"]
    behaviour: np.ndarray

    def select(self, rows: Bool[np.ndarray, " frame"]) -> "LabelledFrames":
        """The frames where `rows` is true."""
        return replace(self, **{entry.name: getattr(self, entry.name)[rows] for entry in fields(self)})

    @property
    def is_labelled(self) -> Bool[np.ndarray, " frame"]:
        """Whether at least three joints are known."""
        return np.asarray(np.isfinite(self.joints).all(axis=2).sum(axis=1) >= MIN_JOINTS)


def all_known(points: Float[np.ndarray, "frame point 3"]) -> Bool[np.ndarray, " frame"]:
    """Whether every point is known, frame by frame."""
    return np.asarray(np.isfinite(points).all(axis=(1, 2)))


def stack_frames(recordings: Sequence[Recording], config: EvaluationConfig) -> LabelledFrames:
    """Put the train and test frames of all `recordings` (each with joints) under each other."""
    parts = assign_parts(recordings, config)
    stacked = []
    for index, (recording, part) in enumerate(zip(recordings, parts, strict=True)):
        if recording.joints is None or recording.untrained is None:
            raise InputError(f"session {recording.session!r} has joints but no untrained keypoints; add it to --untrained")
        if len(recording.untrained.names) != len(recording.keypoints.names):
            raise InputError(f"session {recording.session!r}: trained and untrained keypoints are not of one network; predict both anew")
        rows = part != UNUSED
        frames = recording.keypoints.frames[rows]
        block = np.flatnonzero(rows) // config.block_frames if config.split == "blocks" else np.full(len(frames), -1)
        stacked.append(
            LabelledFrames(
                session=np.full(len(frames), index),
                frame=frames,
                time_s=recording.keypoints.time_s[rows],
                part=part[rows],
                block=block + index * 10**9 if config.split == "blocks" else block,
                keypoints=recording.keypoints.positions[rows],
                untrained=recording.untrained.positions_at(frames),
                joints=recording.joints.positions_at(frames),
                behaviour=np.full(len(frames), "") if recording.behaviours is None else recording.behaviours[rows],
            )
        )
    return LabelledFrames(*(np.concatenate([getattr(item, entry.name) for item in stacked]) for entry in fields(LabelledFrames)))


def select_common(frames: LabelledFrames) -> tuple[LabelledFrames, LabelledFrames]:
    """Train and test frames on which all methods are compared: labelled, and with every trained and untrained keypoint."""
    common = frames.is_labelled & all_known(frames.keypoints) & all_known(frames.untrained)
    train, test = (frames.select(common & (frames.part == part)) for part in (TRAIN, TEST))
    for name, chosen, part in (("train", train, TRAIN), ("test", test, TEST)):
        if not len(chosen.frame):
            labelled = int((frames.is_labelled & (frames.part == part)).sum())
            raise InputError(
                f"no {name} frame has both joints and keypoints ({labelled} have at least {MIN_JOINTS} joints); "
                "check the frame numbers of the joints, and the report for frames without keypoints"
            )
    return train, test
