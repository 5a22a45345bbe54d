"""``python -m benchmarks.profile [STUDY]``: the cost of every stage of a training step and of a prediction, beside what the machine can do.

Of each stage stand its counted operations (multiplications and additions of matrix products and convolutions, by torch's
formulas), the bytes that its operations read and write, the measured time, and the least time that the machine would need:
for every operation its count at the rate of a matrix product (or of a 3D convolution, if that is faster), or its bytes at
the rate of a copy, whichever is more; of pictures, their pixels at the rate of decoding JPEGs. The share of the limit is the
one over the other; above 100 %, the data stayed in the processor's caches. Rates are measured in the same run. Forward times
are those of undisturbed steps; backward times are those within the operations of recorded steps, and ``between operations``
is what is left of the undisturbed steps: Python, autograd, threads.
"""

import argparse
import json
import os
import resource
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

from benchmarks.limits import Limits, measure_limits
from benchmarks.operations import Cost, Recorder, Stages, read_clock
from benchmarks.training_step import read_processor
from benchmarks.workloads import build_training, choose_workload
from bkind3d.checkpoint import Provenance
from bkind3d.config import DEFAULT_METHOD, ExperimentConfig, InputError, parse_section
from bkind3d.data.datasets import Moments, SessionFrames
from bkind3d.inference import prediction
from bkind3d.losses.running_mean import commit_running_means
from bkind3d.methods.base import Model
from bkind3d.networks.processor import keep_freed_memory, uses_bf16
from bkind3d.training.module import Training
from bkind3d.training.sample_memory import make_random_moments

#: Stages of a network and of its objective: name, where it is, and the function. What a method does not have is left out.
NETWORK = (
    ("image encoder", "detector.encoder", "forward"),
    ("feature pyramid", "detector.pyramid", "forward"),
    ("sample pictures, carve hull", "detector", "look_at_voxels"),
    ("un-project features", "detector", "unproject_features"),
    ("volume network", "detector.volume_network", "forward"),
    ("heatmaps to points", "detector", "forward"),
    ("draw edges", "", "draw"),
    ("decoder", "decoder", "forward"),
    ("other parts of the model", "", "forward"),
)
OBJECTIVE = (("perceptual loss", "perceptual", "forward"), ("losses", "", "forward"))
#: What else happens to a batch of a training, and to the moments of a prediction.
LOAD, OPTIMISER, HEADINGS, RESIDUALS, AGAIN, WRITE = (
    "load pictures",
    "optimiser",
    "find headings",
    "distances to silhouettes",
    "look again (its networks are above)",
    "calibrate, smooth, write",
)
BETWEEN = "between operations"

#: Moments that a prediction computes together; of random pictures fewer, because volumes of the preset `paper` fill gigabytes.
BATCH, FEW = prediction.TOGETHER["cpu"], 4


def watch_model(stages: Stages, model: nn.Module, objective: nn.Module | None = None) -> None:
    """Watch the stages of a network, and of an objective."""
    for root, rows in ((model, NETWORK), (objective, OBJECTIVE)):
        for stage, path, name in rows:
            owner: Any = root
            for part in filter(None, path.split(".")):
                owner = getattr(owner, part, None)
            if owner is not None and hasattr(owner, name):
                stages.watch(owner, name, stage)


class Profile:
    """Repeats something: a few times undisturbed, then a few times with its operations recorded.

    Parameters
    ----------
    limits : of the machine.
    autocast : whether the network computes in bf16.
    device : where.
    repeats : how often; what is told is the median of each stage.
    """

    def __init__(self, limits: Limits, autocast: bool, device: str, repeats: int) -> None:
        self.limits, self.autocast, self.device, self.repeats = limits, autocast, device, repeats
        self.stages = Stages()

    def measure(self, run: Callable[[], object], share: float, n_pictures: float) -> pd.DataFrame:
        """Give a row for each stage, in the order in which stages are met, per `share` of a run.

        Parameters
        ----------
        run : what is repeated; it reads `n_pictures` pixels of JPEGs.
        """
        total, seconds = [], []
        self._run(run)
        for _ in range(self.repeats):
            self.stages.seconds.clear()
            total.append(self._run(run))
            seconds.append(dict(self.stages.seconds))
        recorded = []
        for _ in range(self.repeats):
            recorder = Recorder(self.stages, self.limits.rate, self.limits.copy)
            with recorder:
                self._run(run)
            recorded.append(recorder.costs)
        table = self._lay_out(pd.DataFrame(seconds).median().to_dict(), recorded, float(np.median(total)), n_pictures)
        table[["gflop", "mb", "forward_ms", "backward_ms", "limit_ms"]] *= share
        return table

    def _run(self, run: Callable[[], object]) -> float:
        begin = read_clock()
        with torch.autocast(self.device, torch.bfloat16, enabled=self.autocast):
            run()
        return read_clock() - begin

    def _lay_out(
        self, seconds: dict[str, float], recorded: list[dict[tuple[str, str], Cost]], total: float, n_pictures: float
    ) -> pd.DataFrame:
        """A row for each stage, and for what is left of the total."""
        names = list(dict.fromkeys([*seconds, *(stage for stage, _ in recorded[-1])]))
        rows = []
        for name in names:
            last, costs = Cost(), {way: [step.get((name, way), Cost()) for step in recorded] for way in ("forward", "backward")}
            for way in costs.values():
                last.add(way[-1])
            within = {way: float(np.median([cost.seconds for cost in steps])) for way, steps in costs.items()}
            least = last.least + (n_pictures / self.limits.jpeg if name == LOAD else 0.0)
            spent = seconds.get(name, within["forward"]), within["backward"]
            rows.append([name, last.operations / 1e9, last.n_bytes / 1e6, 1e3 * spent[0], 1e3 * spent[1], 1e3 * least])
        left = max(1e3 * total - sum(row[3] + row[4] for row in rows), 0.0)
        rows.append([BETWEEN, 0.0, 0.0, left, 0.0, 0.0])
        table = pd.DataFrame(rows, columns=["stage", "gflop", "mb", "forward_ms", "backward_ms", "limit_ms"])
        everything = table.iloc[:, 1:].sum()
        return pd.concat([table, pd.DataFrame([{"stage": "all", **everything}])], ignore_index=True)


