import torch

from bkind3d.losses.consistency import disagreement


def test_disagreement_is_a_distance() -> None:
    points = torch.zeros(2, 3, 3)
    assert torch.allclose(disagreement(points, points + torch.tensor([0.3, 0.4, 0.0])), torch.tensor(0.5), atol=1e-3)
    assert disagreement(points, points) < 0.011
