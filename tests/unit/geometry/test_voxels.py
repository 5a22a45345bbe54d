"""Voxel grids: round trips, visibility, and a point whose place is known."""

import math

import pytest
import torch

from bkind3d.geometry.projection import denormalise_points, normalise_pixels, project_points
from bkind3d.geometry.voxels import (
    carve_hull,
    cube_to_world,
    expected_positions,
    fuse_views,
    make_orientations,
    make_voxel_centres,
    sample_views,
    world_to_cube,
)
from tests.unit.scenes import SIDE, make_projection


def looking_at_origin(n_views: int, stored: int) -> torch.Tensor:
    return torch.stack([torch.from_numpy(make_projection(view * 1.3, stored)).float() for view in range(n_views)])[None]


def test_normalised_coordinates_span_the_image_from_edge_to_edge() -> None:
    pixels = torch.tensor([[-0.5, -0.5], [9.5, 4.5], [4.5, 2.0]])
    normalised = normalise_pixels(pixels, 10, 5)
    assert torch.allclose(normalised, torch.tensor([[-1.0, -1.0], [1.0, 1.0], [0.0, 0.0]]))
    assert torch.allclose(denormalise_points(normalised, 10, 5), pixels)


def test_projection_agrees_with_homogeneous_arithmetic_for_any_batch() -> None:
    torch.manual_seed(0)
    points, projections = torch.randn(3, 7, 3), torch.randn(3, 4, 3, 4)
    pixels, depths = project_points(points, projections)
    one, _ = project_points(points[1:2], projections[1:2])
    by_hand = projections[1, 2] @ torch.cat([points[1, 5], torch.ones(1)])
    assert torch.allclose(pixels[1, 2, 5], by_hand[:2] / by_hand[2], rtol=1e-4)
    assert torch.allclose(depths[1, 2, 5], by_hand[2], rtol=1e-4)
    assert torch.allclose(pixels[1:2], one)


@pytest.mark.parametrize("mirrored", [False, True])
def test_cube_and_world_are_inverse(mirrored: bool) -> None:
    torch.manual_seed(1)
    points, centres, sides = torch.rand(2, 9, 3) - 0.5, torch.randn(2, 3), torch.tensor([3.0, 200.0])
    orientations = make_orientations(torch.tensor([0.4, 2.0]), torch.tensor([mirrored, mirrored]))
    assert torch.allclose(torch.linalg.det(orientations), torch.full((2,), -1.0 if mirrored else 1.0))
    world = cube_to_world(points, centres, sides, orientations)
    assert torch.allclose(world_to_cube(world, centres, sides, orientations), points, atol=1e-5)


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
    occupancy = carve_hull(silhouettes, visible, softness=0.1).exp()
    assert torch.allclose(occupancy, torch.tensor([[1.0, 0.1, 1.0]]))


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
