"""The volume network computes in bf16 what it computes in 32 bits, but for rounding."""

import pytest
import torch

from bkind3d.networks.volume_network import VolumeNetwork


@pytest.mark.parametrize(("size", "levels"), [(16, 4), (16, 3), (8, 2), (8, 1)])
def test_gradients_in_bf16_are_those_in_32_bits(size, levels) -> None:
    gradients = []
    for is_bf16 in (False, True):
        torch.manual_seed(0)
        network, volume = VolumeNetwork(4, 5, 16, levels), torch.randn(2, 4, size, size, size)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=is_bf16):
            heatmaps = network(volume).float().flatten(2).softmax(dim=-1)
        (heatmaps * torch.linspace(0, 1, size**3)).sum().backward()
        gradients.append({name: parameter.grad for name, parameter in network.named_parameters() if parameter.dim() == 5})
    for name, exact in gradients[0].items():
        assert (gradients[1][name] - exact).norm() < 0.5 * exact.norm(), name  # rounding adds up to 0.2, wrong ones are off by 1 and more
