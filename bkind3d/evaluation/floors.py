"""What keypoints must beat, and what they could reach: constant poses below, regression from true joints above."""

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray

from bkind3d.data.spacing import spread_indices
from bkind3d.geometry.alignment import fit_similarity

#: Training poses that the mean shape is made from, evenly spread, and rounds of its estimation.
_MAX_POSES = 5000
_ROUNDS = 20


def centre_poses(joints: Float[NDArray, "frame joint 3"]) -> tuple[Float[NDArray, "frame joint 3"], Float[NDArray, "frame 1 3"]]:
    """Poses relative to the centroid of their known joints, and that centroid (world units)."""
    centroid = np.nanmean(joints, axis=1, keepdims=True)
    return joints - centroid, centroid


def mean_pose(joints: Float[NDArray, "frame joint 3"]) -> Float[NDArray, "joint 3"]:
    """The constant pose with the least squared distance to the training poses, all centred, none turned (world units)."""
    return np.asarray(np.nanmean(centre_poses(joints)[0], axis=0))


def place_pose(pose: Float[NDArray, "joint 3"], joints: Float[NDArray, "frame joint 3"]) -> Float[NDArray, "frame joint 3"]:
    """Repeat a constant pose for every frame, centred over the joints that are known in it (to go with :func:`centre_poses`)."""
    known = np.isfinite(joints).all(axis=2)
    shift = np.where(known[..., None], pose, 0.0).sum(axis=1) / known.sum(axis=1)[:, None]
    return np.asarray(pose - shift[:, None])


def mean_shape(joints: Float[NDArray, "frame joint 3"]) -> Float[NDArray, "joint 3"]:
    """The constant pose with the least squared distance to the training poses once it is aligned to each: generalised Procrustes.

    In turns, the shape is aligned to every pose, and becomes the best shape for these alignments; neither step can make the
    sum of squares larger. Joints that a pose lacks have no say in it.

    Parameters
    ----------
    joints : training poses, world units; NaN where not known. Every joint must be known in some frame, every frame needs three.

    Returns
    -------
    (joint, 3) centred, in the size of the training poses; its orientation is that of the most complete pose.
    """
    chosen = spread_indices(len(joints), _MAX_POSES)
    poses = torch.as_tensor(centre_poses(joints[chosen])[0]).double()
    known = torch.isfinite(poses).all(dim=-1)
    shape = poses[known.sum(dim=1).argmax()]
    for _ in range(_ROUNDS):
        fit = fit_similarity(shape.expand_as(poses), poses)
        weights = torch.where(known, fit.scale.square()[:, None], 0.0)
        seen = weights.sum(dim=0)
        back = torch.where((weights > 0)[..., None], fit.undo(poses), 0.0)
        updated = torch.einsum("bj,bjc->jc", weights, back) / torch.where(seen > 0, seen, 1.0)[:, None]
        shape = torch.where((seen > 0)[:, None], updated, torch.nan)
        shape = (shape - shape.nanmean(dim=0)) * fit.scale.median()
    return np.asarray(shape.numpy())


def choose_far_apart(shape: Float[NDArray, "joint 3"], number: int) -> Int[NDArray, "number"]:
    """Choose joints by farthest-point sampling: first the one farthest from the centroid, then always the one farthest from all chosen."""
    chosen = [int(np.linalg.norm(shape - shape.mean(axis=0), axis=1).argmax())]
    distance = np.full(len(shape), np.inf)
    for _ in range(number - 1):
        distance = np.minimum(distance, np.linalg.norm(shape - shape[chosen[-1]], axis=1))
        chosen.append(int(distance.argmax()))
    return np.array(chosen)


def fill_gaps(joints: Float[NDArray, "frame joint 3"], shape: Float[NDArray, "joint 3"]) -> Float[NDArray, "frame joint 3"]:
    """Fill unknown joints with the mean shape aligned to the known ones, so that an oracle can answer in every frame."""
    gaps = ~np.isfinite(joints).all(axis=2)
    rows = gaps.any(axis=1)
    filled = joints.copy()
    if rows.any():
        poses = torch.as_tensor(joints[rows])
        aligned = fit_similarity(torch.as_tensor(shape).expand_as(poses), poses).apply(torch.as_tensor(shape).expand_as(poses)).numpy()
        filled[rows] = np.where(gaps[rows][..., None], aligned, joints[rows])
    return filled
