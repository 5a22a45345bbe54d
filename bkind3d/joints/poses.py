"""Poses free of where the subject is and which way it faces."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Complex, Float, Shaped
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from bkind3d.data.points import Points

#: A pose in the plane, x + iy, to which others are turned about the vertical.
Heading = Complex[Shaped[NDArray, "..."], " point"]


def flatten_poses(poses: Float[NDArray, "frame point 3"]) -> Complex[Shaped[NDArray, "..."], "frame point"]:
    """Horizontal coordinates relative to the centroid, x + iy."""
    centred = poses - poses.mean(axis=1, keepdims=True)
    return np.asarray(centred[..., 0] + 1j * centred[..., 1])


def fit_heading(poses: Float[NDArray, "frame point 3"]) -> Heading:
    """The horizontal pose that all poses are turned to.

    The first complex principal component: the pose to which the others fit best when each is turned about the vertical as
    suits it (the mean shape in the plane; Kent 1994). For a long animal it is the animal lying along one axis.
    """
    flat = flatten_poses(poses)
    _, vectors = np.linalg.eigh(flat.T @ flat.conj())
    return np.asarray(vectors[:, -1])


def find_turns(poses: Float[NDArray, "frame point 3"], heading: Heading) -> Float[NDArray, "frame"]:
    """Angles (radians, anticlockwise as seen from above) by which poses are turned about the vertical to fit `heading` best."""
    return np.asarray(-np.angle(flatten_poses(poses) @ heading.conj()))


@dataclass(frozen=True)
class Placement:
    """Where the subject is in each frame, and how it is turned: what leads to its own frame, and back.

    Attributes
    ----------
    centres : world units.
    turns : radians about the vertical, from the world to the subject's frame.
    """

    centres: Float[NDArray, "frame 1 3"]
    turns: Float[NDArray, "frame"]

    @classmethod
    def of(cls, poses: Float[NDArray, "frame point 3"], heading: Heading | None) -> "Placement":
        """Place the subject by its keypoints; without a heading it is not turned."""
        turns = np.zeros(len(poses)) if heading is None else find_turns(poses, heading)
        return cls(poses.mean(axis=1, keepdims=True), turns)

    def enter(self, points: Float[NDArray, "frame point 3"]) -> Float[NDArray, "frame point 3"]:
        """World to the subject's frame (world units)."""
        return _turn(points - self.centres, self.turns)

    def leave(self, points: Float[NDArray, "frame point 3"]) -> Float[NDArray, "frame point 3"]:
        """The subject's frame to the world."""
        return _turn(points, -self.turns) + self.centres


def _turn(points: Float[NDArray, "frame point 3"], turns: Float[NDArray, "frame"]) -> Float[NDArray, "frame point 3"]:
    plane = (points[..., 0] + 1j * points[..., 1]) * np.exp(1j * turns)[:, None]
    return np.stack([plane.real, plane.imag, points[..., 2]], axis=-1)


def smooth_points(points: Points, width: float) -> Points:
    """Average every keypoint over neighbouring frames, by the normal distribution (`width`: its deviation, kept frames) and its confidence.

    Gaps stay gaps, and have no say.
    """
    if not width:
        return points
    known = np.isfinite(points.positions).all(axis=2)
    weights = known * (1.0 if points.confidences is None else np.maximum(np.nan_to_num(points.confidences), 1e-3))
    total = gaussian_filter1d(weights, width, axis=0, mode="constant")
    weighted = gaussian_filter1d(np.where(known[..., None], points.positions, 0) * weights[..., None], width, axis=0, mode="constant")
    return replace(points, positions=np.where(known[..., None], weighted / np.where(known, total, 1)[..., None], np.nan))