def finish(table: pd.DataFrame) -> pd.DataFrame:
    """Add the share of the limit (percent) and the rate (GFLOP/s) of each stage."""
    spent = (table["forward_ms"] + table["backward_ms"]).replace(0.0, np.nan)
    return table.assign(share_percent=100 * table["limit_ms"] / spent, gflops=1e3 * table["gflop"] / spent)


def profile_step(profile: Profile, module: Training, batches: Callable[[int], tuple[Moments, ...]], decodes: bool) -> pd.DataFrame:
    """Profile training steps; `batches` gives the batch of each, for which it decodes pictures, or not."""
    settings, stages = module.config.training, profile.stages
    watch_model(stages, module.model, module.objective)
    optimiser = module.configure_optimizers()["optimizer"]
    n_pixels = 0.0

    def step() -> None:
        nonlocal n_pixels
        with stages.enter(LOAD):
            batch = tuple(moments.to(profile.device) for moments in batches(module.step))
            n_pixels = decodes * sum(int(part.views.present.sum()) * part.views.images.shape[-1] ** 2 for part in batch)
        optimiser.zero_grad()
        module.compute(batch, module.objective.draw(module.step, batch[0].views.present.shape[1], settings.batch_size))
        with stages.enter(OPTIMISER), torch.autocast(profile.device, enabled=False):
            clip_grad_norm_(module.parameters(), settings.gradient_clip)
            optimiser.step()
            commit_running_means(module)
        module.step += 1

    step()
    return profile.measure(step, 1.0, n_pixels)


def profile_session(profile: Profile, model: Model, provenance: Provenance, frames: Sequence[Path], n_frames: int) -> pd.DataFrame:
    """Profile the prediction of the first frames of a session, per frame."""
    stages = profile.stages
    session = SessionFrames(frames)
    session.usable = session.usable[:n_frames]
    n_pixels = session.valid[session.usable].sum() * session.size**2
    watch_model(stages, model)
    stages.watch(session, "decode", LOAD)
    stages.watch(model, "find_headings", HEADINGS)
    settings = parse_section(ExperimentConfig, json.loads(provenance.experiment), "model").prediction
    if uses_bf16("auto", profile.device):
        model.round_products()

    def predict() -> None:
        headings = model.find_headings(session, profile.device)
        found = prediction.predict_keypoints(model, session, headings, BATCH, profile.device, settings.turns)
        with stages.enter(AGAIN):
            first = found[["x", "y", "z"]].to_numpy(np.float32).reshape(len(session), -1, 3)
            look = prediction.look_again(model, session, headings, BATCH, profile.device, positions=first)
        with stages.enter(WRITE), TemporaryDirectory() as folder:
            table, _ = prediction.calibrate_confidences(found, look, session.side)
            prediction.write_table(
                prediction.smooth_keypoints(table, settings.smooth_seconds), "keypoints", Path(folder) / "keypoints.parquet", {}
            )

    original = prediction.measure_residuals
    stages.watch(prediction, "measure_residuals", RESIDUALS)
    try:
        with torch.inference_mode():
            # Pictures are decoded twice, for headings and for keypoints, and once more for the few that are looked at again.
            return profile.measure(predict, 1 / len(session.usable), 2 * float(n_pixels))
    finally:
        prediction.measure_residuals = original


def profile_moments(profile: Profile, model: Model, moments: Moments) -> pd.DataFrame:
    """Profile the network's part of a prediction, per moment, where there is no session."""
    watch_model(profile.stages, model)
    moments = moments.to(profile.device)
    with torch.inference_mode():
        return profile.measure(lambda: model(moments.views, moments.headings), 1 / len(moments), 0.0)


