"""Operations, bytes and the stage of each, forward and backward."""

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.operations import REST, Recorder, Stages


class TwoParts(nn.Module):
    """A convolution, then a product of matrices; between them something that belongs to neither."""

    def __init__(self, groups: int = 1, economical: bool = False) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(8, 8, 3, padding=1, groups=groups), nn.Linear(8, 4)
        self.economical = economical

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        found = checkpoint(self.bend, pictures, use_reentrant=False) if self.economical else self.bend(pictures)
        return self.second(found.mean(dim=(2, 3)))

    def bend(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.first(pictures).tanh()


def record(network: TwoParts, pictures: torch.Tensor) -> Recorder:
    stages = Stages()
    stages.watch(network.first, "forward", "first")
    stages.watch(network.second, "forward", "second")
    recorder = Recorder(stages, lambda kind: 1e9, 1e9)
    with recorder:
        network(pictures).sum().backward()
    return recorder


#: Of the convolution of two pictures of 6 x 5 pixels: every weight is used at every pixel, one multiplication and one addition.
CONVOLUTION = 2 * (2 * 6 * 5) * (8 * 8 * 9)
PRODUCT = 2 * 2 * 8 * 4


def test_each_direction_of_each_stage_is_counted_and_all_together_are_what_torch_counts() -> None:
    network, pictures = TwoParts(), torch.rand(2, 8, 6, 5)
    with FlopCounterMode(display=False) as counter:
        network(pictures).sum().backward()
    costs = record(network, pictures).costs
    counted = {key: cost.operations for key, cost in costs.items() if cost.operations}
    # Pictures need no gradient, weights do.
    assert counted == {
        ("first", "forward"): CONVOLUTION,
        ("second", "forward"): PRODUCT,
        ("second", "backward"): 2 * PRODUCT,
        ("first", "backward"): CONVOLUTION,
    }
    assert sum(counted.values()) == counter.get_total_flops()
    assert all(cost.seconds > 0 for cost in costs.values())
    assert costs[REST, "forward"].n_bytes > 0


@pytest.mark.parametrize("groups", [2, 8])
def test_both_gradients_of_a_grouped_convolution_take_as_many_operations_as_itself(groups: int) -> None:
    """torch's own counter takes the gradient of the weights for that of an ungrouped one."""
    network, pictures = TwoParts(groups), torch.rand(2, 8, 6, 5, requires_grad=True)
    costs = record(network, pictures).costs
    assert costs["first", "forward"].operations == CONVOLUTION / groups
    assert costs["first", "backward"].operations == 2 * CONVOLUTION / groups


def test_what_is_computed_again_in_the_backward_pass_counts_there() -> None:
    costs = record(TwoParts(economical=True), torch.rand(2, 8, 6, 5, requires_grad=True)).costs
    assert costs["first", "forward"].operations == CONVOLUTION
    assert costs["first", "backward"].operations == 3 * CONVOLUTION


def test_bytes_are_those_that_are_read_and_written_and_the_limit_is_the_longer_of_the_two() -> None:
    stages = Stages()
    numbers, matrix = torch.rand(1000), torch.rand(100, 100)
    with Recorder(stages, lambda kind: 1e9, 1e6) as recorder:
        with stages.enter("copy"):
            numbers.clone()
        with stages.enter("view"):
            numbers.view(10, 100)
        with stages.enter("repeated"):
            numbers[:1].expand(1000).clone()
        with stages.enter("product"):
            matrix @ matrix
    costs = {stage: cost for (stage, _), cost in recorder.costs.items()}
    assert costs["copy"].n_bytes == 8000
    assert costs["copy"].least == pytest.approx(8e-3)
    assert costs["view"].n_bytes == 0
    assert costs["repeated"].n_bytes <= 4000 + 4000
    assert costs["product"].operations == 2e6
    assert costs["product"].least == pytest.approx(max(2e6 / 1e9, 3 * 4e4 / 1e6))


def test_the_inner_stage_counts() -> None:
    stages = Stages()
    with stages.enter("outer"), stages.enter("inner"):
        sum(range(2_000_000))
    assert stages.seconds["inner"] > 100 * stages.seconds["outer"]
