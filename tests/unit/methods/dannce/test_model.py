from dataclasses import replace

import pytest
import torch

from bkind3d.config import InputError
from bkind3d.geometry.projection import project_points
from bkind3d.methods.dannce.model import DannceModel
from bkind3d.methods.dannce.settings import DannceModelConfig
from bkind3d.networks.cube import Cube
from bkind3d.training.sample_memory import make_random_moments
from tests.unit.methods.learning import learn

CUBE = {"volume_size": 16, "volume_channels": 8, "volume_levels": 3}


def make_model(**settings) -> DannceModel:
    torch.manual_seed(0)
    return DannceModel(DannceModelConfig(**{**CUBE, "n_cameras": 3, **settings}), ["a", "b"])


def test_it_learns_on_a_tiny_scene(tmp_path) -> None:
    training = {"batch_size": 4, "learning_rate": 5e-3, "warmup_steps": 5}
    before, after, _ = learn(tmp_path, {"method": "dannce", "model": CUBE, "training": training}, 60)
    assert after[0] < 0.25 * before[0] and after[1] < 0.25 * before[1]


def test_a_voxel_has_the_nearest_pixel_of_every_camera_in_its_place() -> None:
    model, views = make_model(), make_random_moments(1, 3, 32, 2).views
    cube = Cube.around(views, 16, torch.zeros(1))
    volume = model.collect_colours(views, cube).flatten(2)
    voxel = 16**3 // 2 + 100
    pixels, _ = project_points(cube.voxels[:, voxel : voxel + 1], views.projections)
    for view in range(3):
        x, y = pixels[0, view, 0].round().long().tolist()
        torch.testing.assert_close(volume[0, 3 * view : 3 * view + 3, voxel], 2 * views.images[0, view, :, y, x] - 1)


def test_an_absent_camera_leaves_its_channels_empty() -> None:
    model, views = make_model(), make_random_moments(1, 3, 32, 2).views
    present = torch.tensor([[True, False, True]])
    volume = model.collect_colours(replace(views, present=present), Cube.around(views, 16, torch.zeros(1)))
    assert not volume[:, 3:6].any() and volume[:, :3].any()


def test_another_number_of_cameras_is_refused() -> None:
    with pytest.raises(InputError, match="shows 2 cameras to a network that was made for 3"):
        make_model()(make_random_moments(1, 2, 32, 2).views, torch.zeros(1))


def test_the_peak_s_head_answers_with_a_voxel() -> None:
    model, views = make_model(head="peak"), make_random_moments(2, 3, 32, 2).views
    positions = model.eval()(views, torch.zeros(2)).positions
    voxels = Cube.around(views, 16, torch.zeros(2)).voxels
    assert torch.cdist(positions, voxels).amin(dim=-1).max() < 1e-3
