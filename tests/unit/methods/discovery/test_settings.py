import pytest

from bkind3d.config import ExperimentConfig, InputError, parse_section
from bkind3d.methods.discovery.settings import DiscoveryModelConfig


def test_mirroring_swaps_pairs_and_leaves_the_rest() -> None:
    assert DiscoveryModelConfig(n_keypoints=6, n_symmetric_pairs=2).mirror_order == [1, 0, 3, 2, 4, 5]
    assert DiscoveryModelConfig(n_keypoints=3, n_symmetric_pairs=0).mirror_order == [0, 1, 2]


def test_places_without_headings_are_refused() -> None:
    settings = {"frames": "subject", "preset": "demo", "model": {"heading": False}}
    with pytest.raises(InputError, match="model: place_spread needs heading: true"):
        parse_section(ExperimentConfig, settings, "config.yaml")
