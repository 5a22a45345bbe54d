"""``python -m benchmarks.gpu FOLDER``: what a GPU makes of trainings and predictions, in at most eight minutes.

FOLDER is what ``make gpu-bundle`` writes: frames and joints of simulated rats, a model, this package, and wheels that a machine with torch,
lightning, numpy, pandas, pyarrow, OpenCV and scikit-learn lacks. Every measurement has a limit of its own, and the JSON file is written after
each: what hangs or fails is told in it, and the next one goes on in a new process. Only the rooms of training and inference are imported.
With ``--small`` (and ``--device cpu``) each takes a few seconds, to check that it would run.
"""

import argparse
import copy
import io
import json
import queue
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lightning
import numpy as np
import torch
from sklearn.linear_model import LinearRegression
from torch.utils.data import DataLoader

from benchmarks.limits import measure_limits
from bkind3d.checkpoint import load_model
from bkind3d.config import ExperimentConfig, find_settings, list_methods, parse_section
from bkind3d.data.datasets import Moments, SessionFrames, collate_moments, iterate_batches
from bkind3d.data.points import read_points
from bkind3d.evaluation.metrics import measure_errors
from bkind3d.inference.prediction import predict_keypoints
from bkind3d.losses.running_mean import commit_running_means
from bkind3d.networks.processor import keep_freed_memory
from bkind3d.training.budget import count_step
from bkind3d.training.machine import Machine
from bkind3d.training.module import Training
from bkind3d.training.sample_memory import N_JOINTS, make_random_moments
from bkind3d.training.trainer import make_loader, make_trainer, train_model

#: Seconds of everything, and seconds of a measurement before it is given up; a process takes so long to begin.
ALL, BEGIN = 480, 60
SECONDS = {"machine": 30, "step": 30, "loading": 45, "prediction": 45, "training": 120, "agreement": 60, "resume": 30}

#: Cameras of the demo.
N_VIEWS = 4

#: Frames over which a device's positions are compared with a processor's.
COMPARED = 16


@dataclass(frozen=True)
class Room:
    """What measurements share: the bundle, the device, and how much of everything.

    Attributes
    ----------
    folder : of frames, joints and the model.
    seconds : that steps and batches are repeated for.
    steps : of the training whose joints are judged.
    short : steps of the trainings that are compared.
    small : whether networks and pictures are small.
    """

    folder: Path
    device: str
    seconds: float
    steps: int
    short: int
    small: bool

    @property
    def machine(self) -> Machine:
        """For Lightning."""
        return Machine(self.device, devices=1)

    def list_frames(self) -> dict[str, list[Path]]:
        """Frames tables of every session; the last session is judged, the others are learned from."""
        return {path.name: sorted(path.glob("*.parquet")) for path in sorted((self.folder / "frames").iterdir())}

    def configure(self, method: str, preset: str, **training: Any) -> ExperimentConfig:
        """An experiment without published weights."""
        values = {"method": method, "preset": preset, "frames": "frames", "training": training}
        config = parse_section(ExperimentConfig, values, preset).without_published_weights()
        if self.small and "volume_size" in type(config.model).model_fields:
            small = (
                {"volume_size": 16, "volume_channels": 4, "volume_levels": 1}
                if "volume_channels" in type(config.model).model_fields
                else {}
            )
            config = config.model_copy(update={"model": config.model.model_copy(update=small)})
        return config.for_cameras(N_VIEWS)

    def make_training(self, config: ExperimentConfig) -> Training:
        """The module of an experiment, always from the same first weights."""
        torch.manual_seed(0)
        return Training(config, [f"joint{number}" for number in range(N_JOINTS)] * (config.description.role == "supervised"))


