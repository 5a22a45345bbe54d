"""Random changes of pictures."""

from dataclasses import replace

import pytest
import torch

from bkind3d.data.augmentation import N_DISTORTIONS, distort_pictures, distort_views
from bkind3d.geometry.projection import normalise_pixels, project_points
from bkind3d.networks.heatmaps import draw_targets
from bkind3d.training.sample_memory import make_random_moments


@pytest.fixture
def pictures():
    return torch.rand(3, 3, 12, 16, generator=torch.Generator().manual_seed(0))


def test_nothing_is_changed_without_strength_or_by_zeros(pictures):
    numbers = torch.ones(3, N_DISTORTIONS)
    torch.testing.assert_close(distort_pictures(pictures, numbers, 0.0), pictures, atol=1e-5, rtol=0)
    torch.testing.assert_close(distort_pictures(pictures, 0 * numbers, 1.0), pictures, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("number", "pixels"), [(2, (0, 2)), (3, (2, 0))])
def test_a_spot_is_shifted_right_and_down(number, pixels):
    """A shift of 0.25 of half of 16 pixels is one of 2 pixels."""
    picture = torch.zeros(1, 3, 16, 16)
    picture[..., 6, 6] = 1
    numbers = torch.zeros(1, N_DISTORTIONS)
    numbers[0, number] = 0.25 / 0.3
    moved = distort_pictures(picture, numbers, 1.0)
    assert moved[0, 0].argmax() == (6 + pixels[0]) * 16 + 6 + pixels[1]


def test_a_quarter_of_a_turn_is_a_quarter_of_a_turn(monkeypatch):
    monkeypatch.setattr("bkind3d.data.augmentation._LARGEST", (torch.pi / 2, 0, 0, 0, 0, 0, 0, 0))
    picture = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    turned = distort_pictures(picture, torch.ones(1, N_DISTORTIONS), 1.0)
    either = [picture.rot90(turns, dims=(2, 3)) for turns in (1, -1)]
    assert min((turned - other).abs().max() for other in either) < 1e-4


def test_each_picture_is_changed_by_its_own_numbers_and_stays_a_picture(pictures):
    numbers = torch.rand(3, N_DISTORTIONS, generator=torch.Generator().manual_seed(1)) * 2 - 1
    together = distort_pictures(pictures, numbers, 1.0)
    alone = torch.cat([distort_pictures(pictures[i : i + 1], numbers[i : i + 1], 1.0) for i in range(3)])
    torch.testing.assert_close(together, alone)
    assert together.min() >= 0
    assert together.max() <= 1
    assert (together - pictures).abs().mean() > 0.05


def test_cameras_and_silhouettes_move_with_distorted_pictures() -> None:
    moments = make_random_moments(2, 3, 64, 1)
    points = 0.4 * moments.joints
    pixels, _ = project_points(points, moments.views.projections)
    blobs = draw_targets(normalise_pixels(pixels, 64, 64).flatten(0, 1), 64, 64, 1.5).view(2, 3, 1, 64, 64)
    views = replace(moments.views, images=blobs.expand(-1, -1, 3, -1, -1), masks=blobs)
    numbers = torch.rand(2, 3, N_DISTORTIONS, generator=torch.Generator().manual_seed(0)) * 2 - 1
    numbers[..., 4:] = 0  # as bright as before
    distorted = distort_views(views, numbers, 0.8)
    pixels, _ = project_points(points, distorted.projections)
    assert ((pixels > 3) & (pixels < 60)).all()
    for pictures in (distorted.images[:, :, 0], distorted.masks[:, :, 0]):
        peaks = pictures.flatten(2).argmax(dim=-1)
        found = torch.stack([peaks % 64, peaks // 64], dim=-1)
        assert (found - pixels[:, :, 0]).abs().max() < 0.8
    same = distort_views(views, torch.zeros_like(numbers), 1.0)
    torch.testing.assert_close(same.projections, views.projections)
    torch.testing.assert_close(same.images, views.images)