def profile(options: argparse.Namespace) -> dict[str, Any]:
    """Profile a training step and a prediction."""
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    keep_freed_memory()
    work, device = choose_workload(options), options.device
    config, size = work.config, work.sessions[0].size if work.sessions else options.image
    limits, autocast = measure_limits(device, size), uses_bf16(config.training.precision, device)
    module, remark = build_training(config, [*work.names])
    module.to(device)
    batches = work.make_batches(module, options)
    step = profile_step(Profile(limits, autocast, device, options.repeats), module, batches, bool(work.sessions))
    inference = Profile(limits, False, device, options.repeats)
    if work.sessions:
        with TemporaryDirectory() as folder:
            model, provenance = work.find_model(module, Path(folder))
        part = "prediction, per frame"
        table = profile_session(inference, model.eval().to(device), provenance, work.frames[0], options.frames)
    else:
        model = type(module.model)(module.config.model, work.names, load=False).eval().to(device)
        part = "network of a prediction, per frame"
        table = profile_moments(inference, model, make_random_moments(FEW, options.views, size, 0))
    on_gpu = device == "cuda"
    peak = torch.cuda.max_memory_allocated() / 1e9 if on_gpu else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    where = f"encoder {config.model.encoder_name}, batch {config.training.batch_size}, pictures of {size} pixels"
    return {
        "what": f"{config.method}, preset {config.preset}, {where}",
        "remark": remark,
        "device": torch.cuda.get_device_name() if on_gpu else describe_processor(),
        "precision": f"training in {'bf16' if autocast else '32 bits'}, prediction in 32 bits but for products in bf16 where it is built in",
        "limits": asdict(limits),
        "limits_line": limits.describe(),
        "peak_gb": peak,
        "parts": {"training step": finish(step), part: finish(table)},
    }


def describe_processor() -> str:
    """Threads, processor and what else runs."""
    n_threads = torch.get_num_threads()
    clock = "1 thread, its own seconds" if n_threads == 1 else f"{n_threads} threads"
    return f"{clock}, {read_processor()}, load {os.getloadavg()[0]:.1f}"


def show_number(value: float) -> str:
    """Three digits, and nothing for nothing."""
    return "" if not value else f"{value:.0f}" if value >= 100 else f"{value:.3g}" if value >= 0.01 else "< 0.01"


def show(result: dict[str, Any]) -> str:
    """The tables as Markdown."""
    lines = [
        f"{result['what']}; {result['precision']}; peak memory {result['peak_gb']:.2f} GB",
        f"{result['device']}: {result['limits_line']}",
    ]
    lines += [result["remark"]] * bool(result["remark"])
    for title, table in result["parts"].items():
        lines += [
            "",
            f"| {title} | GFLOP | MB | forward ms | backward ms | limit ms | share of the limit | GFLOP/s |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for row in table.itertuples():
            share = f"{row.share_percent:.0f} %" if row.limit_ms else ""
            rate = f"{row.gflops:.3g}" if row.gflop else ""
            lines.append(f"| {' | '.join([row.stage, *map(show_number, row[2:7]), share, rate])} |")
    return "\n".join(lines)


def build_parser() -> argparse.ArgumentParser:
    """Build the parser."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__.partition("\n")[0].partition(": ")[2])
    parser.add_argument("study", nargs="?", type=Path, help="a study whose frames are extracted; none: random pictures")
    parser.add_argument("--experiment", help="of the study; the first one if not given")
    parser.add_argument("--method", default=DEFAULT_METHOD)
    parser.add_argument("--preset", help="in place of the experiment's settings")
    parser.add_argument("--settings", default="", help="to change, as YAML: 'model: {encoder: resnet18}'")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--format", default="text", choices=["text", "json", "tsv"])
    parser.add_argument("--batch", type=int, help="samples of a step, if not the experiment's")
    for name, default, what in (
        ("threads", 0, "of torch; 0: as many as it takes"),
        ("repeats", 3, "steps, and predictions, that are measured"),
        ("frames", 48, "of a session that are predicted"),
        ("views", 4, "of random pictures"),
        ("image", 64, "side of random pictures, pixels"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, help=what)
    return parser


def main() -> None:
    """Profile and print."""
    options = build_parser().parse_args()
    try:
        result = profile(options)
    except InputError as error:
        sys.exit(f"benchmarks.profile: {error}")
    if options.format == "text":
        print(show(result))
    elif options.format == "json":
        print(json.dumps(result | {"parts": {name: table.to_dict("records") for name, table in result["parts"].items()}}))
    else:
        parts = [table.assign(part=name) for name, table in result["parts"].items()]
        print(pd.concat(parts).to_csv(sep="\t", index=False, float_format="%.6g"), end="")


if __name__ == "__main__":
    main()
