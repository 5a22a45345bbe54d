"""Keypoints start spread over the mean body, pairs on either side of its midline."""

import numpy as np
import torch

from bkind3d.config import VolumeModelConfig
from bkind3d.data.datasets import SessionFrames
from bkind3d.geometry.voxels import make_voxel_centres
from bkind3d.methods.discovery.places import average_hulls, choose_places, find_places
from bkind3d.networks.detector import KeypointDetector
from bkind3d.networks.heading_fit import find_headings
from tests.unit.scenes import write_session

VOXELS = make_voxel_centres(20).double().numpy()


def test_pairs_mirror_each_other_and_the_rest_lie_on_the_midline() -> None:
    occupancy = np.exp(-((VOXELS / [0.3, 0.15, 0.1]) ** 2).sum(axis=1))
    places = choose_places(VOXELS, occupancy, 7, 2, 0)
    assert np.allclose(places[:4:2] * [1, -1, 1], places[1:4:2]) and (places[:4:2, 1] > 0.05).all()
    assert np.allclose(places[4:, 1], 0)
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1) + np.eye(7)
    assert apart.min() > 0.08


def test_without_pairs_places_follow_the_body_wherever_it_is() -> None:
    blobs = np.array([[-0.3, -0.3, 0], [0.3, 0.2, 0.1], [0, 0.3, -0.3]])
    occupancy = np.exp(-((VOXELS[:, None] - blobs) ** 2).sum(axis=2) / 0.005).sum(axis=1)
    places = choose_places(VOXELS, occupancy, 3, 0, 0)
    assert np.linalg.norm(places[:, None] - blobs[None], axis=-1).min(axis=0).max() < 0.05


def test_a_coarse_volume_and_a_body_of_one_voxel_have_places_too() -> None:
    coarse = make_voxel_centres(8).double().numpy()
    occupancy = np.full(len(coarse), 0.01)
    occupancy[100] = 1
    places = choose_places(coarse, occupancy, 12, 3, 0)
    assert places.shape == (12, 3) and np.isfinite(places).all() and np.abs(places).max() < 0.5


def test_mean_hull_of_bodies_that_face_one_way_is_long_and_symmetric(tmp_path) -> None:
    sessions = [SessionFrames(write_session(tmp_path, "one", 60, 4, 0, (3, 4, 5, 7)))]
    config = VolumeModelConfig(volume_size=16, volume_levels=1, encoder="none", heading=True)
    detector = KeypointDetector(config, 5, [1, 0, 2, 3, 4], place_spread=0.2)
    headings = find_headings(detector.headings, sessions, 0)
    mean = average_hulls(detector, sessions, headings).view(16, 16, 16)
    assert torch.allclose(mean, mean.flip(1))
    variances = [(mean.sum(dim=[d for d in range(3) if d != axis]) * torch.linspace(-0.5, 0.5, 16) ** 2).sum() for axis in (0, 1)]
    assert variances[0] > 2 * variances[1], "x is along the body"
    find_places(detector, sessions, headings, 1, 0)
    assert torch.allclose(detector.places[0] * torch.tensor([1.0, -1.0, 1.0]), detector.places[1])
