import torch

from bkind3d.geometry.linear import linearise, triangulate_weighted
from bkind3d.geometry.projection import normalise_pixels, project_points
from bkind3d.training.sample_memory import make_random_moments

SIZE = 48


def make_views(n_views: int = 4):
    moments = make_random_moments(2, n_views, SIZE, 5)
    return moments.views, moments.joints.double()


def see(joints, views):
    pixels, _ = project_points(joints, views.projections.double())
    return normalise_pixels(pixels, SIZE, SIZE)


def find(places, views, weights):
    values = (views.projections.double(), (SIZE, SIZE), weights, views.centres.double(), views.sides.double())
    return triangulate_weighted(places, *values)


def test_points_are_found_where_all_views_see_them() -> None:
    views, joints = make_views()
    found = find(see(joints, views), views, torch.rand(2, 4, 5, dtype=torch.float64) + 0.1)
    torch.testing.assert_close(found, joints, atol=1e-3, rtol=0)


def test_a_view_without_weight_has_no_say_and_one_with_little_has_little() -> None:
    views, joints = make_views()
    places, weights = see(joints, views), torch.full((2, 4, 5), 0.25, dtype=torch.float64)
    places[:, 1] += 0.3
    equal, little = find(places, views, weights), find(places, views, weights * torch.tensor([1, 0.05, 1, 1]).double()[:, None])
    weights[:, 1] = 0
    torch.testing.assert_close(find(places, views, weights), joints, atol=1e-3, rtol=0)
    assert (little - joints).norm(dim=-1).mean() < 0.1 * (equal - joints).norm(dim=-1).mean()


def test_gradients() -> None:
    views, joints = make_views(3)
    places = see(joints, views)[:1, :, :2].clone()
    places = (places + 0.01 * torch.sin(50 * places)).requires_grad_()
    weights = torch.rand(1, 3, 2, dtype=torch.float64, requires_grad=True)
    one = views.take(slice(0, 1))
    assert torch.autograd.gradcheck(lambda p, w: find(p, one, w) / 100, (places, weights))


def test_the_linear_part_predicts_small_moves() -> None:
    views, _ = make_views()
    centres, projections = views.centres.double() + 3, views.projections.double()
    pixels, moves = linearise(projections, centres)
    step = torch.tensor([1e-4, -2e-4, 3e-4], dtype=torch.float64)
    moved, _ = project_points((centres + step)[:, None], projections)
    torch.testing.assert_close(moved[:, :, 0] - pixels, moves @ step, atol=1e-8, rtol=1e-4)
