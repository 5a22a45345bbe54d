"""The network of discovery has a gradient everywhere, and its decoder sees of the keypoints what the settings say."""

import pytest
import torch

from bkind3d.methods.discovery.model import DiscoveryModel
from bkind3d.methods.discovery.settings import DiscoveryModelConfig
from tests.unit.scenes import read_views

SMALL = DiscoveryModelConfig(n_keypoints=4, volume_size=8, volume_channels=4, volume_levels=1, encoder="resnet18", feature_channels=4)


def test_paper_model_gives_keypoints_and_a_difference_with_gradients_everywhere(tmp_path) -> None:
    views, model = read_views(tmp_path, 2), DiscoveryModel(SMALL)
    estimate = model(views, torch.zeros(2))
    assert estimate.positions.shape == (2, 4, 3)
    points = torch.rand(2, 3, 4, 2, requires_grad=True)
    size = (views.images.shape[-2], views.images.shape[-1])
    difference = model.reconstruct_difference(estimate.appearance, points, points * 0.5, size)
    assert difference.shape == (6, 3, *size)
    (difference.square().mean() + estimate.positions.square().mean()).backward()
    missing = [name for name, value in model.named_parameters() if value.grad is None]
    assert not missing


@pytest.mark.parametrize(
    ("drawing", "sees_points", "learns_edges"), [("edges", True, True), ("points", True, False), ("none", False, False)]
)
def test_the_decoder_sees_of_the_keypoints_what_is_drawn(tmp_path, drawing, sees_points, learns_edges) -> None:
    views, model = read_views(tmp_path, 1), DiscoveryModel(SMALL.model_copy(update={"drawing": drawing}))
    points = (torch.rand(1, 3, 4, 2) - 0.5).requires_grad_()
    appearance = model(views, torch.zeros(1)).appearance
    model.reconstruct_difference(appearance, points, points * 0.5, (48, 48)).square().mean().backward()
    assert (points.grad is not None and bool(points.grad.abs().sum() > 0)) == sees_points
    assert (model.edges.raw.grad is not None) == learns_edges
