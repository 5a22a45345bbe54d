import math
from dataclasses import replace

import torch

from bkind3d.config import ExperimentConfig, parse_section
from bkind3d.methods.dannce.objective import turn_by_quarters
from bkind3d.networks.cube import Cube
from bkind3d.training.module import Training
from bkind3d.training.sample_memory import make_random_moments


def make_training(quarters: bool = True, **model) -> Training:
    values = {
        "method": "dannce",
        "frames": "f",
        "model": {"volume_size": 8, "volume_channels": 4, "volume_levels": 2, "n_cameras": 3, **model},
        "training": {"quarter_turns": quarters},
    }
    torch.manual_seed(0)
    return Training(parse_section(ExperimentConfig, values, "test"), ["a", "b"])


def test_cubes_are_turned_by_quarters_each_as_often() -> None:
    turns = turn_by_quarters(torch.linspace(-math.pi + 1e-3, math.pi - 1e-3, 4001)) % (2 * math.pi)
    quarters = (turns / (math.pi / 2)).round().long() % 4
    torch.testing.assert_close(turns / (math.pi / 2) % 4, quarters.float() % 4, atol=1e-4, rtol=0)
    assert (quarters.bincount() - 1000).abs().max() < 10


def test_cubes_are_turned_by_any_angle_where_the_settings_say_so() -> None:
    moments, found = make_random_moments(1, 3, 32, 2), {}
    for quarters in (True, False):
        for angle in (0.0, 0.3):
            module = make_training(quarters)
            draws = module.objective.draw(0, 3, 1).take(range(1), torch.device("cpu"))
            draws = replace(draws, turns=torch.tensor([angle]))
            found[quarters, angle] = module.objective(module.model, moments, draws, 0.0)[1]
    torch.testing.assert_close(found[True, 0.3], found[True, 0.0])
    torch.testing.assert_close(found[False, 0.0], found[True, 0.0])
    assert not torch.allclose(found[False, 0.3], found[False, 0.0])


def test_squares_are_those_of_known_joints() -> None:
    module, moments = make_training(), make_random_moments(2, 3, 32, 2)
    moments.joints[0, 0] = torch.nan
    draws = module.objective.draw(0, 3, 2).take(range(2), torch.device("cpu"))
    terms, positions = module.objective(module.model, moments, draws, 0.0)
    squares = (250 * (positions - moments.joints) / 100).square()
    torch.testing.assert_close(terms["distance"], squares.nanmean())


def test_targets_of_the_peak_s_head_are_gaussians_in_the_world() -> None:
    module, moments = make_training(head="peak"), make_random_moments(1, 3, 32, 2)
    cube = Cube.around(moments.views, 8, torch.tensor([0.7]))
    apart = torch.cdist(moments.joints, cube.voxels) / 100
    targets = torch.exp(-apart.square() / (2 * 0.042**2))
    logits = torch.logit(targets.clamp(1e-6, 1 - 1e-6))
    assert module.objective.compare_heatmaps(logits, moments, cube) < 1e-9
    torch.testing.assert_close(module.objective.compare_heatmaps(torch.zeros_like(logits), moments, cube), (0.5 - targets).square().mean())
