"""Where a network is trained or used: devices, memory, the job of a cluster, and processes, with what they tell each other."""

import logging
import os
import subprocess
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

from bkind3d.config import InputError

log = logging.getLogger(__name__)

#: What allocators say that raise no error of their own kind.
MESSAGES = ("can't allocate memory", "Cannot allocate memory", "out of memory", "bad allocation")


@dataclass(frozen=True)
class Machine:
    """Where a training or a prediction runs; none of it changes what comes out, but for rounding.

    Attributes
    ----------
    device : auto, cpu or cuda.
    devices : processes per node, each with a device of its own on a GPU machine; as many as there are if not given.
    nodes : machines.
    workers : processes that load data for each of them; chosen by the device if not given.
    """

    device: str = "auto"
    devices: int | None = None
    nodes: int = 1
    workers: int | None = None

    @property
    def accelerator(self) -> str:
        """The chosen kind of device, cpu or cuda; an InputError where a GPU is asked for and torch finds none."""
        found = torch.cuda.is_available()
        if self.device == "cuda" and not found:
            raise InputError("--device cuda", "torch finds no GPU here", "write --device cpu, or run on a machine that has one")
        return self.device if self.device != "auto" else "cuda" if found else "cpu"

    def count_devices(self, batch_size: int) -> int:
        """Processes per node: all GPUs that can have equal shares of the batch, or one on a CPU, if not given."""
        visible = torch.cuda.device_count() if self.accelerator == "cuda" else 1
        chosen = self.devices or max(n for n in range(1, max(visible, 1) + 1) if batch_size % (n * self.nodes) == 0 or n == 1)
        if batch_size % (chosen * self.nodes):
            what = f"cannot be shared equally by {chosen * self.nodes} processes"
            raise InputError("", f"training.batch_size {batch_size} {what}", "change it, or --devices and --nodes")
        return chosen

    def count_workers(self, n_cores: int) -> int:
        """Processes that load data: none on a CPU, whose cores have enough to do, else up to eight."""
        return self.workers if self.workers is not None else 0 if self.accelerator == "cpu" else min(8, max(n_cores - 1, 1))


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory is full."""
    told = isinstance(error, RuntimeError) and any(message in str(error) for message in MESSAGES)
    return told or isinstance(error, torch.OutOfMemoryError | MemoryError)


def explain_memory(economical: bool) -> InputError:
    """What to change when not even one sample fits."""
    knobs = ["training.activation_checkpointing: true"] if not economical else []
    knobs += ["a smaller model.volume_size", "a smaller size of the frameset", *(["fewer model.volume_channels"] if economical else [])]
    return InputError("training", "one sample does not fit into memory", f"try {knobs[0]}, {knobs[1]}, or {knobs[2]}")


def requeue_job() -> None:
    """Queue this process's SLURM job again, as it is, to go on there; SLURM ends the job at once, so everything has to be written before."""
    if (job := os.environ.get("SLURM_JOB_ID")) is None:
        return
    try:
        subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        said = " ".join((getattr(error, "stderr", None) or str(error)).split())
        log.warning("job %s could not be queued again (%s); start it again to go on", job, said)
    else:
        log.info("job %s is queued again and will go on from here", job)


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
    if distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1:
        value = value.clone()
        distributed.all_reduce(value)
    return value
