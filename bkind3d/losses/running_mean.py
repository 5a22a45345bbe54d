"""Running averages of what a loss sees: part of the training's state, and the same however a step is computed.

A step may be split into micro-batches and over processes. Averages are therefore only *read* during a step; what the
parts of the step observe is folded in once, by :func:`commit_running_means`, after the optimiser's step.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

_MOST_PENDING = 4096


class RunningMean(nn.Module):
    """Exponential average of a vector over optimiser steps.

    Attributes
    ----------
    value : the average.
    first : what it began with, which a training's progress can be measured against.
    steps : how often something was folded in.

    Parameters
    ----------
    size : length of the vector.
    momentum : share of the old average that is kept at each step.
    """

    value: Tensor
    first: Tensor
    steps: Tensor

    def __init__(self, size: int, momentum: float = 0.99) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer("value", torch.zeros(size))
        self.register_buffer("first", torch.zeros(size))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        # Not buffers: between two steps nothing is pending, and processes must not overwrite each other's.
        self._pending: Tensor | None = None
        self._n_pending = 0

    def forward(self, observed: Float[Tensor, " size"], n: int = 1) -> Float[Tensor, " size"]:
        """Note `observed`, a mean over `n` samples, while training; give the average of earlier steps, or `observed` itself at the first."""
        observed = observed.detach().to(self.value.dtype)
        if self.training:
            if self._n_pending >= _MOST_PENDING:
                raise RuntimeError(f"{_MOST_PENDING} observations are waiting: call commit_running_means after each step of the optimiser")
            self._pending = observed * n if self._pending is None else self._pending + observed * n
            self._n_pending += n
        return torch.where(self.steps > 0, self.value, observed)

    @torch.no_grad()
    def commit(self, sound: Bool[Tensor, ""] | None = None) -> None:
        """Fold the mean of what was noted since the last call into the average; forget it where the step was not `sound`."""
        if self._pending is None:
            return
        total = torch.cat([self._pending, self._pending.new_tensor([float(self._n_pending)])])
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.all_reduce(total)
        mean = total[:-1] / total[-1]
        sound = torch.ones_like(self.steps, dtype=torch.bool) if sound is None else sound
        begun = self.steps > 0
        self.first.copy_(torch.where(begun | ~sound, self.first, mean))
        self.value.copy_(torch.where(sound, torch.where(begun, torch.lerp(mean, self.value, self.momentum), mean), self.value))
        self.steps += sound
        self.discard()

    def discard(self) -> None:
        """Forget what was noted since the last call of :meth:`commit`."""
        self._pending, self._n_pending = None, 0


def commit_running_means(module: nn.Module, sound: Bool[Tensor, ""] | None = None) -> None:
    """Fold what all running averages inside `module` noted during one optimiser step into them; nothing of a step that was not `sound`."""
    for part in module.modules():
        if isinstance(part, RunningMean):
            part.commit(sound)


def discard_running_means(module: nn.Module) -> None:
    """Forget what all running averages inside `module` noted during a step that does not count."""
    for part in module.modules():
        if isinstance(part, RunningMean):
            part.discard()


def has_fresh_means(module: nn.Module) -> bool:
    """Tell whether a running average inside `module` has not begun yet."""
    return any(isinstance(part, RunningMean) and not part.steps for part in module.modules())
