import numpy as np
import pytest
import torch

from bkind3d.data.datasets import Moments, SessionFrames, collate_moments
from bkind3d.methods.keypoint3d.objective import crowding, disagreement
from bkind3d.training.module import Training
from tests.unit.methods.learning import learn


def test_views_that_disagree_cost_the_squared_distance_and_only_one_of_a_pair_learns() -> None:
    points = torch.zeros(1, 3, 1, 3, dtype=torch.float64)
    points[0, 1, 0, 0], points[0, 2, 0, 0] = 3, 100
    points.requires_grad_()
    present = torch.tensor([[1.0, 1.0, 0.0]], dtype=torch.float64)
    loss = disagreement(points, present)
    # By hand: of the four pairs of two views, two are 3 apart in one of three coordinates.
    assert loss.item() == pytest.approx(2 * 9 / 3 / 4)
    loss.backward()
    assert points.grad[0, 1, 0, 0].item() == pytest.approx(2 * 3 / 3 / 4) and not points.grad[0, 2].any()


def test_crowding_is_that_by_hand() -> None:
    points = torch.zeros(1, 2, 3, dtype=torch.float64)
    points[0, 1, 0] = 0.1
    assert crowding(points).item() == pytest.approx((2 * 1 + 2 / (1 + 1000 * 0.01)) / 4)
    assert torch.autograd.gradcheck(crowding, torch.rand(2, 3, 3, dtype=torch.float64, requires_grad=True))


def test_it_learns_to_draw_a_tiny_scene(tmp_path) -> None:
    values = {"method": "keypoint3d", "model": {"n_keypoints": 4}, "training": {"batch_size": 4, "learning_rate": 4e-3}}
    _, _, module = learn(tmp_path, values, 25)
    torch.manual_seed(0)
    untrained = Training(module.config, ())
    session = SessionFrames([tmp_path / "one" / f"cam{view}.parquet" for view in range(3)])
    samples = module.objective.make_samples([session], {"one": np.zeros(len(session), np.float32)}, {}, 4, 1)
    batch = Moments.stack(collate_moments([samples[index] for index in range(4)]))
    draws = module.objective.draw(0, 3, 4).take(range(4), torch.device("cpu"))
    with torch.no_grad():
        errors = [float(entry.objective(entry.model, batch, draws, 1.0)[0]["reconstruction"]) for entry in (untrained, module)]
    assert errors[1] < 0.5 * errors[0]
