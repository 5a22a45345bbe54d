import torch

from bkind3d.geometry.projection import normalise_pixels, normalise_projections, project_points
from bkind3d.geometry.voxels import cube_to_world, make_orientations, make_voxel_centres, view_cubes


def test_normalised_coordinates_span_the_image_from_edge_to_edge() -> None:
    pixels = torch.tensor([[-0.5, -0.5], [9.5, 4.5], [4.5, 2.0]])
    normalised = normalise_pixels(pixels, 10, 5)
    assert torch.allclose(normalised, torch.tensor([[-1.0, -1.0], [1.0, 1.0], [0.0, 0.0]]))


def test_projection_agrees_with_homogeneous_arithmetic_for_any_batch() -> None:
    torch.manual_seed(0)
    points, projections = torch.randn(3, 7, 3), torch.randn(3, 4, 3, 4)
    pixels, depths = project_points(points, projections)
    one, _ = project_points(points[1:2], projections[1:2])
    by_hand = projections[1, 2] @ torch.cat([points[1, 5], torch.ones(1)])
    assert torch.allclose(pixels[1, 2, 5], by_hand[:2] / by_hand[2], rtol=1e-4)
    assert torch.allclose(depths[1, 2, 5], by_hand[2], rtol=1e-4)
    assert torch.allclose(pixels[1:2], one)


def test_voxels_are_seen_from_the_cube_as_they_are_from_the_world() -> None:
    torch.manual_seed(0)
    projections, centres, sides = torch.randn(3, 4, 3, 4) * 100, torch.randn(3, 3) * 50, torch.rand(3) * 200
    orientations, voxels = make_orientations(torch.rand(3), torch.tensor([True, False, True])), make_voxel_centres(3)[None]
    pixels, depths = project_points(cube_to_world(voxels, centres, sides, orientations), projections)
    cubes = normalise_projections(view_cubes(projections, centres, sides, orientations), 60, 40)
    normalised, same_depths = project_points(voxels, cubes)
    assert torch.allclose(normalised, normalise_pixels(pixels, 60, 40), rtol=1e-2, atol=1e-2)
    assert torch.allclose(same_depths, depths, rtol=1e-4, atol=1e-1)


def test_nothing_is_projected_in_16_bits() -> None:
    torch.manual_seed(0)
    points, projections = torch.randn(3, 7, 3), torch.randn(3, 4, 3, 4)
    pixels, _ = project_points(points, projections)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(project_points(points, projections)[0], pixels)