def wait() -> float:
    """The time, once the device has done what it was told."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def read_peak(device: str) -> float:
    """Most gigabytes in use: on a GPU since the last call, of a processor since the process began."""
    if device == "cpu":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    peak = torch.cuda.max_memory_allocated() / 1e9
    torch.cuda.reset_peak_memory_stats()
    return peak


class Clock(lightning.Callback):
    """Seconds of a step, after a few that do not count, without waiting for the device between them."""

    def __init__(self, seconds: float, first: int) -> None:
        self.seconds, self.first, self.n, self.begin, self.step = seconds, first, 0, 0.0, float("nan")

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: object) -> None:
        """Begin after the first steps, and stop once the time is over."""
        self.n += 1
        if self.n == self.first:
            self.begin = wait()
        elif self.n > self.first and time.perf_counter() - self.begin >= self.seconds:
            self.step = (wait() - self.begin) / (self.n - self.first)
            trainer.should_stop = True


def time_steps(room: Room, module: Training, make: Callable[[lightning.Trainer], Any]) -> float:
    """Seconds of a step, as the trainer does it, on the batches of a loader."""
    clock = Clock(room.seconds, 1 if room.small else 5)
    with TemporaryDirectory() as folder:
        trainer = make_trainer(module.config, room.machine, [clock], Path(folder))
        trainer.fit(module, make(trainer))
    return clock.step


def repeat(batch: tuple[Moments, ...], _: lightning.Trainer) -> DataLoader[Any]:
    """A loader that always has the same batch at hand."""
    return DataLoader([batch] * 10**4, batch_size=None, pin_memory=torch.cuda.is_available())  # type: ignore[arg-type]


def measure_machine(room: Room) -> dict[str, Any]:
    """What the device is, and its rates."""
    on_gpu = room.device == "cuda"
    name = torch.cuda.get_device_name() if on_gpu else f"{torch.get_num_threads()} threads"
    versions = {"torch": torch.__version__, "cuda": torch.version.cuda, "lightning": lightning.__version__}
    return {"name": name, **versions, "convolutions_in_tf32": torch.backends.cudnn.allow_tf32, **asdict(measure_limits(room.device))}


def measure_step(room: Room, method: str, preset: str) -> dict[str, Any]:
    """Seconds, memory and counted operations of a step on random pictures, in bf16 and in 32 bits."""
    size = 32 if room.small else 256 if preset == "paper" else 64
    found: dict[str, Any] = {"picture": size}
    for precision in ("bf16", "32"):
        module = room.make_training(room.configure(method, preset, precision=precision, steps=10**6))
        n = module.config.training.batch_size
        batch = (make_random_moments(n, N_VIEWS, size, N_JOINTS),) * module.objective.n_moments
        if "tflop" not in found:
            one = tuple(moments.take(slice(0, 1)) for moments in batch)
            found |= {"batch": n, "tflop": count_step(module, [one])}  # type: ignore[arg-type]
        read_peak(room.device)
        seconds = time_steps(room, module, partial(repeat, batch))
        found[precision] = {"seconds": seconds, "peak_gb": read_peak(room.device), "tflop_per_second": found["tflop"] / seconds}
    return found


def measure_loading(room: Room) -> dict[str, Any]:
    """Samples per second of the loader alone, and the share of a step's time that is waited for it."""
    config = room.configure("discovery", "bkind3d", steps=10**5)
    module = room.make_training(config)
    sessions = [SessionFrames(paths) for paths in room.list_frames().values()][:-1]
    headings = {session.session: np.zeros(len(session), np.float32) for session in sessions}
    n = config.training.batch_size
    samples = module.objective.make_samples(sessions, headings, {}, config.training.steps * n, 0)

    with TemporaryDirectory() as folder:
        trainer = make_trainer(config, room.machine, [], Path(folder))
        loader, number = iter(make_loader(samples, config, room.machine, trainer, 0)), 0
        next(loader)
        begin = time.perf_counter()
        while time.perf_counter() - begin < room.seconds:
            next(loader)
            number += n
        alone = number / (time.perf_counter() - begin)
    del loader
    loaded = time_steps(room, module, lambda trainer: make_loader(samples, config, room.machine, trainer, 0))
    batch = collate_moments([samples[index] for index in range(n)])
    held = time_steps(room, room.make_training(config), partial(repeat, batch))
    workers = room.machine.count_workers(torch.get_num_threads())
    return {"workers": workers, "samples_per_second": alone, "step_seconds": loaded, "waiting_share": max(0.0, 1 - held / loaded)}


def measure_prediction(room: Room) -> dict[str, Any]:
    """Frames per second, headings left out, and how far positions are from those of a processor in 32 bits (voxels)."""
    session = SessionFrames([*room.list_frames().values()][-1])
    headings = np.zeros(len(session), np.float32)
    model = load_model(room.folder / "model.pt")[0].eval()
    _, views = next(iterate_batches(session, COMPARED))
    turns = torch.zeros(len(views.sides))
    with torch.inference_mode():
        exact = model(views, turns).positions
    voxel = session.side / model.config.volume_size  # type: ignore[attr-defined]
    everything, found = session.usable, {}
    for precision in ("32", "bf16"):
        other = copy.deepcopy(model).to(room.device)
        if precision == "bf16":
            other.round_products()
        with torch.inference_mode():
            there = other(views.to(room.device), turns.to(room.device)).positions.cpu()
        rates = {}
        for batch in (4,) if room.small else (4, 16, 64):
            session.usable = everything[: batch if room.small else None]
            predict_keypoints(other, session, headings, batch, room.device)
            begin = wait()
            predict_keypoints(other, session, headings, batch, room.device)
            rates[batch] = len(session.usable) / (wait() - begin)
        found[precision] = {"frames_per_second": rates, "largest_distance_voxels": float((there - exact).norm(dim=-1).max()) / voxel}
    return found


