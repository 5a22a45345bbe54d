import numpy as np
import pytest
import torch

from bkind3d.config import EvaluationConfig, InputError
from bkind3d.data.results import FLOORS, name_oracle, role_of
from bkind3d.evaluation.candidates import (
    ORACLES,
    Candidate,
    choose_far_apart,
    fill_gaps,
    mean_pose,
    mean_shape,
    order_joints,
    regress_joints,
)
from bkind3d.evaluation.labelled_frames import LabelledFrames
from bkind3d.evaluation.metrics import align_poses, align_roots
from bkind3d.methods.supervised.settings import SupervisedExperiment


def test_every_candidate_of_the_evaluation_s_own_is_known_by_its_name():
    assert [role_of(name) for name in FLOORS] == ["floor", "floor"]
    assert {role_of(name_oracle(number)) for number in ORACLES} == {"oracle"}
    assert [role_of(name) for name in ("majority_class", "ground_truth", "both")] == ["floor", "oracle", "oracle"]
    assert [role_of(name) for name in ("bkind3d", "discovered", "supervised", "mine")] == [None] * 4


def test_a_method_says_what_it_is():
    assert Candidate.of(SupervisedExperiment.description) == Candidate("taught", "supervised", "3D")


def test_joints_are_found_by_their_names():
    assert order_joints(("paw", "tail", "nose"), ("nose", "paw")) == [2, 0]
    with pytest.raises(InputError, match="joint 'ear' is not among those that the network found: paw, tail"):
        order_joints(("paw", "tail"), ("paw", "ear"))


SHAPE = np.random.default_rng(0).normal(size=(7, 3)) * 40


def move(shapes: np.ndarray, seed: int, *, scales: bool = True) -> np.ndarray:
    """Turn, scale and move every shape at random."""
    generator = torch.Generator().manual_seed(seed)
    rotation = torch.linalg.qr(torch.randn(len(shapes), 3, 3, generator=generator, dtype=torch.float64))[0].numpy()
    rotation *= np.sign(np.linalg.det(rotation))[:, None, None]
    random = np.random.default_rng(seed)
    scale = random.uniform(0.5, 2, size=len(shapes)) if scales else np.ones(len(shapes))
    return scale[:, None, None] * shapes @ rotation.transpose(0, 2, 1) + random.normal(size=(len(shapes), 1, 3)) * 500


def test_mean_shape_recovers_a_shape_that_was_moved():
    poses = move(np.tile(SHAPE, (30, 1, 1)), 1)
    np.testing.assert_allclose(align_poses(np.tile(mean_shape(poses), (30, 1, 1)), poses), poses, atol=1e-6)


def test_mean_shape_bears_gaps():
    poses = move(np.tile(SHAPE, (30, 1, 1)), 1)
    gaps = poses.copy()
    gaps[:25, 3] = np.nan
    gaps[::2, 5] = np.nan
    np.testing.assert_allclose(align_poses(np.tile(mean_shape(gaps), (30, 1, 1)), poses), poses, atol=1e-6)


def test_mean_shape_is_a_best_constant_pose():
    noise = np.random.default_rng(2).normal(size=(60, 7, 3)) * 15
    poses = move(SHAPE + noise, 3)

    def loss(shape: np.ndarray) -> float:
        return float(np.square(align_poses(np.tile(shape, (60, 1, 1)), poses) - poses).sum())

    shape = mean_shape(poses)
    best = loss(shape)
    assert best < loss(SHAPE)
    for direction in np.random.default_rng(4).normal(size=(20, 7, 3)):
        assert best <= loss(shape + 0.5 * direction) * (1 + 1e-6)


def test_mean_shape_has_the_size_of_the_poses():
    poses = move(np.tile(SHAPE, (9, 1, 1)), 5, scales=False)
    np.testing.assert_allclose(np.linalg.norm(mean_shape(poses)), np.linalg.norm(SHAPE - SHAPE.mean(axis=0)))


def test_mean_pose_is_the_mean_of_centred_poses():
    poses = np.stack([SHAPE + 100, SHAPE * 3 - 50])
    np.testing.assert_allclose(mean_pose(poses), 2 * (SHAPE - SHAPE.mean(axis=0)))


def test_a_pose_is_placed_over_the_joints_that_are_known():
    joints = np.tile(SHAPE, (2, 1, 1)) + 33
    joints[1, 2] = np.nan
    placed, truth = align_roots(np.broadcast_to(SHAPE, joints.shape), joints, None)
    np.testing.assert_allclose(placed[0], truth[0])
    np.testing.assert_allclose(placed[1, [0, 1, 3, 4, 5, 6]], truth[1, [0, 1, 3, 4, 5, 6]])


def test_far_apart_joints_are_chosen_in_order():
    line = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [6, 0, 0], [11, 0, 0]])
    np.testing.assert_array_equal(choose_far_apart(line, 4), [4, 0, 3, 2])


def test_gaps_are_filled_from_the_aligned_shape():
    poses = move(np.tile(SHAPE, (4, 1, 1)), 6)
    gaps = poses.copy()
    gaps[1, 2] = np.nan
    gaps[3, [0, 6]] = np.nan
    filled = fill_gaps(gaps, SHAPE)
    np.testing.assert_allclose(filled, poses, atol=1e-6)
    assert np.isnan(gaps[1, 2]).all()
    np.testing.assert_array_equal(filled[[0, 2]], poses[[0, 2]])


def turn(positions: np.ndarray, degrees: float) -> np.ndarray:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return positions @ np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]).T


def test_a_regression_that_saw_one_direction_holds_in_others_in_the_axes_of_the_body():
    """Keypoints are a linear image of the joints' places plus an offset that turns with the body."""
    rng = np.random.default_rng(5)
    offset = rng.normal(size=(4, 3)) * 30  # of the joints from the keypoints, in the body's frame

    def make(degrees: float) -> tuple[LabelledFrames, np.ndarray]:
        points = SHAPE[:4] + rng.normal(size=(80, 4, 3)) * 5
        joints, points = turn(points + offset, degrees), turn(points, degrees)
        zeros = np.zeros(80, int)
        return LabelledFrames(zeros, np.arange(80), np.arange(80.0), zeros, zeros - 1, {}, joints, np.full(80, "")), points

    (train, known), (test, asked) = make(0), make(130)
    errors = {
        axes: regress_joints(known, asked, train, test, EvaluationConfig(axes=axes), ("a", "b", "c", "d"))[0].pa_mpjpe.mean()
        for axes in ("world", "body")
    }
    assert errors["world"] > 10
    assert errors["body"] < errors["world"] / 4
