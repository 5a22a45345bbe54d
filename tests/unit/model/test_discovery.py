"""The detector answers in world coordinates, however the cube is turned or mirrored."""

from dataclasses import fields, replace

import pytest
import torch

from bkind3d.config import ModelConfig
from bkind3d.data.datasets import SessionFrames, Views
from bkind3d.model.discovery import DiscoveryModel, KeypointDetector
from tests.unit.scenes import SIDE, write_session

SMALL = ModelConfig(n_keypoints=5, n_symmetric_pairs=2, volume_size=8, volume_channels=4, volume_levels=1, encoder="none", hull_prior=1.0)


def some_views(tmp_path, n: int = 3) -> Views:
    session = SessionFrames(write_session(tmp_path, "one", n_frames=n))
    return Views.stack([session.decode(index) for index in range(n)])


def test_mirroring_swaps_pairs_and_leaves_the_rest() -> None:
    assert ModelConfig(n_keypoints=6, n_symmetric_pairs=2).mirror_order == [1, 0, 3, 2, 4, 5]
    assert ModelConfig(n_keypoints=3, n_symmetric_pairs=0).mirror_order == [0, 1, 2]


def test_batch_of_three_agrees_with_batches_of_one(tmp_path) -> None:
    torch.manual_seed(0)
    views, model = some_views(tmp_path), KeypointDetector(SMALL).eval()
    together = model(views).positions
    one = Views(*(getattr(views, field.name)[1:2] for field in fields(Views)))
    assert torch.allclose(together[1:2], model(one).positions, atol=1e-3)


def test_hull_alone_pulls_every_keypoint_to_the_middle_of_the_body(tmp_path) -> None:
    views, model = some_views(tmp_path), KeypointDetector(SMALL.model_copy(update={"volume_size": 24})).eval()
    torch.nn.init.zeros_(model.volume_network.head.weight)
    estimate = model(views)
    middle = (estimate.voxels * estimate.hull[..., None]).sum(1) / estimate.hull.sum(1, keepdim=True)
    assert torch.allclose(estimate.positions, middle[:, None].expand_as(estimate.positions), atol=0.5)


def test_an_answer_that_does_not_depend_on_the_network_is_the_same_in_every_cube(tmp_path) -> None:
    views, model = some_views(tmp_path), KeypointDetector(SMALL.model_copy(update={"volume_size": 32})).eval()
    torch.nn.init.zeros_(model.volume_network.head.weight)
    mirrored = torch.tensor([False, True, True])
    turned = model(replace(views, headings=torch.tensor([0.2, 1.0, 3.0])), torch.tensor([0.5, 1.0, 1.0]), mirrored).positions
    assert (turned - model(views).positions).norm(dim=-1).max() < SIDE / 32


def test_pairs_are_swapped_back_in_a_mirrored_cube(tmp_path) -> None:
    views, model = some_views(tmp_path, 1), KeypointDetector(SMALL).eval()
    torch.manual_seed(3)
    model.mirror_order = torch.arange(5)
    mirrored = torch.tensor([True])
    turns = torch.tensor([0.3])
    plain = model(views, turns, mirrored).positions
    model.mirror_order = torch.tensor([1, 0, 3, 2, 4])
    assert torch.allclose(model(views, turns, mirrored).positions, plain[:, model.mirror_order])


def test_paper_model_gives_keypoints_and_a_difference_with_gradients_everywhere(tmp_path) -> None:
    config = ModelConfig(n_keypoints=4, volume_size=8, volume_channels=4, volume_levels=1, encoder="resnet18", feature_channels=4)
    views, model = some_views(tmp_path, 2), DiscoveryModel(config)
    estimate = model.detector(views)
    assert estimate.positions.shape == (2, 4, 3)
    points = torch.rand(2, 3, 4, 2, requires_grad=True)
    size = (views.images.shape[-2], views.images.shape[-1])
    difference = model.reconstruct_difference(estimate.appearance, points, points * 0.5, size)
    assert difference.shape == (6, 3, *size)
    (difference.square().mean() + estimate.positions.square().mean()).backward()
    missing = [name for name, value in model.named_parameters() if value.grad is None]
    assert not missing


def test_chunks_and_activation_checkpoints_change_neither_keypoints_nor_gradients(tmp_path, monkeypatch) -> None:
    config = ModelConfig(n_keypoints=4, volume_size=8, volume_channels=4, volume_levels=1, encoder="resnet18", feature_channels=4)
    views, model = some_views(tmp_path, 2), DiscoveryModel(config)
    answers = []
    for chunk, economical in ((2**16, False), (100, True)):
        monkeypatch.setattr("bkind3d.model.discovery.N_CHUNK_VOXELS", chunk)
        model.detector.economical = economical
        model.zero_grad()
        positions = model.detector(views).positions
        positions.square().mean().backward()
        gradient = torch.cat([value.grad.flatten() for value in model.detector.parameters()])
        answers.append((positions.detach(), gradient / gradient.norm()))
    assert torch.allclose(answers[0][0], answers[1][0], atol=1e-3)
    assert torch.allclose(answers[0][1], answers[1][1], atol=1e-4)


@pytest.mark.parametrize(
    ("drawing", "sees_points", "learns_edges"), [("edges", True, True), ("points", True, False), ("none", False, False)]
)
def test_the_decoder_sees_of_the_keypoints_what_is_drawn(tmp_path, drawing, sees_points, learns_edges) -> None:
    config = ModelConfig(
        n_keypoints=4, volume_size=8, volume_channels=4, volume_levels=1, encoder="resnet18", feature_channels=4, drawing=drawing
    )
    views, model = some_views(tmp_path, 1), DiscoveryModel(config)
    points = (torch.rand(1, 3, 4, 2) - 0.5).requires_grad_()
    appearance = model.detector(views).appearance
    model.reconstruct_difference(appearance, points, points * 0.5, (48, 48)).square().mean().backward()
    assert (points.grad is not None and bool(points.grad.abs().sum() > 0)) == sees_points
    assert (model.edges.raw.grad is not None) == learns_edges
