"""Voxel grids: round trips, visibility, and a point whose place is known."""

import math

import numpy as np
import pytest
import torch

from bkind3d.geometry.projection import project_points
from bkind3d.geometry.voxels import (
    carve_hull,
    cube_to_world,
    expected_positions,
    fuse_views,
    make_orientations,
    make_voxel_centres,
    sample_views,
)
from tests.unit.scenes import SIDE, make_projection


def looking_at_origin(n_views: int, stored: int) -> torch.Tensor:
    return torch.stack([torch.from_numpy(make_projection(view * 1.3, stored)).float() for view in range(n_views)])[None]


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_cube_is_turned_mirrored_scaled_and_moved_into_the_world(mirrored: bool) -> None:
    torch.manual_seed(1)
    points, centres, sides = torch.rand(2, 9, 3) - 0.5, torch.randn(2, 3), torch.tensor([3.0, 200.0])
    orientations = make_orientations(torch.tensor([0.4, 2.0]), torch.tensor([mirrored, mirrored]))
    assert torch.allclose(torch.linalg.det(orientations), torch.full((2,), -1.0 if mirrored else 1.0))
    world = cube_to_world(points, centres, sides, orientations)
    back = (orientations.mT @ (world - centres[:, None]).mT).mT / sides[:, None, None]
    assert torch.allclose(back, points, atol=1e-5)


def test_orientation_keeps_the_vertical_axis() -> None:
    turned = make_orientations(torch.tensor([math.pi / 2]), torch.tensor([False]))[0]
    assert torch.allclose(turned @ torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 1, 0]), atol=1e-6)
    assert torch.allclose(turned @ torch.tensor([0.0, 0, 1]), torch.tensor([0.0, 0, 1]))


@pytest.mark.parametrize(("stored", "feature_size"), [(48, 48), (48, 24), (96, 32)])
def test_features_painted_at_projections_come_back_as_a_peak_at_the_point(stored: int, feature_size: int) -> None:
    projections = looking_at_origin(4, stored)
    point = torch.tensor([[[12.0, -20.0, 5.0]]])
    pixels, _ = project_points(point, projections)
    grid = (torch.arange(feature_size) + 0.5) * stored / feature_size - 0.5
    offsets = torch.stack(torch.meshgrid(grid, grid, indexing="xy"), dim=-1) - pixels[0, :, 0, None, None]
    features = torch.exp(-offsets.square().sum(-1) / (2 * (1.5 * stored / feature_size) ** 2))[None, :, None]
    centres = make_voxel_centres(40)
    world = centres[None] * SIDE
    samples, visible = sample_views(features, projections, (stored, stored), torch.ones(1, 4, dtype=torch.bool), world)
    fused = fuse_views(samples, visible)[0, 0]
    assert (world[0, fused.argmax()] - point[0, 0]).norm() < 1.5 * SIDE / 40


def random_rig(seed: int, stored: tuple[int, int], n_views: int = 4) -> tuple[torch.Tensor, torch.Tensor, float, torch.Tensor]:
    """Cameras of any lens around a cube of any size anywhere, each seeing it through a window of its own; and a point in the cube."""
    rng = np.random.default_rng(seed)
    side, centre = 10 ** rng.uniform(-1, 3), rng.normal(size=3) * 1000
    point = centre + side * rng.uniform(-0.4, 0.4, 3)
    projections = []
    for view in range(n_views):
        azimuth, elevation, distance = 2 * np.pi * (view + rng.uniform(0, 0.6)) / n_views, rng.uniform(0.1, 0.9), side * rng.uniform(2, 10)
        forward = -np.array([np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)])
        right = np.cross(forward, [0, 0, 1.0]) / np.linalg.norm(np.cross(forward, [0, 0, 1.0]))
        rotation = np.stack([right, np.cross(forward, right), forward])
        focal = 0.5 * min(stored) / side * distance
        window = (np.array(stored) - 1) / 2 + rng.uniform(-0.1, 0.1, 2) * min(stored)
        matrix = np.array([[focal * rng.uniform(0.9, 1.1), 0, window[0]], [0, focal, window[1]], [0, 0, 1]])
        projections.append(matrix @ np.c_[rotation, -rotation @ (centre - distance * forward)])
    tensors = [torch.from_numpy(np.asarray(value)) for value in (projections, centre, point)]
    return tensors[0][None], tensors[1][None], side, tensors[2]


@pytest.mark.parametrize("stored", [(64, 64), (96, 48), (40, 56)])
@pytest.mark.parametrize("seed", range(5))
def test_painted_features_come_back_for_any_camera_window_and_size(seed: int, stored: tuple[int, int]) -> None:
    projections, centre, side, point = random_rig(seed, stored)
    pixels, _ = project_points(point[None, None], projections)
    width, height = stored
    rows, columns = torch.arange(height, dtype=torch.float64), torch.arange(width, dtype=torch.float64)
    offsets = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1) - pixels[0, :, 0, None, None]
    features = torch.exp(-offsets.square().sum(-1) / (2 * 1.5**2))[None, :, None]
    orientation = make_orientations(torch.tensor([0.7 * seed], dtype=torch.float64), torch.tensor([bool(seed % 2)]))
    world = cube_to_world(make_voxel_centres(32).double()[None], centre, torch.tensor([side]), orientation)
    fused = fuse_views(*sample_views(features, projections, stored, torch.ones(1, 4, dtype=torch.bool), world))[0, 0]
    nearest = (world[0] - point).norm(dim=-1).min()
    assert (world[0, fused.argmax()] - point).norm() <= nearest + side / 32


