"""Windows of keypoints around a frame, made free of where the subject is, which way it faces, and how large it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from bkind3d.data.points import Points
from bkind3d.data.spacing import spread_indices
from bkind3d.evaluation.labelled_frames import all_known
from bkind3d.joints.poses import Heading, find_turns, fit_heading

#: Moments that a window is sampled at, evenly spread; three halvings of the network leave two of them.
N_SAMPLES = 16

#: Distances between points that a window is described by at most: those of 15 points.
_MOST_PAIRS = 105


@dataclass(frozen=True)
class Windows:
    """Pieces of one recording.

    Attributes
    ----------
    pieces : world units, float64.
    middles : the poses in the frames that the pieces are around.
    size : of the subject, see :func:`measure_size`; one for each piece.
    """

    pieces: Float[NDArray, "window sample point 3"]
    middles: Float[NDArray, "window point 3"]
    size: Float[NDArray, "window"]

    @classmethod
    def join(cls, parts: Sequence["Windows"]) -> "Windows":
        """Put the windows of several recordings under each other."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("pieces", "middles", "size")))

    def fit_heading(self) -> Heading:
        """The horizontal pose that all training poses are turned to."""
        return fit_heading(self.middles)

    def find_turns(self, heading: Heading) -> Float[NDArray, "window"]:
        """Angles (radians, anticlockwise as seen from above) by which poses are turned about the vertical to fit `heading` best."""
        return find_turns(self.middles, heading)

    def describe(self, heading: Heading, derived: bool = True) -> Float[NDArray, "window sample channel"]:
        """Turn windows into what a classifier sees.

        Every window is moved so that its middle pose has its centroid at the origin, turned about the vertical so that the middle
        pose fits `heading` best, and divided by the subject's size.

        Returns
        -------
        Channels: the points relative to their centroid at that moment and the centroid; where `derived`, also how far each point
        moves from moment to moment, and distances between points, at most :data:`_MOST_PAIRS`. In sizes of the subject, float32.
        """
        turn = np.exp(1j * self.find_turns(heading))
        moved = (self.pieces - self.middles.mean(axis=1)[:, None, None]) / self.size[:, None, None, None]
        plane = (moved[..., 0] + 1j * moved[..., 1]) * turn[:, None, None]
        turned = np.stack([plane.real, plane.imag, moved[..., 2]], axis=-1).astype(np.float32)
        centroid = turned.mean(axis=2)
        channels = [(turned - centroid[:, :, None]).reshape(*turned.shape[:2], -1), centroid]
        if derived:
            channels.append(np.diff(turned, axis=1, prepend=turned[:, :1]).reshape(*turned.shape[:2], -1))
            # All pairs of points, or so many of them, evenly spread.
            pairs = np.stack(np.triu_indices(turned.shape[2], k=1))
            first, second = pairs[:, spread_indices(pairs.shape[1], _MOST_PAIRS)]
            channels.append(np.linalg.norm(turned[:, :, first] - turned[:, :, second], axis=3))
        return np.concatenate(channels, axis=-1)


def half_width(time_s: Float[NDArray, "frame"], window_seconds: float) -> int:
    """Kept frames on either side of a window's middle, at least one."""
    interval = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 0.0
    return max(1, round(window_seconds / interval / 2)) if interval > 0 else 1


def find_whole_windows(points: Points, half: int) -> Bool[NDArray, "frame"]:
    """Tell which frames have `half` frames on either side in which every point is known, without a gap in between, in the same recording."""
    frames, known = points.frames, all_known(points.positions)
    whole = np.zeros(len(frames), dtype=bool)
    if len(frames) < 2 * half + 1:
        return whole
    steps = np.diff(frames)
    unknown = np.concatenate([[0], np.cumsum(~known)])
    jumps = np.concatenate([[0], np.cumsum(steps != np.median(steps))])
    middle = np.arange(half, len(frames) - half)
    whole[middle] = (unknown[middle + half + 1] == unknown[middle - half]) & (jumps[middle + half] == jumps[middle - half])
    return whole


def measure_size(positions: Float[NDArray, "frame point 3"]) -> float:
    """Size of the subject, world units: the median over frames of the points' root mean square distance from their centroid."""
    known = positions[np.isfinite(positions).all(axis=(1, 2))]
    spread = np.square(known - known.mean(axis=1, keepdims=True)).sum(axis=2).mean(axis=1)
    return float(np.sqrt(np.median(spread))) if len(known) else float("nan")


def cut_windows(points: Points, middles: Int[NDArray, "window"], half: int) -> Windows:
    """Cut windows around the frames at positions `middles`, each sampled at :data:`N_SAMPLES` moments."""
    offsets = np.linspace(-half, half, N_SAMPLES).round().astype(np.int64)
    size = np.full(len(middles), measure_size(points.positions))
    return Windows(points.positions[middles[:, None] + offsets], points.positions[middles], size)
