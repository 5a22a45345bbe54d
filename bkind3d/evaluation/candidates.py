"""What is compared on the same frames: what a method found, the floors below it, the oracles above."""

import logging
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray

from bkind3d.config import EvaluationConfig, InputError, MethodDescription
from bkind3d.data.results import MEAN_POSE, Role, Supervision, name_oracle, name_regressed
from bkind3d.data.spacing import spread_indices
from bkind3d.evaluation.labelled_frames import TEST, LabelledFrames, all_known
from bkind3d.evaluation.metrics import PoseErrors, align_poses, align_roots, joint_distances, measure_errors, tell_mirrored
from bkind3d.geometry.alignment import average_shape, fit_similarity
from bkind3d.joints.model import describe_poses
from bkind3d.joints.poses import fit_heading
from bkind3d.joints.regression import fit_regressor, make_groups

logger = logging.getLogger(__name__)

#: Numbers of true joints that the oracles know.
ORACLES = (4, 8)

#: Training poses that the mean shape is made from, evenly spread.
_MAX_POSES = 5000


@dataclass(frozen=True)
class Candidate:
    """What is compared with others on the same frames.

    Attributes
    ----------
    name : in the tables.
    role : of what is judged, discovered keypoints are regressed to joints, supervised ones are joints and taken as they are.
    supervision : what it learned from besides videos and cameras: none, joints in the pictures (2D), or 3D joints.
    """

    name: str
    role: Role
    supervision: Supervision

    @classmethod
    def of(cls, method: MethodDescription) -> "Candidate":
        """What an experiment's method found, as its settings describe the method."""
        return cls(method.label, method.role, method.supervision)


@dataclass(frozen=True)
class CandidateResult:
    """What one candidate reached on the test frames.

    Attributes
    ----------
    n_points : points that joints come from.
    n_missing : labelled test frames to which it has no answer.
    regressor : by which they became joints, or none.
    strengths : of the ridge regression.
    mirrored : of joints that are taken as they are, share of the frames whose mirror image would have been nearer to the truth.
    """

    candidate: Candidate
    n_points: int
    n_missing: int
    regressor: str
    errors: PoseErrors
    strengths: tuple[float, ...] = ()
    mirrored: float | None = None

    @property
    def name(self) -> str:
        """Of the candidate."""
        return self.candidate.name


def regress_joints(
    train_points: Float[NDArray, "train point 3"],
    test_points: Float[NDArray, "test point 3"],
    train: LabelledFrames,
    test: LabelledFrames,
    config: EvaluationConfig,
    names: tuple[str, ...],
) -> tuple[PoseErrors, tuple[float, ...]]:
    """Fit the regressor on the training frames and measure it on the test frames, relative to the points' centroid in the axes of the settings."""
    groups = make_groups(train.session, train.block if config.split == "blocks" else None)
    heading = fit_heading(train_points) if config.axes == "body" else None
    features, placement = describe_poses(train_points, heading)
    regressor = fit_regressor(config.regressor, features, placement.enter(train.joints), groups, names)
    features, placement = describe_poses(test_points, heading)
    found = placement.leave(regressor.predict(features)) - placement.centres
    return measure_errors(found, test.joints - placement.centres, find_root(config, names)), regressor.strengths


def find_root(config: EvaluationConfig, names: tuple[str, ...]) -> int | None:
    """Index of the root joint that the settings name; None where they name none."""
    if not config.root:
        return None
    if config.root not in names:
        raise InputError(
            "", f"evaluation.root is {config.root!r}, but the joints are {', '.join(names)}", "name one of them, or leave it empty"
        )
    return names.index(config.root)


def mean_pose(joints: Float[NDArray, "frame joint 3"]) -> Float[NDArray, "joint 3"]:
    """The constant pose with the least squared distance to the training poses, all centred, none turned (world units)."""
    return np.asarray(np.nanmean(align_roots(joints, joints, None)[0], axis=0))


