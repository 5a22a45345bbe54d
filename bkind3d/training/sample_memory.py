"""How much memory and time a sample of a training takes, measured before the training, on random pictures."""

import math
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from bkind3d.config import ExperimentConfig
from bkind3d.data.datasets import Moments, Views
from bkind3d.networks.processor import keep_freed_memory, uses_bf16
from bkind3d.training.budget import allot_steps, count_step
from bkind3d.training.module import Training

_SIDE = 100.0

#: Joints of a supervised method, which are known only once its labels are read; they take next to no memory.
N_JOINTS = 20


class SampleCost(NamedTuple):
    """What a sample takes.

    Attributes
    ----------
    memory : bytes beside the network.
    free : bytes that the device has left once the network is there.
    seconds : of a processor's cores, forward and backward; NaN where a GPU computes.
    steps : of the training, by its budget if it has one.
    """

    memory: float
    free: float
    seconds: float
    steps: int


def measure_sample(config: ExperimentConfig, n_views: int, size: int) -> SampleCost:
    """Measure one sample of pictures of a side of `size` by steps on it; to be called in a process of its own.

    No weights are fetched: VGG19, where the settings want it, comes on top.
    """
    config = config.without_published_weights().for_cameras(n_views)
    on_gpu = torch.cuda.is_available()
    device = torch.device("cuda" if on_gpu else "cpu")
    module = Training(config, [f"joint{number}" for number in range(N_JOINTS)] * (config.description.role == "supervised")).to(device)
    moments = make_random_moments(1, n_views, size, N_JOINTS).to(device)
    free = torch.cuda.mem_get_info()[0] if on_gpu else _read_memory("/proc/meminfo", "MemAvailable")
    before = torch.cuda.memory_allocated() if on_gpu else _read_memory("/proc/self/status", "VmHWM")
    rounded = torch.autocast(device.type, torch.bfloat16, enabled=uses_bf16(config.training.precision, device.type))
    with rounded:
        module.compute((moments,) * module.objective.n_moments, module.objective.draw(0, n_views, 1))
    after = torch.cuda.max_memory_allocated() if on_gpu else _read_memory("/proc/self/status", "VmHWM")
    one, steps = tuple(part.to("cpu") for part in (moments,) * module.objective.n_moments), config.training
    if steps.budget_tflop is not None:
        steps = allot_steps(steps, count_step(module, [one]))  # type: ignore[arg-type]
    seconds = math.nan
    if not on_gpu:
        keep_freed_memory()
        pair = (make_random_moments(2, n_views, size, N_JOINTS),) * module.objective.n_moments
        for _ in range(2):  # the first time prepares much
            begin = time.process_time()
            with rounded:
                module.compute(pair, module.objective.draw(0, n_views, 2))
            seconds = (time.process_time() - begin) / 2
    return SampleCost(float(after - before), float(free), seconds, steps.steps)


def make_random_moments(batch: int, n_views: int, size: int, n_joints: int, seed: int = 0) -> Moments:
    """Random pictures in which the subject fills the middle, and random joints within it; the same seed gives the same."""
    generator = torch.Generator().manual_seed(seed)
    masks = torch.zeros(batch, n_views, 1, size, size)
    masks[..., size // 4 : -size // 4, size // 4 : -size // 4] = 1
    projections = torch.stack([_make_projection(2 * math.pi * view / n_views + 0.3, size) for view in range(n_views)])
    images = torch.rand(batch, n_views, 3, size, size, generator=generator)
    present = torch.ones(batch, n_views, dtype=torch.bool)
    sides = torch.full((batch,), _SIDE)
    views = Views(images, masks, projections.expand(batch, -1, -1, -1), present, torch.zeros(batch, 3), sides)
    joints = (torch.rand(batch, n_joints, 3, generator=generator) - 0.5) * _SIDE
    return Moments(views, torch.zeros(batch), joints)


def _make_projection(azimuth: float, size: int) -> torch.Tensor:
    """A camera (3, 4) that looks at the cube from four sides away and has it in the middle of its picture."""
    centre = 4 * _SIDE * np.array([0.8 * np.cos(azimuth), 0.8 * np.sin(azimuth), 0.6])
    forward = -centre / np.linalg.norm(centre)
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    matrix = np.array([[4 * size, 0, (size - 1) / 2], [0, 4 * size, (size - 1) / 2], [0, 0, 1]])
    return torch.from_numpy(matrix @ np.c_[rotation, -rotation @ centre]).float()


def _read_memory(path: str, key: str) -> int:
    """Bytes that the kernel tells in a file: of this process's peak (getrusage counts the process that it was forked from, too), say."""
    lines = dict(line.split(":", 1) for line in Path(path).read_text().splitlines())
    return int(lines[key].split()[0]) * 1024