def test_a_voxel_whose_projection_is_known_gets_what_is_there() -> None:
    # A camera at the origin that looks along z: x = 10 X / Z + 4.5, y = 10 Y / Z + 2.
    projections = torch.tensor([[[[10.0, 0, 4.5, 0], [0, 10, 2, 0], [0, 0, 1, 0]]]])
    features = torch.arange(50.0).view(1, 1, 1, 5, 10)
    points = torch.tensor([[[0.5, -0.2, 10.0], [0.0, 0.0, 7.0], [-0.9, 0.4, 2.0], [-0.6, 0.0, 1.0], [0.5, -0.2, -10.0]]])
    samples, visible = sample_views(features, projections, (10, 5), torch.tensor([[True]]), points)
    # Pixels (5, 1.8), (4.5, 2), (0, 4), beside the image, behind the camera: a bilinear sample of 10 y + x.
    assert samples[0, 0, 0].tolist() == pytest.approx([23.0, 24.5, 40.0, 0.0, 0.0], abs=1e-4)
    assert visible[0, 0].tolist() == [True, True, True, False, False]


def test_views_are_fused_with_a_softmax_of_their_own_values() -> None:
    samples = torch.tensor([[[[1.0, 2.0, 5.0]], [[3.0, 2.0, 7.0]], [[9.0, 9.0, 9.0]]]])
    visible = torch.tensor([[[True, True, False], [True, True, False], [False, False, False]]])
    weights = [1 / (1 + math.exp(2)), 1 / (1 + math.exp(-2))]
    fused = fuse_views(samples * visible[:, :, None], visible)
    assert fused[0, 0].tolist() == pytest.approx([weights[0] * 1 + weights[1] * 3, 2.0, 0.0])


def test_every_channel_is_fused_on_its_own() -> None:
    samples, visible = torch.randn(2, 3, 4, 5), torch.ones(2, 3, 5, dtype=torch.bool)
    apart = torch.cat([fuse_views(samples[:, :, i : i + 1], visible) for i in range(4)], dim=1)
    assert torch.allclose(fuse_views(samples, visible), apart)


def test_gradients_of_projection_unprojection_and_expected_position_in_float64() -> None:
    projections, centre, side, _ = random_rig(0, (24, 20), n_views=3)
    generator = torch.Generator().manual_seed(0)
    points = (centre[:, None] + side * 0.3 * (torch.rand(1, 5, 3, generator=generator, dtype=torch.float64) - 0.5)).requires_grad_()
    scaled = projections / projections[..., 2:, :3].norm(dim=-1, keepdim=True)

    def project(shares: torch.Tensor) -> torch.Tensor:
        return project_points(centre[:, None] + shares * side, scaled)[0]

    shares = ((points.detach() - centre[:, None]) / side).requires_grad_()
    assert torch.autograd.gradcheck(project, (shares,))
    features = torch.rand(1, 3, 2, 10, 12, generator=generator, dtype=torch.float64).requires_grad_()
    present = torch.ones(1, 3, dtype=torch.bool)

    def unproject(values: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
        return fuse_views(*sample_views(values, scaled, (24, 20), present, centre[:, None] + shares * side))

    assert torch.autograd.gradcheck(unproject, (features, shares))
    logits = torch.randn(1, 2, 27, generator=generator, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: expected_positions(x.softmax(-1), make_voxel_centres(3).double()), (logits,))


def test_a_voxel_behind_a_camera_or_beside_an_image_contributes_nothing() -> None:
    projections = looking_at_origin(2, 48)
    features = torch.ones(1, 2, 1, 48, 48)
    behind = torch.tensor([[[0.0, 0.0, 2000.0], [0.0, 0.0, 0.0]]])
    samples, visible = sample_views(features, projections, (48, 48), torch.tensor([[True, False]]), behind)
    assert visible.tolist() == [[[False, True], [False, False]]]
    assert fuse_views(samples, visible).tolist() == [[[0.0, 1.0]]]


def test_hull_counts_only_views_that_see_the_point() -> None:
    silhouettes = torch.tensor([[[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]])
    visible = torch.tensor([[[True, True, False], [True, True, False]]])
    occupancy = carve_hull(silhouettes, visible, softness=0.1)
    assert torch.allclose(occupancy, torch.tensor([[1.0, 0.1, 1.0]]))
    assert torch.isfinite(carve_hull(torch.zeros(1, 100, 3), torch.ones(1, 100, 3, dtype=torch.bool)).log()).all()


def test_expected_position_of_a_delta_is_its_voxel_and_of_two_is_their_middle() -> None:
    centres = make_voxel_centres(4)
    heatmaps = torch.zeros(1, 2, 64)
    heatmaps[0, 0, 37] = 1
    heatmaps[0, 1, [0, 63]] = 0.5
    means, spreads = expected_positions(heatmaps, centres)
    assert torch.allclose(means[0, 0], centres[37], atol=1e-6)
    assert torch.allclose(means[0, 1], torch.zeros(3), atol=1e-6)
    assert spreads[0, 0] < 1e-3
    assert torch.allclose(spreads[0, 1], centres[63].norm(), atol=1e-5)
