import math

import torch

from bkind3d.networks.cube import Cube
from bkind3d.training.sample_memory import make_random_moments


def make_cube(size: int = 8, turns: float = 0.4) -> Cube:
    views = make_random_moments(2, 3, 32, 3).views
    return Cube.around(views, size, torch.full((2,), turns), torch.tensor([[0.1, 0.0, 0.0], [0.0, 0.0, 0.0]]))


def test_the_world_and_back() -> None:
    cube = make_cube()
    points = torch.rand(2, 5, 3) - 0.5
    torch.testing.assert_close(cube.from_world(cube.to_world(points)), points)
    # By hand: a quarter turn of a cube of 100 mm, moved by a tenth of it along the world's x.
    quarter = make_cube(turns=math.pi / 2)
    torch.testing.assert_close(
        quarter.to_world(torch.tensor([[[0.2, 0.0, 0.1]]]))[0, 0], torch.tensor([10.0, 20.0, 10.0]), atol=1e-4, rtol=0
    )


def test_every_voxel_is_nearest_to_its_own_centre_and_what_is_outside_says_so() -> None:
    cube = make_cube()
    nearest, inside = cube.find_nearest(cube.voxels)
    assert torch.equal(nearest[0], torch.arange(8**3)) and inside.all()
    away = torch.tensor([[[1e4, 0.0, 0.0], [float("nan")] * 3]]).expand(2, -1, -1)
    assert not cube.find_nearest(away)[1].any()


def test_a_peak_is_found_where_it_is_with_no_spread() -> None:
    cube = make_cube()
    heatmaps = torch.zeros(2, 1, 8**3)
    heatmaps[:, :, 77] = 1
    for at_peaks in (False, True):
        estimate = cube.estimate(heatmaps, at_peaks)
        torch.testing.assert_close(estimate.positions[:, 0], cube.voxels[:, 77])
        assert estimate.spreads.abs().max() < 0.1 and torch.equal(estimate.confidences, torch.ones(2, 1))
