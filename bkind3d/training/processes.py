"""What the processes of one training tell each other."""

import torch
from torch import Tensor, distributed, nn


def is_distributed() -> bool:
    """Whether this training runs in several processes."""
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1


def average_gradients(module: nn.Module) -> None:
    """Average the gradients over all processes.

    Done once per step and not while the backward pass runs: a process whose memory is full repeats its part of the step in
    smaller pieces, and the others wait for it here.
    """
    gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    flat = sum_over_processes(torch.cat([gradient.flatten() for gradient in gradients])) / distributed.get_world_size()
    for gradient, part in zip(gradients, torch.split(flat, [gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def sum_over_processes(value: Tensor) -> Tensor:
    """Sum of a tensor over all processes; itself where there is one."""
    if is_distributed():
        value = value.clone()
        distributed.all_reduce(value)
    return value


def any_process(*flags: bool, device: torch.device) -> list[bool]:
    """For every flag, whether some process raised it."""
    if not is_distributed():
        return list(flags)
    return [bool(value) for value in sum_over_processes(torch.tensor(flags, dtype=torch.int32, device=device))]
