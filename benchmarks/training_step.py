"""``python -m benchmarks.training_step``: time and memory of one training step, as the trainer runs it, on made-up pictures.

The perceptual loss of discovery is the pyramid of image gradients, which needs no network: VGG19 comes on top. Every measurement runs in
a process of its own, whose peak of resident memory is that of the step and of everything that is imported for it.
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lightning
import numpy as np
import torch
import yaml
from torch.utils.data import DataLoader

from bkind3d.config import DEFAULT_METHOD, ExperimentConfig, parse_section
from bkind3d.config.methods import METHODS
from bkind3d.networks.processor import uses_bf16
from bkind3d.training.machine import Machine
from bkind3d.training.module import Training
from bkind3d.training.sample_memory import N_JOINTS, make_random_moments
from bkind3d.training.trainer import make_trainer


class Timer(lightning.Callback):
    """Wall-clock and processor seconds of every step."""

    def __init__(self) -> None:
        self.marks: list[tuple[float, float]] = []

    def mark(self) -> None:
        """Note the time, once the device has done what it was told."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.marks.append((time.perf_counter(), time.process_time()))

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self.mark()

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: object) -> None:
        self.mark()


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Train for a few steps; the first, which allocates, does not count."""
    values: dict[str, Any] = {"method": options.method, "preset": options.preset, "frames": "frames"}
    values["training"] = {"steps": options.steps + 1, "batch_size": options.batch, "precision": options.precision}
    values["training"] |= {"activation_checkpointing": options.activation_checkpointing} | yaml.safe_load(options.training)
    if options.method == DEFAULT_METHOD:
        values["losses"] = {"perceptual": "pyramid"}
        values["model"] = {"volume_size": options.voxels, "n_keypoints": options.keypoints} if options.preset == "paper" else {}
    config = parse_section(ExperimentConfig, values, "benchmark").for_cameras(options.views)
    names = [f"joint{number}" for number in range(N_JOINTS)] * (config.description.role == "supervised")
    moments = make_random_moments(options.batch, options.views, options.image, len(names))
    timer, machine, module = Timer(), Machine(options.device), Training(config, names)
    with TemporaryDirectory() as folder:
        trainer = make_trainer(config, machine, [timer], Path(folder))
        batches = [(moments,) * module.objective.n_moments] * (options.steps + 1)
        trainer.fit(module, DataLoader(batches, batch_size=None))  # type: ignore[arg-type]
    wall, processor = np.diff(np.array(timer.marks), axis=0)[1:].T
    on_gpu = machine.accelerator == "cuda"
    peak = torch.cuda.max_memory_allocated() / 1e9 if on_gpu else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {
        "seconds_per_step": float(np.median(wall)),
        "fastest_seconds_per_step": float(wall.min()),
        "processor_seconds_per_step": float(np.median(processor)),
        "peak_gb": peak,
        "samples_per_second": options.batch / float(np.median(wall)),
        "activation_checkpointing": options.activation_checkpointing,
        "preset": options.preset,
        "precision": "bf16" if uses_bf16(options.precision, machine.accelerator) else "32",
        "method": options.method,
        "parameters": sum(parameter.numel() for parameter in module.parameters()),
        **{key: getattr(options, key) for key in ("views", "image", "voxels", "keypoints", "batch", "steps")},
        "device": torch.cuda.get_device_name() if on_gpu else f"{torch.get_num_threads()} threads, {read_processor()}",
    }


def read_processor() -> str:
    """Name of the processor."""
    names = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor()


def build_parser() -> argparse.ArgumentParser:
    """Build the parser."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training_step", description=__doc__)
    parser.add_argument("--method", default=DEFAULT_METHOD, choices=METHODS)
    parser.add_argument("--preset", default="paper")
    parser.add_argument("--training", default="{}", help="further settings of the training (YAML)")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--precision", default="auto", choices=["auto", "32", "bf16"])
    for name, default in (("views", 4), ("image", 256), ("voxels", 64), ("keypoints", 15), ("batch", 1), ("steps", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--activation-checkpointing", action="store_true")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    parser.add_argument("--alone", action="store_true", help="do not measure with activation checkpointing beside it")
    return parser


def run_apart(arguments: list[str]) -> dict[str, Any]:
    """Measure in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.training_step", "--alone", "--json", *arguments]
    lines = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip().splitlines()
    return dict(json.loads(lines[-1]))


def main() -> None:
    """Measure, as is and with activation checkpointing, and print."""
    arguments = sys.argv[1:]
    options = build_parser().parse_args(arguments)
    result = measure(options) if options.alone else run_apart(arguments)
    if not options.alone and not options.activation_checkpointing:
        economical = run_apart([*arguments, "--activation-checkpointing"])
        result["with_activation_checkpointing"] = {
            key: economical[key] for key in ("seconds_per_step", "processor_seconds_per_step", "peak_gb")
        }
    print(json.dumps(result) if options.json else "\n".join(f"{key}: {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