def measure_training(room: Room) -> dict[str, Any]:
    """Train on all sessions but the last, and judge its keypoints: PA-MPJPE after a linear regression, beside the mean pose."""
    frames = room.list_frames()
    *learned, judged = frames
    config = room.configure("discovery", "demo", steps=room.steps)
    begin = wait()
    with TemporaryDirectory() as folder:
        store = train_model(config, {name: frames[name] for name in learned}, folder, room.machine)
        seconds = wait() - begin
        model = load_model(store / "model.pt")[0].eval().to(room.device)
    poses = {name: read_poses(room, model, name, frames[name]) for name in frames}
    known, joints = (np.concatenate([poses[name][part] for name in learned]) for part in range(2))
    regression = LinearRegression().fit(known.reshape(len(known), -1), joints.reshape(len(joints), -1))
    found = regression.predict(poses[judged][0].reshape(len(poses[judged][0]), -1)).reshape(poses[judged][1].shape)
    mean = np.broadcast_to(joints.mean(axis=0), found.shape).copy()
    errors = {
        name: float(np.nanmean(measure_errors(given, poses[judged][1]).pa_mpjpe)) for name, given in (("found", found), ("mean", mean))
    }
    return {"steps": room.steps, "seconds": seconds, "pa_mpjpe": errors["found"], "mean_pose": errors["mean"]}


def read_poses(room: Room, model: Any, name: str, paths: list[Path]) -> tuple[Any, Any]:
    """Keypoints and joints of some frames of a session, each about the keypoints' centre."""
    session = SessionFrames(paths)
    session.usable = session.usable[:: 50 if room.small else 4]
    joints = read_points(room.folder / "joints" / f"{name}.parquet", "joints").positions_at(session.frames[session.usable])
    table = predict_keypoints(model, session, model.find_headings(session, room.device), 16, room.device)
    points = table[["x", "y", "z"]].to_numpy().reshape(len(session), -1, 3)[session.usable]
    whole = np.isfinite(points).all(axis=(1, 2)) & np.isfinite(joints).all(axis=(1, 2))
    middle = points[whole].mean(axis=1, keepdims=True)
    return points[whole] - middle, joints[whole] - middle


def make_batches(room: Room, module: Training) -> Callable[[int], tuple[Moments, ...]]:
    """The batch of every step of a training on the first session."""
    session = SessionFrames(next(iter(room.list_frames().values())))
    n = module.config.training.batch_size
    headings = {session.session: np.zeros(len(session), np.float32)}
    samples = module.objective.make_samples([session], headings, {}, 10**6, 0)
    return lambda step: collate_moments([samples[step * n + number] for number in range(n)])


def take_steps(module: Training, optimizer: torch.optim.Optimizer, batches: Callable[[int], tuple[Moments, ...]], steps: range) -> float:
    """Do some steps of the optimiser in 32 bits; give the last loss."""
    loss = torch.zeros(())
    for module.step in steps:
        optimizer.zero_grad()
        draws = module.objective.draw(module.step, N_VIEWS, module.config.training.batch_size)
        terms = module.compute(batches(module.step), draws)
        loss = torch.stack(list(terms.values())).sum()
        commit_running_means(module)
        optimizer.step()
    return float(loss)


def measure_agreement(room: Room) -> dict[str, Any]:
    """Points after a few steps from the same weights: device against processor, and processor against itself with other rounding."""
    config, answers = room.configure("discovery", "demo", precision="32", steps=room.short), {}
    for name, device, micro_batch in (("device", room.device, 0), ("processor", "cpu", 0), ("rounded", "cpu", 1)):
        module = room.make_training(config).to(device)
        module.micro_batch = micro_batch or module.micro_batch
        batches = make_batches(room, module)
        loss = take_steps(module, module.configure_optimizers()["optimizer"], batches, range(room.short))
        views = batches(room.short)[0].views.to(device)
        with torch.inference_mode():
            points = module.eval().model(views, torch.zeros(len(views.sides), device=device)).positions.cpu()
        answers[name] = loss, points, float(views.sides[0]) / config.model.volume_size  # type: ignore[attr-defined]
    apart = {
        name: float((answers[name][1] - answers["processor"][1]).norm(dim=-1).mean()) / answers[name][2] for name in ("device", "rounded")
    }
    return {
        "steps": room.short,
        "voxels": apart["device"],
        "voxels_by_rounding": apart["rounded"],
        "losses": [a[0] for a in answers.values()],
    }


