import torch

from bkind3d.geometry.alignment import align_similarity
from bkind3d.methods.metapose.mixtures import Mixtures
from bkind3d.methods.metapose.refinement import measure, refine
from tests.unit.methods.metapose.scenes import make_scene


def test_a_start_that_is_off_is_brought_nearer_every_moment_on_its_own() -> None:
    poses, cameras = make_scene()
    places = cameras.project(poses)
    shape = places.shape[:-1]
    mixtures = Mixtures(torch.full((*shape, 1), 1.0).double(), places[..., None, :], torch.full((*shape, 1), 0.01).double())
    start, present = poses + 0.2 * torch.randn_like(poses), torch.ones(4, 4, dtype=torch.bool)
    with torch.inference_mode():
        found, own = refine(start, cameras, mixtures, present, 100)
    assert (measure(found, own, mixtures, present) < measure(start, cameras, mixtures, present)).all()
    before, after = ((align_similarity(points, poses) - poses).norm(dim=-1).mean() for points in (start, found))
    assert after < 0.5 * before
    one = Mixtures(*(value[:1] for value in vars(mixtures).values()))
    alone, _ = refine(start[:1], type(cameras)(*(value[:1] for value in vars(cameras).values())), one, present[:1], 100)
    torch.testing.assert_close(alone, found[:1], atol=1e-6, rtol=1e-6)
