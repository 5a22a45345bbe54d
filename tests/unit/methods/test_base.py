import torch

from bkind3d.methods.base import drop_views
from tests.unit.scenes import read_views


def test_dropping_views_leaves_two(tmp_path) -> None:
    views = read_views(tmp_path, 1, 4)
    dropped = [drop_views(views, 0.5, torch.rand(1, 4, generator=torch.Generator().manual_seed(i))).present.sum().item() for i in range(30)]
    assert min(dropped) == 2
    assert max(dropped) > 2
