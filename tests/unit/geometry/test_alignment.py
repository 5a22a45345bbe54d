import math

import pytest
import torch
from scipy.spatial.transform import Rotation

from bkind3d.geometry.alignment import align_similarity, fit_similarity


def random_rotations(generator: torch.Generator, number: int) -> torch.Tensor:
    rotation, _ = torch.linalg.qr(torch.randn(number, 3, 3, generator=generator, dtype=torch.float64))
    return rotation * torch.sign(torch.linalg.det(rotation))[:, None, None]


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def points(generator) -> torch.Tensor:
    return torch.randn(5, 9, 3, generator=generator, dtype=torch.float64) * 40


def test_recovers_a_known_similarity(generator, points):
    rotation, scale, shift = random_rotations(generator, 5), torch.tensor([0.1, 0.5, 1.0, 2.0, 30.0]).double(), torch.full((5, 3), 700.0)
    targets = scale[:, None, None] * points @ rotation.mT + shift[:, None]
    fit = fit_similarity(points, targets)
    torch.testing.assert_close(fit.rotation, rotation)
    torch.testing.assert_close(fit.scale, scale)
    torch.testing.assert_close(align_similarity(points, targets), targets)
    torch.testing.assert_close(fit.undo(targets), points)


def test_single_precision_is_computed_in_double(points):
    aligned = align_similarity(points.float(), (points * 3 + 1000).float())
    assert aligned.dtype == torch.float64
    torch.testing.assert_close(aligned, points * 3 + 1000, atol=1e-3, rtol=0)


def test_a_batch_is_the_same_as_one_by_one(generator, points):
    targets = torch.randn(points.shape, generator=generator, dtype=torch.float64)
    single = torch.cat([align_similarity(points[i : i + 1], targets[i : i + 1]) for i in range(len(points))])
    torch.testing.assert_close(align_similarity(points, targets), single)


def test_rotations_are_proper_for_random_and_mirrored_targets(generator, points):
    for targets in (torch.randn(points.shape, generator=generator, dtype=torch.float64), points * torch.tensor([-1.0, 1.0, 1.0])):
        torch.testing.assert_close(torch.linalg.det(fit_similarity(points, targets).rotation), torch.ones(5, dtype=torch.float64))


def test_a_mirrored_pose_does_not_align(points):
    mirrored = points * torch.tensor([-1.0, 1.0, 1.0])
    error = (align_similarity(mirrored, points) - points).norm(dim=-1).mean(dim=1)
    assert (error > 5).all()


def test_no_rotation_does_better_on_a_mirrored_corner():
    # The least error of all rotations on a fine grid, each with its best scale and shift.
    targets = torch.tensor([[[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]]).double()
    points = -targets
    aligned = align_similarity(points, targets)
    centred, wanted = points - points.mean(dim=1, keepdim=True), targets - targets.mean(dim=1, keepdim=True)
    angles = torch.linspace(0, 2 * math.pi, 61)[:-1].double()
    a, b, c = (grid.flatten() for grid in torch.meshgrid(angles, angles[:31], angles, indexing="ij"))
    zero, one = torch.zeros_like(a), torch.ones_like(a)

    def turn(angle):
        return torch.stack([angle.cos(), -angle.sin(), zero, angle.sin(), angle.cos(), zero, zero, zero, one], dim=1).reshape(-1, 3, 3)

    tilt = torch.stack([one, zero, zero, zero, b.cos(), -b.sin(), zero, b.sin(), b.cos()], dim=1).reshape(-1, 3, 3)
    turned = centred @ (turn(a) @ tilt @ turn(c)).mT
    scale = (turned * wanted).sum(dim=(1, 2)).clamp(min=0) / centred.square().sum()
    least = (scale[:, None, None] * turned - wanted).square().sum(dim=(1, 2)).min()
    error = (aligned - targets).square().sum()
    assert error <= least + 1e-9
    assert error == pytest.approx(float(least), rel=0.01)


def test_unknown_joints_have_no_say_and_are_moved_along(generator, points):
    rotation = random_rotations(generator, 5)
    targets = 2 * points @ rotation.mT
    broken = targets.clone()
    broken[0, 3] = torch.nan
    broken[1, 0, 1] = torch.inf
    torch.testing.assert_close(align_similarity(points, broken), targets)
    lacking = points.clone()
    lacking[2, 4] = torch.nan
    aligned = align_similarity(lacking, targets)
    assert aligned[2, 4].isnan().all()
    assert (aligned - targets)[2, [0, 1, 2, 3, 5, 6, 7, 8]].abs().max() < 1e-9


def test_weights_choose_what_is_fit(points):
    targets = points + 5
    targets[:, 0] = 1000
    weights = torch.ones(5, 9)
    weights[:, 0] = 0
    torch.testing.assert_close(fit_similarity(points, targets, weights).apply(points)[:, 1:], points[:, 1:] + 5)
    torch.testing.assert_close(
        fit_similarity(points, targets, weights).apply(points), fit_similarity(points, targets, 7 * weights).apply(points)
    )


def test_degenerate_sets_align_as_well_as_can_be():
    target = torch.tensor([[[0.0, 0, 0], [4, 0, 0], [0, 4, 0]]]).double()
    coincident = torch.ones(1, 3, 3).double()
    torch.testing.assert_close(align_similarity(coincident, target), target.mean(dim=1, keepdim=True).expand(1, 3, 3))
    torch.testing.assert_close(align_similarity(target, coincident), coincident)
    line = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [2, 0, 0]]]).double()
    torch.testing.assert_close(align_similarity(line, line[..., [1, 2, 0]] * 5), line[..., [1, 2, 0]] * 5)
    # Flat sets can be turned over: their mirror image is a rotation.
    torch.testing.assert_close(align_similarity(target * torch.tensor([-1.0, 1, 1]), target), target)


def test_nothing_in_common_is_nan(points):
    assert align_similarity(points, torch.full_like(points, torch.nan)).isnan().all()


def test_agrees_with_an_independent_implementation(generator, points):
    targets = torch.randn(points.shape, generator=generator, dtype=torch.float64) * 30 + 100
    aligned = align_similarity(points, targets)
    for point, target, ours in zip(points.numpy(), targets.numpy(), aligned.numpy(), strict=True):
        centred, wanted = point - point.mean(axis=0), target - target.mean(axis=0)
        turned = Rotation.align_vectors(wanted, centred)[0].apply(centred)
        expected = (turned * wanted).sum() / (turned**2).sum() * turned + target.mean(axis=0)
        assert abs(ours - expected).max() < 1e-9