def measure_resume(room: Room) -> dict[str, Any]:
    """Largest difference of a weight: steps straight, and with all that is stored written and read in the middle."""
    config, half = room.configure("discovery", "demo", precision="32", steps=room.short), room.short // 2
    straight = room.make_training(config).to(room.device)
    batches, optimizer = make_batches(room, straight), straight.configure_optimizers()["optimizer"]
    take_steps(straight, optimizer, batches, range(half))
    file = io.BytesIO()
    torch.save((straight.state_dict(), optimizer.state_dict()), file)
    take_steps(straight, optimizer, batches, range(half, room.short))
    file.seek(0)
    state, optimizer_state = torch.load(file, weights_only=True, map_location="cpu")
    resumed = room.make_training(config).to(room.device)
    resumed.load_state_dict(state)
    optimizer = resumed.configure_optimizers()["optimizer"]
    optimizer.load_state_dict(optimizer_state)
    take_steps(resumed, optimizer, batches, range(half, room.short))
    pairs = zip(straight.parameters(), resumed.parameters(), strict=True)
    return {"steps": room.short, "largest_difference": max(float((one - other).detach().abs().max()) for one, other in pairs)}


MEASUREMENTS: dict[str, Callable[..., dict[str, Any]]] = {
    "machine": measure_machine,
    "prediction": measure_prediction,
    "loading": measure_loading,
    "training": measure_training,
    "agreement": measure_agreement,
    "resume": measure_resume,
    "step": measure_step,
}


def list_measurements() -> list[str]:
    """Names of all measurements: steps come last, a name for each preset of each method."""
    presets = [f"step {method} {preset}" for method in list_methods() for preset in find_settings(method).presets]
    return [*(name for name in MEASUREMENTS if name != "step"), *presets]


def work(room: Room, names: list[str]) -> None:
    """Measure one after the other, and print a line of JSON for each."""
    torch.set_float32_matmul_precision("highest")
    keep_freed_memory()
    for name in names:
        what, *arguments = name.split()
        begin = time.perf_counter()
        try:
            found = MEASUREMENTS[what](room, *arguments)
        except Exception as error:  # noqa: BLE001 (told in the file; the next one goes on)
            found = {"failed": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}
        print(f"\n{json.dumps([name, found | {'took': round(time.perf_counter() - begin, 1)}])}", flush=True)


def read_lines(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    """Pass on what a process prints, and nothing more once it has ended."""
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put("")


def gather(command: list[str], names: list[str], seconds: float) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give each measurement once it is there; those that take too long, and those for which no time is left, as failed."""
    end, waiting = time.monotonic() + seconds, list(names)
    while waiting:
        lines: queue.Queue[str] = queue.Queue()
        with subprocess.Popen([*command, "--work", ",".join(waiting)], stdout=subprocess.PIPE, text=True) as process:
            threading.Thread(target=read_lines, args=(process, lines), daemon=True).start()
            begun, failed = time.monotonic() + BEGIN, ""
            while waiting and not failed:
                seconds = SECONDS[waiting[0].split()[0]]
                try:
                    line = lines.get(timeout=max(min(begun + seconds, end) - time.monotonic(), 0.0))
                except queue.Empty:
                    failed = f"not done within {seconds} s, or the time of all"
                    continue
                if not line:
                    failed = "its process has ended"
                elif line.startswith("["):
                    name, found = json.loads(line)
                    waiting.remove(name)
                    yield name, found
                    begun = time.monotonic()
            process.kill()
        if failed:
            yield waiting.pop(0), {"failed": failed}


def add_shares(results: dict[str, Any]) -> None:
    """Say how much of the device's own matrix product a step reaches."""
    rates = results.get("machine", {})
    for found in results.values():
        for precision in ("bf16", "32"):
            if "tflop_per_second" in found.get(precision, {}) and f"matrix_{precision}" in rates:
                found[precision]["share"] = 1e12 * found[precision]["tflop_per_second"] / rates[f"matrix_{precision}"]


def main() -> None:
    """Measure, and write the file after each measurement."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", default="cuda", choices=["cpu", "cuda"])
    parser.add_argument("--output", type=Path, default=Path("gpu.json"))
    parser.add_argument("--seconds", type=float, default=ALL, help="of everything")
    parser.add_argument("--small", action="store_true", help="little of everything, to check that it runs")
    parser.add_argument("--only", default="", help="measurements, separated by commas: " + ", ".join(list_measurements()))
    parser.add_argument("--work", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    amount = (0.2, 2, 2, True) if options.small else (3.0, 600, 20, False)
    if options.work:
        work(Room(options.folder, options.device, *amount), options.work.split(","))
        return
    names = options.only.split(",") if options.only else list_measurements()
    command = [sys.executable, "-m", "benchmarks.gpu", str(options.folder), "--device", options.device]
    results: dict[str, Any] = {}
    for name, found in gather([*command, *(["--small"] if options.small else [])], names, options.seconds):
        results[name] = found
        add_shares(results)
        options.output.write_text(json.dumps(results, indent=1) + "\n")
        print(f"{name}: {json.dumps(found)}", flush=True)


if __name__ == "__main__":
    main()
