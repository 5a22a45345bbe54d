"""What is compared on the same frames: the keypoints, the floors below them, the oracles above."""

import logging
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from bkind3d.config import EvaluationConfig, InputError
from bkind3d.evaluation.floors import centre_poses, choose_far_apart, fill_gaps, mean_pose, mean_shape, place_pose
from bkind3d.evaluation.labelled_frames import LabelledFrames, all_known
from bkind3d.evaluation.metrics import PoseErrors, align_poses, joint_distances, measure_errors
from bkind3d.evaluation.regression import fit_regressor, make_features, make_groups
from bkind3d.evaluation.splits import TEST

logger = logging.getLogger(__name__)

#: Numbers of true joints that the oracles know.
ORACLES = (4, 8)


@dataclass(frozen=True)
class MethodResult:
    """What one method reached on the test frames.

    Attributes
    ----------
    supervision : what it learned from: none, or 3D joints.
    n_points : points that it regresses from.
    n_missing : labelled test frames to which it has no answer.
    strengths : of the ridge regression.
    """

    name: str
    supervision: str
    n_points: int
    n_missing: int
    errors: PoseErrors
    strengths: tuple[float, ...] = ()


def regress_joints(
    train_points: Float[np.ndarray, "train point 3"],
    test_points: Float[np.ndarray, "test point 3"],
    train: LabelledFrames,
    test: LabelledFrames,
    config: EvaluationConfig,
    names: tuple[str, ...],
) -> tuple[PoseErrors, tuple[float, ...]]:
    """Fit the regressor on the training frames and measure it on the test frames, relative to the points' centroid."""
    blocks = train.block if config.split == "blocks" else None
    features, centroid = make_features(train_points)
    regressor = fit_regressor(config.regressor, features, train.joints - centroid, make_groups(train.session, blocks), names)
    features, centroid = make_features(test_points)
    return measure_errors(regressor.predict(features), test.joints - centroid, find_root(config, names)), regressor.strengths


def find_root(config: EvaluationConfig, names: tuple[str, ...]) -> int | None:
    """Index of the root joint that the settings name; None where they name none."""
    if not config.root:
        return None
    if config.root not in names:
        raise InputError(f"evaluation.root is {config.root!r}, but the joints are {', '.join(names)}; name one of them, or leave it empty")
    return names.index(config.root)


def measure_constant(train: LabelledFrames, test: LabelledFrames, shape: Float[np.ndarray, "joint 3"], root: int | None) -> PoseErrors:
    """Measure the errors of the best constant pose: as it lies in the world, but as a shape for PA-MPJPE.

    It is placed at the true centroid, which it cannot know: a floor that is, if anything, too low.
    """
    truth, _ = centre_poses(test.joints)
    placed = place_pose(mean_pose(train.joints), test.joints)
    aligned = align_poses(np.broadcast_to(shape, truth.shape).copy(), truth)
    return replace(measure_errors(placed, truth, root), pa_mpjpe=joint_distances(aligned, truth))


def measure_methods(
    frames: LabelledFrames, train: LabelledFrames, test: LabelledFrames, config: EvaluationConfig, names: tuple[str, ...]
) -> tuple[list[MethodResult], dict[str, list[str]]]:
    """Measure the keypoints, the floors and the oracles; also name the joints that each oracle knows."""
    asked = frames.is_labelled & (frames.part == TEST)
    n_keypoints = train.keypoints.shape[1]
    results = []
    for name, points, train_points, test_points in (
        ("bkind3d", frames.keypoints, train.keypoints, test.keypoints),
        ("untrained", frames.untrained, train.untrained, test.untrained),
    ):
        errors, strengths = regress_joints(train_points, test_points, train, test, config, names)
        results.append(MethodResult(name, "none", n_keypoints, int((asked & ~all_known(points)).sum()), errors, strengths))
    shape = mean_shape(train.joints)
    results.append(MethodResult("mean_pose", "3D", 0, 0, measure_constant(train, test, shape, find_root(config, names))))
    oracle_joints = {}
    for number in ORACLES:
        if number >= len(names):
            logger.info("no oracle from %d joints: there are only %d", number, len(names))
            continue
        chosen = choose_far_apart(shape, number)
        oracle_joints[f"oracle_{number}"] = [names[joint] for joint in chosen]
        known_train, known_test = (fill_gaps(part.joints, shape)[:, chosen] for part in (train, test))
        errors, strengths = regress_joints(known_train, known_test, train, test, config, names)
        results.append(MethodResult(f"oracle_{number}", "3D", number, 0, errors, strengths))
    return results, oracle_joints
