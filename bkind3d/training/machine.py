"""Where a training runs."""

from dataclasses import dataclass

import torch

from bkind3d.config import InputError
from bkind3d.networks.devices import choose_device


@dataclass(frozen=True)
class Machine:
    """Where a training runs; none of it changes what comes out, but for rounding.

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
        """The chosen kind of device; see :func:`bkind3d.networks.devices.choose_device`."""
        return choose_device(self.device)

    def count_devices(self, batch_size: int) -> int:
        """Processes per node: all GPUs that can have equal shares of the batch, or one on a CPU, if not given."""
        visible = torch.cuda.device_count() if self.accelerator == "cuda" else 1
        chosen = self.devices or max(n for n in range(1, max(visible, 1) + 1) if batch_size % (n * self.nodes) == 0 or n == 1)
        if batch_size % (chosen * self.nodes):
            raise InputError(
                f"training.batch_size {batch_size} cannot be shared equally by {chosen * self.nodes} processes; change it, or --devices and --nodes"
            )
        return chosen

    def count_workers(self, n_cores: int) -> int:
        """Processes that load data: none on a CPU, whose cores have enough to do, else up to eight."""
        return self.workers if self.workers is not None else 0 if self.accelerator == "cpu" else min(8, max(n_cores - 1, 1))


def uses_bf16(precision: str, device: str) -> bool:
    """Tell whether the network computes in bf16: as asked for, or where the device is built for it."""
    if precision == "auto":
        return torch.cuda.is_bf16_supported() if device == "cuda" else torch.cpu._is_avx512_bf16_supported()
    return precision == "bf16"
