import pytest
import torch

from bkind3d.networks.unet3d import UNet3d
from tests.unit.networks.test_v2v import count


@pytest.mark.parametrize(
    ("channels", "side", "parameters", "gmac"),
    [(64, 64, 22.4, 231), (32, 64, 5.6, 60), (32, 32, 5.6, 7.5)],
    ids=["paper", "compressed", "at 32"],
)
def test_the_paper_s_networks_have_the_paper_s_size_and_cost(channels, side, parameters, gmac) -> None:
    with torch.device("meta"):
        found = count(UNet3d(18, 20, channels), torch.zeros(1, 18, side, side, side))
    assert abs(found[0] / parameters - 1) < 0.02
    assert abs(found[1] / 1e3 / gmac - 1) < 0.02


def test_a_channel_is_normalised_by_itself() -> None:
    torch.manual_seed(0)
    network = UNet3d(3, 2, channels=4, levels=3)
    volume = torch.randn(2, 3, 8, 8, 8)
    found = network(volume)
    assert found.shape == (2, 2, 8, 8, 8)
    torch.testing.assert_close(network(volume[1:]), found[1:], rtol=1e-4, atol=1e-4)
