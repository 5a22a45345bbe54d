from dataclasses import replace

import torch

from bkind3d.geometry.projection import normalise_pixels, project_points
from bkind3d.methods.iskakov.algebraic import AlgebraicModel
from bkind3d.methods.iskakov.settings import AlgebraicModelConfig
from bkind3d.training.sample_memory import make_random_moments
from tests.unit.methods.learning import learn


def test_it_learns_on_a_tiny_scene(tmp_path) -> None:
    training = {"batch_size": 4, "learning_rate": 5e-3, "warmup_steps": 5, "distort_views": 0.0}
    before, after, _ = learn(tmp_path, {"method": "algebraic", "training": training}, 150)
    assert after[0] < 0.3 * before[0]


def test_confident_views_decide() -> None:
    torch.manual_seed(0)
    model = AlgebraicModel(AlgebraicModelConfig(encoder="small"), ["a", "b"])
    moments = make_random_moments(2, 3, 32, 2)
    views = moments.views
    places = normalise_pixels(project_points(moments.joints, views.projections)[0], *views.image_size)
    places[:, 0] += 0.5
    confidences = torch.tensor([1e-6, 1.0, 1.0])[None, :, None].expand(2, -1, 2)
    torch.testing.assert_close(model.triangulate(views, places, confidences), moments.joints, atol=0.1, rtol=0)
    present = views.present.clone()
    present[:, 0] = False
    found = model.triangulate(replace(views, present=present), places, torch.ones(2, 3, 2))
    torch.testing.assert_close(found, moments.joints, atol=0.1, rtol=0)
    shares = model.share_out(views, torch.tensor([1.0, 2.0, 1.0])[None, :, None].expand(2, -1, 2))
    assert shares[0, :, 0].tolist() == [0.25, 0.5, 0.25]
