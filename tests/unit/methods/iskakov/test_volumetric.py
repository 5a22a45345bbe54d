from dataclasses import replace

import torch

from bkind3d.config import ExperimentConfig, parse_section
from bkind3d.methods.iskakov.settings import VolumetricModelConfig
from bkind3d.methods.iskakov.volumetric import VolumetricModel
from bkind3d.networks.cube import Cube
from bkind3d.training.module import Training
from bkind3d.training.sample_memory import make_random_moments
from tests.unit.methods.learning import learn

SMALL = {"volume_size": 12, "volume_channels": 8, "volume_levels": 2}


def test_it_learns_on_a_tiny_scene(tmp_path) -> None:
    training = {"batch_size": 4, "learning_rate": 8e-3, "warmup_steps": 5, "turn_degrees": 0.0}
    before, after, _ = learn(tmp_path, {"method": "volumetric", "model": SMALL, "training": training}, 90)
    assert after[0] < 0.4 * before[0]


def test_a_cube_that_is_turned_finds_the_same_world() -> None:
    """What a point's voxel is fed does not depend on how its cube is turned."""
    torch.manual_seed(0)
    model = VolumetricModel(VolumetricModelConfig(encoder="small", volume_size=8, volume_channels=8, volume_levels=1), ["a", "b"]).eval()
    moments = make_random_moments(1, 3, 32, 2)
    model.volume_network = torch.nn.Identity()
    straight, half = (Cube.around(moments.views, 8, torch.tensor([turn])) for turn in (0.0, torch.pi))
    volumes = [model.find_logits(moments.views, cube).unflatten(-1, (8, 8, 8)) for cube in (straight, half)]
    torch.testing.assert_close(volumes[1], volumes[0].flip(2, 3), atol=1e-4, rtol=1e-3)


def test_terms_are_the_authors() -> None:
    config = parse_section(
        ExperimentConfig, {"method": "volumetric", "frames": "f", "model": SMALL, "training": {"precision": "32"}}, "test"
    )
    torch.manual_seed(0)
    module = Training(config, ["a", "b"])
    moments = make_random_moments(2, 3, 32, 2)
    terms, positions = module.objective(module.model, moments, module.objective.draw(0, 3, 2).take(range(2), torch.device("cpu")), 0.0)
    assert set(terms) == {"distance", "heatmap"}
    expected = 250 * ((positions - moments.joints).abs() / 100).mean()
    torch.testing.assert_close(terms["distance"], expected)
    unknown = replace(moments, joints=torch.full_like(moments.joints, torch.nan))
    terms, _ = module.objective(module.model, unknown, module.objective.draw(0, 3, 2).take(range(2), torch.device("cpu")), 0.0)
    sum(terms.values()).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in module.parameters() if parameter.grad is not None)


def test_the_encoder_learns_more_slowly_in_the_paper_s_form() -> None:
    values = {"method": "volumetric", "preset": "paper", "frames": "f", "model": {**SMALL, "encoder": "small"}}
    config = parse_section(ExperimentConfig, values, "test")
    groups = Training(config, ["a"]).model.group_parameters(config.training)
    assert "lr" not in groups[0] and groups[1]["lr"] == 1e-4
