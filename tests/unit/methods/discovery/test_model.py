"""The network of discovery: its shapes and gradients, what is drawn for the decoder, and the decoder."""

import pytest
import torch

from bkind3d.methods.discovery.model import DifferenceDecoder, DiscoveryModel, edge_sizes
from bkind3d.methods.discovery.settings import DiscoveryModelConfig
from tests.unit.scenes import read_views


def make_inputs(n_images: int, channels: int = 12, deepest: int = 2) -> tuple[torch.Tensor, list[torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    appearance = torch.rand(n_images, channels, deepest, deepest, generator=generator)
    return appearance, [torch.rand(n_images, 2, size, size, generator=generator) for size in edge_sizes(deepest)]


def test_edge_sizes_of_the_paper() -> None:
    assert edge_sizes(8) == (8, 16, 32, 64, 128)


@pytest.mark.parametrize(("channels", "size", "shape"), [(3, None, (2, 3, 64, 64)), (1, (50, 50), (2, 1, 50, 50))])
def test_output_has_the_image_size(channels: int, size: tuple[int, int] | None, shape: tuple[int, ...]) -> None:
    assert DifferenceDecoder(12, channels, width=32)(*make_inputs(2), size).shape == shape


def test_batch_of_three_equals_three_of_one() -> None:
    decoder = DifferenceDecoder(12, width=32).train()
    appearance, edges = make_inputs(3)
    apart = torch.cat([decoder(appearance[i : i + 1], [level[i : i + 1] for level in edges]) for i in range(3)])
    assert torch.allclose(decoder(appearance, edges), apart, atol=1e-5)


def test_gradients_reach_appearance_and_every_edge_map() -> None:
    appearance, edges = make_inputs(1)
    inputs = [appearance, *edges]
    for tensor in inputs:
        tensor.requires_grad_()
    DifferenceDecoder(12, width=32)(appearance, edges).square().sum().backward()
    assert all(tensor.grad.abs().sum() > 0 for tensor in inputs)


def test_a_missing_edge_map_is_refused() -> None:
    appearance, edges = make_inputs(1)
    with pytest.raises(ValueError, match="5 resolutions, got 4"):
        DifferenceDecoder(12, width=32)(appearance, edges[:4])


def test_it_learns_to_copy_an_edge_map() -> None:
    torch.manual_seed(0)
    decoder = DifferenceDecoder(12, channels_out=1, width=32)
    appearance, edges = make_inputs(1, deepest=1)
    edges[-1] = torch.zeros_like(edges[-1])
    edges[-1][..., 4:8, 6:12] = 1
    target = torch.nn.functional.interpolate(edges[-1][:, :1], scale_factor=2)
    optimizer = torch.optim.Adam(decoder.parameters(), lr=1e-2)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = (decoder(appearance, edges) - target).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * target.var().item()


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
