"""What a step costs in counted operations, and how many steps a budget of them allows: the same on every machine."""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.data import Dataset
from torch.utils.flop_counter import FlopCounterMode, conv_flop_count

from bkind3d.config import TrainingConfig
from bkind3d.data.datasets import Moments, collate_moments
from bkind3d.training.module import Training


def count_gradients(
    gradient: list[int], pictures: list[int], kernel: list[int], *settings: Any, out_shape: Sequence[Any] | None = None
) -> int:
    """Operations of the gradients of a convolution, from the shapes of what goes in: each gradient that is wanted takes as many as itself.

    torch's own formula takes the gradient of the weights of a grouped convolution for that of an ungrouped one (2.13): hundreds
    of times too many for depthwise ones.
    """
    _, _, _, _, transposed, _, _, wanted = settings
    return conv_flop_count(pictures, kernel, gradient, transposed) * sum(wanted[:2])


#: In place of torch's own.
FORMULAS = {torch.ops.aten.convolution_backward: count_gradients}


def count_step(module: Training, samples: Dataset[tuple[Moments, ...]]) -> float:
    """Count the operations of an optimiser's step, forward and backward, in units of 10^12.

    They are those of matrix products and convolutions (torch's counter, with :data:`FORMULAS`), each multiplication and addition being one. Nothing is
    computed: the step runs on the device ``meta``, which has shapes and no numbers. All terms count, those that begin late too.

    Parameters
    ----------
    module : before its first step; it is left as it is.
    samples : of the training.
    """
    settings = module.config.training
    if settings.activation_checkpointing:  # what is computed twice to save memory counts once
        with torch.random.fork_rng(devices=[]):
            plain = module.config.model_copy(update={"training": settings.model_copy(update={"activation_checkpointing": False})})
            module = Training(plain, module.model.names)
    counted = copy.deepcopy(module).to("meta")
    moments = Moments.stack(collate_moments([samples[0]] * settings.batch_size)).to("meta")
    draws = counted.objective.draw(0, moments.views.present.shape[1], settings.batch_size)
    with FlopCounterMode(display=False, custom_mapping=FORMULAS) as counter:
        terms, _ = counted.look(moments, draws.take(range(settings.batch_size), torch.device("meta")), progress=1.0)
        torch.autograd.backward(torch.stack(list(terms.values())).sum())
    return counter.get_total_flops() / 1e12


def allot_steps(settings: TrainingConfig, tflop_per_step: float) -> TrainingConfig:
    """The settings with the steps that their budget allows, at least one; as they are where there is none."""
    if settings.budget_tflop is None:
        return settings
    return settings.model_copy(update={"steps": max(1, round(settings.budget_tflop / max(tflop_per_step, 1e-9)))})
