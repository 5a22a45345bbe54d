import torch
from torch.utils.flop_counter import FlopCounterMode

from bkind3d.networks.v2v import V2VNetwork


def count(network, *inputs) -> tuple[float, float]:
    """Parameters, and operations (multiplication and addition as one), in millions."""
    with FlopCounterMode(display=False) as counter:
        network(*inputs)
    return sum(parameter.numel() for parameter in network.parameters()) / 1e6, counter.get_total_flops() / 2e6


def test_the_paper_s_network_has_the_paper_s_size() -> None:
    with torch.device("meta"):
        n_parameters, _ = count(V2VNetwork(32, 17), torch.zeros(1, 32, 64, 64, 64))
    assert abs(n_parameters / 11.94 - 1) < 0.02


def test_a_volume_keeps_its_size_and_samples_do_not_meet() -> None:
    torch.manual_seed(0)
    network = V2VNetwork(3, 5, channels=4, levels=2, kernel=3)
    volume = torch.randn(2, 3, 8, 8, 8)
    found = network(volume)
    assert found.shape == (2, 5, 8, 8, 8)
    torch.testing.assert_close(network(volume[1:]), found[1:], rtol=1e-4, atol=1e-4)
