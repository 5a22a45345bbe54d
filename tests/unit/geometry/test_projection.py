import torch

from bkind3d.geometry.projection import normalise_pixels, project_points


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
