from dataclasses import replace

import pytest
import torch

from bkind3d.config import InputError
from bkind3d.geometry.projection import project_points
from bkind3d.methods.keypoint3d.model import (
    Keypoint3dModel,
    Sight,
    crop_views,
    find_crop,
    find_depths,
    lift_pixels,
    make_cells,
    make_encoder,
)
from bkind3d.methods.keypoint3d.settings import Keypoint3dModelConfig
from bkind3d.training.sample_memory import make_random_moments


def make_model(**settings) -> Keypoint3dModel:
    torch.manual_seed(0)
    return Keypoint3dModel(Keypoint3dModelConfig(**{"n_keypoints": 5, "n_cameras": 3, **settings}))


def test_the_paper_s_picture_is_cropped_as_the_paper_s_and_has_its_maps() -> None:
    assert find_crop(128) == 108
    assert make_encoder(9)(torch.zeros(1, 9, 108, 108)).shape == (1, 64, 12, 12)
    with pytest.raises(InputError, match="16 pixels are too small"):
        find_crop(16)


def test_a_cell_is_centred_on_what_it_sees() -> None:
    """The gradient of a cell with respect to the picture lies evenly around the pixel that it is said to be centred on."""
    picture = torch.zeros(1, 1, 36, 36, requires_grad=True)
    network = make_encoder(1)
    for layer in network[::2]:
        torch.nn.init.ones_(layer.weight)
        torch.nn.init.ones_(layer.bias)
    maps = network(picture)
    maps[0, 0, 1, 2].backward()
    shares = picture.grad[0, 0] / picture.grad.sum()
    pixels = torch.arange(36.0)
    centre = torch.stack([(shares.sum(dim=0) * pixels).sum(), (shares.sum(dim=1) * pixels).sum()])
    torch.testing.assert_close(make_cells(maps)[1 * maps.shape[-1] + 2], centre)


def test_cameras_move_with_the_crop() -> None:
    moments = make_random_moments(2, 3, 64, 4)
    cropped = crop_views(moments.views, torch.tensor([[0.0, 1.0], [0.5, 0.25]]))
    before, _ = project_points(moments.joints, moments.views.projections)
    after, _ = project_points(moments.joints, cropped.projections)
    moved = (before - after)[:, 0, 0].round().long()
    side = find_crop(64)
    assert cropped.images.shape[-1] == side and moved[0].tolist() == [0, 64 - side]
    for index in range(2):
        x, y = moved[index].tolist()
        assert torch.equal(cropped.images[index], moments.views.images[index, :, :, y : y + side, x : x + side])


def test_pixels_are_lifted_to_where_they_came_from() -> None:
    moments = make_random_moments(2, 3, 64, 4)
    views = replace(moments.views, projections=moments.views.projections * 3)  # matrices have any scale
    pixels, _ = project_points(moments.joints, views.projections)
    found = lift_pixels(pixels, find_depths(moments.joints, views), views.projections)
    torch.testing.assert_close(found, moments.joints[:, None].expand(-1, 3, -1, -1), atol=0.05, rtol=0)


def test_depths_are_the_subject_s_in_the_middle() -> None:
    views = make_random_moments(1, 3, 64, 4).views
    middle, level = find_depths(views.centres[:, None], views), torch.tensor([0.0, 0.5, 1.0]).expand(1, 3, 3)
    torch.testing.assert_close(make_model().place_depths(level, views), middle * torch.tensor([0.0, 1.0, 2.0]))
    cube = make_model(depth_range="cube").place_depths(level, views)
    torch.testing.assert_close(cube, middle + 100 * torch.tensor([-1.0, 0.0, 1.0]))


def test_views_are_averaged_by_their_attention() -> None:
    points = torch.tensor([[[[0.0, 0, 0]], [[4.0, 0, 0]]]])
    sight = Sight(points, torch.tensor([[[0.25], [0.75]]]), torch.zeros(1, 2, 1))
    assert sight.fused[0, 0].tolist() == [3, 0, 0]


def test_a_drawing_has_the_crop_s_size_and_depends_on_where_keypoints_are() -> None:
    model = make_model()
    views = crop_views(make_random_moments(2, 3, 64, 4).views, torch.full((2, 2), 0.5))
    sight = model.look(views)
    drawn = model.draw(views, views, sight)
    assert drawn.shape == views.images.shape
    drawn.sum().backward()
    assert model.heads.weight.grad.abs().sum() > 0
