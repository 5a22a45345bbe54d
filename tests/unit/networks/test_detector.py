"""The detector answers in world coordinates, however the cube is turned or mirrored."""

from dataclasses import fields

import torch

from bkind3d.config import VolumeModelConfig
from bkind3d.data.datasets import Views
from bkind3d.networks.detector import KeypointDetector
from tests.unit.scenes import SIDE, read_views

SMALL = VolumeModelConfig(volume_size=8, volume_channels=4, volume_levels=1, encoder="none", hull_prior=1.0)
PAIRS = [1, 0, 3, 2, 4]


def make_detector(**settings: object) -> KeypointDetector:
    return KeypointDetector(SMALL.model_copy(update=settings), 5, PAIRS).eval()


def test_batch_of_three_agrees_with_batches_of_one(tmp_path) -> None:
    torch.manual_seed(0)
    views, model = read_views(tmp_path), make_detector()
    together = model(views, torch.zeros(3)).positions
    one = Views(*(getattr(views, field.name)[1:2] for field in fields(Views)))
    assert torch.allclose(together[1:2], model(one, torch.zeros(1)).positions, atol=1e-3)


def test_hull_alone_pulls_every_keypoint_to_the_middle_of_the_body(tmp_path) -> None:
    views, model = read_views(tmp_path), make_detector(volume_size=24)
    torch.nn.init.zeros_(model.volume_network.head.weight)
    estimate = model(views, torch.zeros(3))
    middle = (model.voxel_centres * estimate.hull[..., None]).sum(1) / estimate.hull.sum(1, keepdim=True)
    assert torch.allclose(estimate.cube_positions, middle[:, None].expand_as(estimate.positions), atol=0.5 / SIDE)


def test_an_answer_that_does_not_depend_on_the_network_is_the_same_in_every_cube(tmp_path) -> None:
    views, model = read_views(tmp_path), make_detector(volume_size=32)
    torch.nn.init.zeros_(model.volume_network.head.weight)
    mirrored = torch.tensor([False, True, True])
    turned = model(views, torch.tensor([0.7, 2.0, 4.0]), mirrored).positions
    assert (turned - model(views, torch.zeros(3)).positions).norm(dim=-1).max() < SIDE / 32


def test_pairs_are_swapped_back_in_a_mirrored_cube(tmp_path) -> None:
    views, model = read_views(tmp_path, 1), make_detector()
    torch.manual_seed(3)
    model.mirror_order = torch.arange(5)
    mirrored = torch.tensor([True])
    turns = torch.tensor([0.3])
    plain = model(views, turns, mirrored).positions
    model.mirror_order = torch.tensor(PAIRS)
    assert torch.allclose(model(views, turns, mirrored).positions, plain[:, model.mirror_order])


def test_a_keypoint_stays_near_its_place_where_the_network_says_nothing(tmp_path) -> None:
    config = VolumeModelConfig(volume_size=16, volume_levels=1, encoder="none", heading=True, hull_prior=0.0)
    detector = KeypointDetector(config, 2, place_spread=0.1).eval()
    torch.nn.init.zeros_(detector.volume_network.head.weight)
    detector.places.copy_(torch.tensor([[0.2, 0.1, -0.1], [-0.2, 0.0, 0.1]]))
    assert torch.allclose(
        detector(read_views(tmp_path, 3, 4).take(slice(1, 2)), torch.zeros(1)).cube_positions[0], detector.places, atol=0.01
    )


def test_products_in_bf16_move_no_point_by_a_hundredth_of_a_voxel(tmp_path) -> None:
    torch.manual_seed(0)  # networks that have not learned differ: of twelve the farthest moves a point by 0.03
    views, model = read_views(tmp_path), make_detector(volume_size=24, volume_channels=16, volume_levels=2)
    with torch.inference_mode():
        exact = model(views, torch.zeros(3)).cube_positions
        model.volume_network.round_products()
        moved = (model(views, torch.zeros(3)).cube_positions - exact).norm(dim=-1) * 24
    assert 0 < moved.max() < 0.01


def test_chunks_and_activation_checkpoints_change_neither_keypoints_nor_gradients(tmp_path, monkeypatch) -> None:
    config = VolumeModelConfig(volume_size=8, volume_channels=4, volume_levels=1, encoder="resnet18", feature_channels=4)
    views, detector = read_views(tmp_path, 2), KeypointDetector(config, 4)
    answers = []
    for chunk, economical in ((2**16, False), (100, True)):
        monkeypatch.setattr("bkind3d.networks.detector.N_CHUNK_VOXELS", chunk)
        detector.economical = economical
        detector.zero_grad()
        positions = detector(views, torch.zeros(2)).positions
        positions.square().mean().backward()
        gradient = torch.cat([value.grad.flatten() for value in detector.parameters()])
        answers.append((positions.detach(), gradient / gradient.norm()))
    assert torch.allclose(answers[0][0], answers[1][0], atol=1e-3)
    assert torch.allclose(answers[0][1], answers[1][1], atol=1e-4)
