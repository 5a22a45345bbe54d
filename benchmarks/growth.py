"""``python -m benchmarks.growth``: time and memory of a training step against views, voxels, keypoints and batch.

The paper's objective in small (pictures of 64 pixels, ResNet-18, 4 channels), one number changed at a time. Time is that of one
thread's processor, forward and backward; memory is what the forward pass keeps for the backward pass, counted tensor by tensor,
without weights and imports. The edge maps, whose pairs grow with the square of the keypoints, are also measured alone.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from torch import Tensor

from bkind3d.config import ExperimentConfig, parse_section
from bkind3d.data.datasets import Moments
from bkind3d.methods.discovery.edges import EDGE_SIGMA2, draw_edges
from bkind3d.methods.discovery.model import edge_sizes
from bkind3d.training.module import Training
from bkind3d.training.sample_memory import make_random_moments

BASE = {"views": 4, "voxels": 32, "keypoints": 16, "batch": 1}
SERIES = {"views": (2, 4, 8, 12), "voxels": (32, 48, 64, 96), "keypoints": (8, 16, 32, 64), "batch": (1, 2, 4)}
IMAGE = 64


class KeptBytes(torch.autograd.graph.saved_tensors_hooks):
    """Counts the storage of everything that is kept for the backward pass, shared storage once."""

    def __init__(self) -> None:
        self.sizes: dict[int, int] = {}
        super().__init__(self._pack, lambda tensor: tensor)

    def _pack(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        self.sizes[storage.data_ptr()] = storage.nbytes()
        return tensor


def measure(look: Callable[[], Tensor]) -> dict[str, float]:
    """Megabytes that `look` keeps for its backward pass, and processor seconds of both passes when it is called again."""
    kept = KeptBytes()
    with kept:
        look()
    start = time.process_time()
    look().backward()
    return {"seconds": time.process_time() - start, "megabytes": sum(kept.sizes.values()) / 1e6}


def measure_step(views: int, voxels: int, keypoints: int, batch: int) -> dict[str, float]:
    """Measure one step of the paper's objective."""
    values: dict[str, Any] = {
        "preset": "paper",
        "frames": "frames",
        "model": {"encoder": "resnet18", "volume_channels": 4, "volume_size": voxels, "n_keypoints": keypoints},
        "losses": {"perceptual": "pyramid"},
        "training": {"batch_size": batch, "precision": "32"},
    }
    config = parse_section(ExperimentConfig, values, "growth")
    moments, module = make_random_moments(batch, views, IMAGE, 0), Training(config)
    pairs, draws = Moments.stack([moments, moments]), module.objective.draw(0, views, batch)
    return measure(lambda: torch.stack([*module.look(pairs, draws, progress=0.0)[0].values()]).sum())


def measure_edges(keypoints: int, views: int = 4) -> dict[str, float]:
    """Measure the edge maps alone, of both moments of a pair."""
    points = torch.rand(2, views, keypoints, 2, requires_grad=True)
    weights = torch.rand(keypoints * (keypoints - 1) // 2, requires_grad=True)
    maps = [*zip(edge_sizes(IMAGE // 32), EDGE_SIGMA2, strict=True)]
    return measure(lambda: torch.stack([draw_edges(points, weights, size, sigma2).sum() for size, sigma2 in maps]).sum())


def measure_all() -> pd.DataFrame:
    """One row per series and value."""
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []
    for name, values in SERIES.items():
        for value in values:
            rows.append({"series": name, "value": value, **measure_step(**{**BASE, name: value})})
            print(json.dumps(rows[-1]), flush=True)
    rows += [{"series": "keypoints, edge maps alone", "value": value, **measure_edges(value)} for value in SERIES["keypoints"]]
    return pd.DataFrame(rows)


def fit_exponents(table: pd.DataFrame) -> pd.DataFrame:
    """Exponent of time and memory over each series as a whole, and over its last two values, where constants weigh least."""
    rows = []
    for name, part in table.groupby("series", sort=False):
        logs = np.log(part[["value", "seconds", "megabytes"]].to_numpy())
        whole, last = (np.polyfit(logs[rows_, 0], logs[rows_, 1:], 1)[0] for rows_ in (slice(None), slice(-2, None)))
        values = zip(("seconds", "seconds, end", "megabytes", "megabytes, end"), (whole[0], last[0], whole[1], last[1]), strict=True)
        rows.append({"series": name, **dict(values)})
    return pd.DataFrame(rows).set_index("series")


def plot_growth(table: pd.DataFrame, path: Path) -> None:
    """Time and memory on logarithmic axes, with lines of exponent 1, 2 and 3 for comparison."""
    mpl.use("Agg")
    names = list(dict.fromkeys(table["series"]))
    figure, axes = plt.subplots(2, len(names), figsize=(3 * len(names), 5.5), layout="constrained")
    for column, name in enumerate(names):
        part = table[table["series"] == name]
        for axis, measure_, unit in zip(axes[:, column], ("seconds", "megabytes"), ("processor s", "MB kept"), strict=True):
            axis.loglog(part["value"], part[measure_], "o-", color="#1f6f8b")
            for exponent in (1, 2, 3):
                line = part[measure_].iloc[0] * (part["value"] / part["value"].iloc[0]) ** exponent
                axis.loglog(part["value"], line, color="#c8c8c8", linewidth=0.8, zorder=0)
            axis.set(
                xticks=part["value"],
                xticklabels=part["value"],
                ylabel=unit if column == 0 else "",
                ylim=(part[measure_].min() / 1.5, part[measure_].max() * 2),
            )
            axis.minorticks_off()
        axes[1, column].set_xlabel(name)
    figure.savefig(path)
    plt.close(figure)


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", type=Path, default=Path(__file__).parent / "figures" / "growth.svg", help="file of the plot (SVG or PNG)")
    arguments = parser.parse_args()
    table = measure_all()
    print(table.round(3).to_string(index=False))
    print(fit_exponents(table).round(2).to_string())
    arguments.plot.parent.mkdir(parents=True, exist_ok=True)
    plot_growth(table, arguments.plot)


if __name__ == "__main__":
    main()
