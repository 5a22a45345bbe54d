"""Distances between predicted and true joints: MPJPE, absolute and relative to the root, N-MPJPE, PA-MPJPE, PCK and its AUC.

Poses come relative to the origin that the prediction was made from (the keypoints' centroid), in world units; the absolute
MPJPE is therefore the same as with both in the world. A joint without a true position has no error (NaN) and is counted.
Sources: N-MPJPE Rhodin et al. 2018; PA-MPJPE the similarity of Umeyama 1991; PCK and AUC in 3D Mehta et al. 2017.
"""

from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from numpy.typing import NDArray

from bkind3d.geometry.alignment import align_similarity

Poses = Float[NDArray, "frame joint 3"]
JointErrors = Float[NDArray, "frame joint"]


#: Thresholds that the area under the curve of PCK is the mean over, evenly spread from 0 to the threshold of PCK (Mehta et al. 2017).
_AUC_THRESHOLDS = 31


@dataclass(frozen=True)
class PoseErrors:
    """Errors of every frame and joint, world units; NaN where the true joint (or, but for two of them, the root) is not known.

    Attributes
    ----------
    mpjpe : absolute, in the world.
    root_mpjpe : with both poses moved to their roots.
    n_mpjpe : with both moved to their roots, and the predicted one scaled (Rhodin et al. 2018).
    pa_mpjpe : after the least-squares similarity, without mirroring.
    """

    mpjpe: JointErrors
    root_mpjpe: JointErrors
    n_mpjpe: JointErrors
    pa_mpjpe: JointErrors


#: The errors by name, as the tables have them.
ERRORS = tuple(entry.name for entry in fields(PoseErrors))


def joint_distances(predicted: Poses, joints: Poses) -> JointErrors:
    """Distance of each predicted joint from the true one."""
    return np.asarray(np.linalg.norm(predicted - joints, axis=-1))


def align_roots(predicted: Poses, joints: Poses, root: int | None) -> tuple[Poses, Poses]:
    """Move both poses to their root: the joint `root`, or, without one, the centroid of the joints that are known.

    Where the root joint is not known, nothing is.
    """
    if root is not None:
        return predicted - predicted[:, root : root + 1], joints - joints[:, root : root + 1]
    known = np.isfinite(joints).all(axis=-1, keepdims=True)
    number = np.maximum(known.sum(axis=1, keepdims=True), 1)
    centroids = (np.where(known, points, 0.0).sum(axis=1, keepdims=True) / number for points in (predicted, joints))
    return predicted - next(centroids), joints - next(centroids)


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


def measure_errors(predicted: Poses, joints: Poses, root: int | None = None) -> PoseErrors:
    """Measure the errors of `predicted` in all definitions; `root` is the index of the root joint, the centroid if not given."""
    rooted, truth = align_roots(predicted, joints, root)
    return PoseErrors(
        mpjpe=joint_distances(predicted, joints),
        root_mpjpe=joint_distances(rooted, truth),
        n_mpjpe=joint_distances(scale_poses(rooted, truth), truth),
        pa_mpjpe=joint_distances(align_poses(predicted, joints), joints),
    )


def tell_mirrored(predicted: Poses, joints: Poses) -> Bool[NDArray, "frame"]:
    """Tell the poses whose mirror image comes nearer to the joints once either is moved, turned and scaled onto them."""
    images = (predicted, predicted * [-1.0, 1.0, 1.0])
    apart = [mean_known(joint_distances(align_poses(image, joints), joints), axis=1) for image in images]
    return np.asarray(apart[1] < apart[0])


def count_correct(errors: JointErrors, threshold: float) -> tuple[JointErrors, JointErrors]:
    """Tell which joints are correct, and at what share of smaller thresholds: means over joints are PCK and AUC (3DPCK, Mehta et al. 2017).

    Parameters
    ----------
    errors : relative to the root, world units. NaN stays NaN.
    threshold : distance up to which a joint is correct, world units.

    Returns
    -------
    1 for a joint that is correct and 0 for one that is not; share of the thresholds from 0 to `threshold` at which it is.
    """
    known = np.isfinite(errors)
    # Written out, the thresholds are k / 30 of the largest: a joint is correct from the k on that its error needs.
    steps = _AUC_THRESHOLDS - 1
    needed = np.ceil(np.where(known, errors, 0.0) / threshold * steps - 1e-9)
    return np.where(known, needed <= steps, np.nan), np.where(known, np.maximum(steps + 1 - needed, 0) / (steps + 1), np.nan)


def mean_known(errors: JointErrors, axis: int) -> Shaped[NDArray, "..."]:
    """Mean error of each frame over its known joints (`axis` 1), or of each joint over the frames in which it is known (0); NaN where none is."""
    return np.asarray(np.ma.masked_invalid(errors).mean(axis=axis).filled(np.nan))
