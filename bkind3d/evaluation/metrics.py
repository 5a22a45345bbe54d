"""Distances between predicted and true joints: MPJPE, N-MPJPE and PA-MPJPE.

All poses are relative to the origin that the prediction was made from (the keypoints' centroid), in world units; MPJPE
is therefore the same as with both in the world. A joint without a true position has no error (NaN) and is counted.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from bkind3d.geometry.alignment import align_similarity

Poses = Float[np.ndarray, "frame joint 3"]
JointErrors = Float[np.ndarray, "frame joint"]


@dataclass(frozen=True)
class PoseErrors:
    """Errors of every frame and joint, world units; NaN where the true joint is not known."""

    mpjpe: JointErrors
    n_mpjpe: JointErrors
    pa_mpjpe: JointErrors


def joint_distances(predicted: Poses, joints: Poses) -> JointErrors:
    """Distance of each predicted joint from the true one."""
    return np.asarray(np.linalg.norm(predicted - joints, axis=-1))


def scale_poses(predicted: Poses, joints: Poses) -> Poses:
    """Scale each predicted pose about the origin by the factor with the least squared distance to the joints that are known."""
    known = np.isfinite(joints).all(axis=-1, keepdims=True)
    reference, prediction = np.where(known, joints, 0.0), np.where(known, predicted, 0.0)
    length = np.einsum("fjc,fjc->f", prediction, prediction)
    factor = np.einsum("fjc,fjc->f", prediction, reference) / np.where(length > 0, length, 1.0)
    return np.asarray(np.where(length > 0, factor, 1.0)[:, None, None] * predicted)


def align_poses(predicted: Poses, joints: Poses) -> Poses:
    """Move, turn and scale each predicted pose onto the joints that are known, without mirroring."""
    return np.asarray(align_similarity(torch.as_tensor(predicted), torch.as_tensor(joints)).numpy())


def measure_errors(predicted: Poses, joints: Poses) -> PoseErrors:
    """Measure the errors of `predicted` in all three definitions.

    N-MPJPE after the least-squares scale (Rhodin et al. 2018); PA-MPJPE after the least-squares similarity.
    """
    return PoseErrors(
        mpjpe=joint_distances(predicted, joints),
        n_mpjpe=joint_distances(scale_poses(predicted, joints), joints),
        pa_mpjpe=joint_distances(align_poses(predicted, joints), joints),
    )


def mean_over_joints(errors: JointErrors) -> Float[np.ndarray, " frame"]:
    """Mean error of each frame over its known joints; NaN for a frame without any."""
    return _mean_of_known(errors, axis=1)


def mean_over_frames(errors: JointErrors) -> Float[np.ndarray, " joint"]:
    """Mean error of each joint over the frames in which it is known; NaN for a joint that never is."""
    return _mean_of_known(errors, axis=0)


def count_known(errors: JointErrors) -> Int[np.ndarray, " joint"]:
    """Number of frames in which each joint is known."""
    return np.asarray(np.isfinite(errors).sum(axis=0))


def _mean_of_known(errors: JointErrors, axis: int) -> np.ndarray:
    known = np.isfinite(errors)
    number = known.sum(axis=axis)
    return np.where(number > 0, np.where(known, errors, 0.0).sum(axis=axis) / np.maximum(number, 1), np.nan)