def mean_shape(joints: Float[NDArray, "frame joint 3"]) -> Float[NDArray, "joint 3"]:
    """The constant pose with the least squared distance to the training poses once it is aligned to each: generalised Procrustes.

    Parameters
    ----------
    joints : training poses, world units; NaN where not known. Every joint must be known in some frame, every frame needs three.

    Returns
    -------
    (joint, 3) centred, in the size of the training poses; its orientation is that of the most complete pose.
    """
    chosen = spread_indices(len(joints), _MAX_POSES)
    return np.asarray(average_shape(torch.as_tensor(align_roots(joints[chosen], joints[chosen], None)[0])).numpy())


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


def measure_constant(train: LabelledFrames, test: LabelledFrames, shape: Float[NDArray, "joint 3"], root: int | None) -> PoseErrors:
    """Measure the errors of the best constant pose: as it lies in the world, but as a shape for PA-MPJPE.

    It is placed at the true centroid, which it cannot know: a floor that is, if anything, too low.
    """
    placed, truth = align_roots(np.broadcast_to(mean_pose(train.joints), test.joints.shape), test.joints, None)
    aligned = align_poses(np.broadcast_to(shape, truth.shape).copy(), truth)
    return replace(measure_errors(placed, truth, root), pa_mpjpe=joint_distances(aligned, truth))


def order_joints(points: tuple[str, ...], joints: tuple[str, ...]) -> list[int]:
    """Places of the `joints` among a supervised candidate's `points`, by their names."""
    for name in joints:
        if name not in points:
            raise InputError(
                "", f"joint {name!r} is not among those that the network found: {', '.join(points)}", "give it the joints it learned from"
            )
    return [points.index(name) for name in joints]


def regress_supervised(
    candidate: Candidate,
    found: tuple[int, int],
    train: LabelledFrames,
    test: LabelledFrames,
    config: EvaluationConfig,
    names: tuple[str, ...],
) -> list[CandidateResult]:
    """Measure a supervised candidate's joints once more, after the regression of discovered keypoints; nothing where frames are too few for it."""
    try:
        regressed = regress_joints(train.points[candidate.name], test.points[candidate.name], train, test, config, names)
    except InputError as error:
        logger.info("%s is judged without a regression: %s", candidate.name, error)
        return []
    return [CandidateResult(replace(candidate, name=name_regressed(candidate.name)), *found, config.regressor, *regressed)]


def measure_candidates(
    frames: LabelledFrames,
    train: LabelledFrames,
    test: LabelledFrames,
    method: Candidate,
    point_names: tuple[str, ...],
    config: EvaluationConfig,
    names: tuple[str, ...],
) -> tuple[list[CandidateResult], dict[str, list[str]]]:
    """Measure the method's points (`point_names`), the floors and the oracles; also name the joints, out of `names`, that each oracle knows."""
    asked = frames.is_labelled & (frames.part == TEST)
    root = find_root(config, names)
    results = []
    for name, points in frames.points.items():
        candidate = method if name == method.name else Candidate(name, "floor", "none")
        found = points.shape[1], int((asked & ~all_known(points)).sum())
        if candidate.role == "supervised":
            joints = test.points[name][:, order_joints(point_names, names)]
            mirrored = float(tell_mirrored(joints, test.joints).mean())
            errors = measure_errors(joints, test.joints, root)
            results.append(CandidateResult(candidate, *found, "none", errors, mirrored=mirrored))
            results += regress_supervised(candidate, found, train, test, config, names)
        else:
            regressed = regress_joints(train.points[name], test.points[name], train, test, config, names)
            results.append(CandidateResult(candidate, *found, config.regressor, *regressed))
    shape = mean_shape(train.joints)
    results.append(CandidateResult(Candidate(MEAN_POSE, "floor", "3D"), 0, 0, "none", measure_constant(train, test, shape, root)))
    oracle_joints = {}
    for number in ORACLES:
        if number >= len(names):
            logger.info("no oracle from %d joints: there are only %d", number, len(names))
            continue
        oracle, chosen = Candidate(name_oracle(number), "oracle", "3D"), choose_far_apart(shape, number)
        oracle_joints[oracle.name] = [names[joint] for joint in chosen]
        known_train, known_test = (fill_gaps(part.joints, shape)[:, chosen] for part in (train, test))
        regressed = regress_joints(known_train, known_test, train, test, config, names)
        results.append(CandidateResult(oracle, number, 0, config.regressor, *regressed))
    return results, oracle_joints
