"""Coverage and the share of keypoints off the silhouettes, on cases worked out by hand."""

import torch

from bkind3d.losses.hull import coverage, outside, silhouette_error


def test_coverage_is_the_mean_squared_distance_to_the_nearest_keypoint() -> None:
    points = torch.tensor([[[0.0, 0, 0], [0.4, 0, 0]]])
    voxels = torch.tensor([[[0.1, 0, 0], [0.3, 0, 0], [-0.2, 0, 0], [0.5, 0.5, 0.5]]])
    hull = torch.tensor([[1.0, 0.9, 0.8, 0.1]])
    assert torch.allclose(coverage(points, voxels, hull), torch.tensor((0.01 + 0.01 + 0.04) / 3))


def test_coverage_of_an_empty_hull_is_zero_and_finite() -> None:
    assert coverage(torch.zeros(1, 2, 3), torch.rand(1, 5, 3), torch.zeros(1, 5)) == 0


def test_gradient_of_coverage_is_exact() -> None:
    torch.manual_seed(0)
    points = torch.rand(2, 3, 3, dtype=torch.float64, requires_grad=True)
    voxels, hull = torch.rand(2, 20, 3, dtype=torch.float64), torch.rand(2, 20, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda value: coverage(value, voxels, hull.float()), points)


def test_outside_counts_projections_off_the_silhouette_in_views_that_exist() -> None:
    projections = torch.tensor([[[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]]]).expand(1, 2, 3, 4)
    masks = torch.zeros(1, 2, 1, 10, 10)
    masks[:, :, :, 2:5, 2:5] = 1
    points = torch.tensor([[[3.0, 3, 0], [8.0, 8, 0], [3.0, 20, 0]]])
    assert torch.allclose(outside(points, masks, projections, torch.tensor([[True, False]])), torch.tensor(2 / 3))


def test_silhouette_error_ignores_absent_views_and_caps_heavy_edges() -> None:
    masks = torch.ones(1, 2, 1, 8, 8)
    maps = torch.stack([torch.full((4, 4), 3.0), torch.zeros(4, 4)])[None]
    assert silhouette_error(maps, masks, torch.tensor([[True, False]])) == 0
    assert torch.allclose(silhouette_error(maps, masks, torch.tensor([[True, True]])), torch.tensor(0.5))
