"""Whether pairs of cameras agree: one relative pose explains every board that both see.

This needs no bundle adjustment, in which one wrong camera spoils all others. From each picture alone follows where the board is in that
camera's frame; two cameras that stand still, film at the same moments and are not mirrored are related by the same motion in every frame.
"""

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from scipy.cluster.hierarchy import DisjointSet

from bkind3d.calibration.board_poses import pose_in_views
from bkind3d.calibration.boards import Corners
from bkind3d.data.spacing import spread_indices
from bkind3d.geometry.cameras import Array, Camera

#: Numbers of searched frames.
Frames = Int[NDArray, "frame"]
#: A board carried over from another camera may miss by this share of the picture's width, and at least by this many pixels.
TOLERANCE_SHARE, TOLERANCE_PX = 0.01, 2.0
#: Share of the frames that one relative pose has to explain.
AGREEMENT = 0.7
#: Fewest frames in which two cameras have to see the board together.
SHARED_FRAMES = 3
#: Most frames whose relative pose is tried for all others.
_MAX_CANDIDATES = 40


@dataclass(frozen=True)
class Pair:
    """What two cameras (numbers `one` and `other`) say about each other.

    Attributes
    ----------
    motion : (4, 4) from the frame of `other` to that of `one`, board's units: the one that explains most frames.
    frames : numbers (in the corners) of the frames that both see.
    misfits : by how much the board of each frame misses under `motion`, in tolerances (1 and less is agreement).
    """

    one: int
    other: int
    motion: Float[NDArray, "4 4"]
    frames: Frames
    misfits: Float[NDArray, "frame"]

    @property
    def agreement(self) -> float:
        """Share of the frames that the motion explains."""
        return float(np.mean(self.misfits <= 1))


@dataclass(frozen=True)
class Boards:
    """Where every camera sees the board: (camera, frame, 4, 4) board to camera, and what a miss of it counts.

    `scales` are pixels per tangent of the viewing angle, in tolerances; `outline` the board's outermost corners.
    """

    poses: Float[NDArray, "camera frame 4 4"]
    scales: Float[NDArray, "camera"]
    outline: Float[NDArray, "4 3"]

    @property
    def seen(self) -> Bool[NDArray, "camera frame"]:
        """(camera, frame): whether the camera's pose of the board is known."""
        return np.asarray(np.isfinite(self.poses[..., 0, 0]))

    def select(self, chosen: Bool[NDArray, "..."]) -> "Boards":
        """The same of some frames."""
        return replace(self, poses=self.poses[:, chosen])


def find_boards(lenses: list[Camera], corners: Corners) -> Boards:
    """The board in each camera's own frame; of `lenses`, the poses are not used."""
    tolerances = [max(TOLERANCE_PX, TOLERANCE_SHARE * width) for width, _ in corners.sizes]
    scales = np.array([lens.matrix[0, 0] / tolerance for lens, tolerance in zip(lenses, tolerances, strict=True)])
    return Boards(pose_in_views(lenses, corners), scales, corners.outline)


def compare_pairs(boards: Boards) -> dict[tuple[int, int], Pair]:
    """Every pair of cameras that sees the board together in enough frames."""
    pairs = {}
    for one, other in combinations(range(len(boards.scales)), 2):
        pair = compare_pair(boards, one, other, np.flatnonzero(boards.seen[one] & boards.seen[other]))
        if pair is not None:
            pairs[one, other] = pair
    return pairs


def compare_pair(boards: Boards, one: int, other: int, frames: Frames, lag: int = 0) -> Pair | None:
    """Compare two cameras in `frames` of `one`; `other` is taken `lag` frames later. None where there are too few frames."""
    if len(frames) < SHARED_FRAMES:
        return None
    first, second = boards.poses[one, frames], boards.poses[other, frames + lag]
    chosen = spread_indices(len(frames), _MAX_CANDIDATES)
    motions = first[chosen] @ np.linalg.inv(second[chosen])
    misfits = measure_misfits(boards, (one, other), frames, motions, lag)
    # Most frames explained; among equals the smallest typical misfit.
    best = int(np.lexsort((np.median(misfits, axis=1), -np.count_nonzero(misfits <= 1, axis=1)))[0])
    return Pair(one, other, motions[best], frames, misfits[best])


def measure_misfits(boards: Boards, pair: tuple[int, int], frames: Frames, motions: Array, lag: int = 0) -> Float[NDArray, "motion frame"]:
    """How far boards carried over by (motion, 4, 4) `motions` (second camera to first) miss, mean of both directions, in tolerances."""
    outline = np.concatenate([boards.outline, np.ones((4, 1))], axis=1).T
    first, second = (boards.poses[camera, shown] @ outline for camera, shown in zip(pair, (frames, frames + lag), strict=True))
    misses = _miss(motions[:, None] @ second, first), _miss(np.linalg.inv(motions)[:, None] @ first, second)
    return np.asarray((boards.scales[pair[0]] * misses[0] + boards.scales[pair[1]] * misses[1]) / 2)


def _miss(carried: Float[NDArray, "motion frame 4 4"], seen: Float[NDArray, "frame 4 4"]) -> Float[NDArray, "motion frame"]:
    """Mean distance of the outline's corners, as tangents of viewing angles; infinite where a board lies behind the camera."""
    ahead = np.asarray((carried[..., 2, :] > 0).all(axis=-1))
    depth = np.where(ahead[..., None], carried[..., 2, :], 1.0)
    across = carried[..., :2, :] / depth[..., None, :] - seen[..., :2, :] / seen[..., 2:3, :]
    return np.where(ahead, np.linalg.norm(across, axis=-2).mean(axis=-1), np.inf)


def group_cameras(n_cameras: int, links: list[tuple[int, int]]) -> list[set[int]]:
    """Cameras that `links` connect, directly or through others; the largest group first, then by the first camera."""
    groups = DisjointSet(range(n_cameras))
    for link in links:
        groups.merge(*link)
    return sorted(groups.subsets(), key=lambda group: (-len(group), min(group)))


def chain_poses(n_cameras: int, pairs: dict[tuple[int, int], Pair]) -> Float[NDArray, "camera 4 4"]:
    """World (first camera) to each camera, along the pairs with most frames that agree; NaN for cameras that no pair reaches."""
    poses = np.full((n_cameras, 4, 4), np.nan)
    poses[0] = np.eye(4)
    waiting = sorted(pairs.values(), key=lambda pair: -float(np.count_nonzero(pair.misfits <= 1)))
    while usable := [pair for pair in waiting if np.isfinite(poses[[pair.one, pair.other], 0, 0]).sum() == 1]:
        pair = usable[0]
        if np.isfinite(poses[pair.one, 0, 0]):
            poses[pair.other] = np.linalg.inv(pair.motion) @ poses[pair.one]
        else:
            poses[pair.one] = pair.motion @ poses[pair.other]
        waiting.remove(pair)
    return poses
