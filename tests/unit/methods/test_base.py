import torch

from bkind3d.config import ExperimentConfig, parse_section
from bkind3d.data.datasets import Moments
from bkind3d.methods.base import drop_views
from bkind3d.training.module import Training
from bkind3d.training.sample_memory import make_random_moments
from tests.unit.scenes import read_views


def test_dropping_views_leaves_two(tmp_path) -> None:
    views = read_views(tmp_path, 1, 4)
    dropped = [drop_views(views, 0.5, torch.rand(1, 4, generator=torch.Generator().manual_seed(i))).present.sum().item() for i in range(30)]
    assert min(dropped) == 2
    assert max(dropped) > 2


def test_all_moments_of_a_sample_are_distorted_alike() -> None:
    values = {"method": "metapose", "frames": "f", "model": {"width": 16}, "training": {"distort_views": 0.5, "batch_size": 2}}
    module = Training(parse_section(ExperimentConfig, values, "test"), ["a", "b", "c"])
    moments = Moments.stack([make_random_moments(2, 3, 32, 3)] * 2)
    draws = module.objective.draw(0, 3, 2)
    whole = module.objective.change_views(moments.views, draws.take(range(2), torch.device("cpu")))
    torch.testing.assert_close(whole.projections[:2], whole.projections[2:])
    assert ((whole.projections - moments.views.projections).abs().amax(dim=(2, 3)) > 0).all()
    assert not torch.allclose(whole.images[0], whole.images[1])
    second = Moments.stack([make_random_moments(2, 3, 32, 3).take(slice(1, 2))] * 2)
    alone = module.objective.change_views(second.views, draws.take(range(1, 2), torch.device("cpu")))
    torch.testing.assert_close(alone.images[0], whole.images[1])
