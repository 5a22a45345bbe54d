import pytest
import torch

from bkind3d.config import HeatmapModelConfig
from bkind3d.networks.heatmaps import HeatmapEncoder, draw_targets, expect_points, make_cell_centres


def test_cells_share_the_picture_evenly() -> None:
    centres = make_cell_centres(2, 4, torch.zeros(()))
    assert centres.tolist()[:5] == [[-0.75, -0.5], [-0.25, -0.5], [0.25, -0.5], [0.75, -0.5], [-0.75, 0.5]]


def test_a_sharp_peak_is_found_at_its_cell() -> None:
    heatmaps = torch.zeros(1, 1, 6, 8)
    heatmaps[0, 0, 2, 5] = 1
    points, spreads = expect_points(heatmaps, sharpness=100.0)
    torch.testing.assert_close(points[0, 0], torch.tensor([(2 * 5 + 1) / 8 - 1, (2 * 2 + 1) / 6 - 1]))
    assert spreads[0, 0] < 1e-3
    # By hand: of two equal peaks, the middle, and half their distance.
    heatmaps[0, 0, 2, 1] = 1
    points, spreads = expect_points(heatmaps, sharpness=100.0)
    torch.testing.assert_close(points[0, 0, 0], torch.tensor((11 / 8 + 3 / 8) / 2 - 1))
    torch.testing.assert_close(spreads[0, 0], torch.tensor(0.5))


def test_gradients_of_expected_points() -> None:
    heatmaps = torch.randn(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: expect_points(x, 2.0), heatmaps)


def test_targets_are_gaussians_in_cells_and_nothing_where_a_joint_is_not_known() -> None:
    points = torch.tensor([[[0.25, -0.25], [float("nan"), 0.0]]])
    targets = draw_targets(points, 8, 8, sigma=1.0)
    # By hand: the point lies on the corner of four cells, half a cell from each in either direction.
    assert targets[0, 0].max().item() == pytest.approx(torch.exp(torch.tensor(-0.25)).item(), rel=1e-5)
    assert (targets[0, 0] > 0.77).sum() == 4 and not targets[0, 1].any()


@pytest.mark.parametrize(("encoder", "cells"), [("small", 20), ("resnet18", 16)])
def test_pictures_of_any_size_have_features(encoder, cells) -> None:
    torch.manual_seed(0)
    network = HeatmapEncoder(HeatmapModelConfig(encoder=encoder))
    features, deepest = network(torch.rand(2, 3, 36, 36))
    assert features.shape == (2, network.channels, cells, cells) and deepest.shape[1] == network.deepest
