"""``python -m benchmarks.ablation STUDY``: the ladder from the paper's objective to ours, rung by rung, on the demo's rats.

Every rung is an experiment of one study, so the workflow trains, judges and resumes it as it does any other. All rungs
have the same frames, cube, volume and network size, keypoints, optimiser and minutes of one core; the number of steps
follows from the time of a step, measured once. Beside them stands a ceiling: the same network, taught by true joints for as many
steps as the last rung.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml

from bkind3d.config import ExperimentConfig, parse_section
from bkind3d.data.datasets import SessionFrames, collate_moments
from bkind3d.methods.discovery.settings import DiscoveryExperiment
from bkind3d.methods.supervised.settings import SupervisedExperiment
from bkind3d.networks.processor import uses_bf16
from bkind3d.study.opening import load_study, read_yaml
from bkind3d.training.module import Training

KEYPOINTS = 15
#: The experiment that learns from joints.
CEILING = "supervised"
#: Stages of a finished demo that a new study may start from.
SHARED = ("simulation", "config", "calibration", "joints", "survey", "location", "frames")
_OFF: dict[str, Any] = {
    "model": {"heading": False, "place_spread": None, "n_symmetric_pairs": 0, "hull_prior": 0.0, "encoder": "resnet18", "reconstruction": True},
    "losses": {"reconstruction": 1.0, "perceptual": "pyramid", "separation": 1.0, "separation_sigma": 0.03, "length": 1.0, "silhouette": 0.0,
               "coverage": 0.0, "consistency": 0.0, "inside": 0.0},
    "training": {"turn_degrees": 0.0, "jitter": 0.0},
}  # fmt: skip
#: What each rung changes of the rung before it.
LADDER: dict[str, dict[str, Any]] = {
    "paper_objective": _OFF,
    "hull": {
        "model": {"hull_prior": 1.0, "encoder": "none", "reconstruction": False},
        "losses": {"reconstruction": 0.0, "length": 0.0, "silhouette": 1.0, "coverage": 15.0, "inside": 0.2, "separation": 1.2, "separation_sigma": 0.05},
    },
    "consistency": {"losses": {"consistency": 2.0}, "training": {"turn_degrees": 180.0, "jitter": 0.05}},
    "weak_separation": {"losses": {"separation": 0.1}},
    "pairs": {"model": {"n_symmetric_pairs": 4}},
    "heading": {"model": {"heading": True}, "training": {"turn_degrees": 30.0}},
    "places": {"model": {"place_spread": 0.13}},
}  # fmt: skip


def climb() -> dict[str, dict[str, Any]]:
    """Settings of every rung, with all changes of the rungs below."""
    settings: dict[str, dict[str, Any]] = {"model": {"n_keypoints": KEYPOINTS}, "losses": {}, "training": {}}
    rungs = {}
    for name, change in LADDER.items():
        settings = {section: {**settings[section], **change.get(section, {})} for section in settings}
        rungs[name] = settings
    return rungs


def seconds_per_step(settings: dict[str, Any], frames: dict[str, list[Path]], steps: int = 12) -> float:
    """Processor time of one step on one core, without loading (which a second core does meanwhile)."""
    config = parse_section(ExperimentConfig, {"preset": "demo", "frames": "subject", **settings}, "ablation")
    sessions = [SessionFrames(paths) for paths in frames.values()]
    headings = {session.session: np.zeros(len(session), np.float32) for session in sessions}  # of no account for the time
    module, n = Training(config), config.training.batch_size
    samples = module.objective.make_samples(sessions, headings, {}, n, 0)
    batch = collate_moments([samples[index] for index in range(n)])
    torch.set_num_threads(1)
    for step in range(steps):
        if step == 2:  # the first steps allocate
            started = time.process_time()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=uses_bf16(config.training.precision, "cpu")):
            module.compute(batch, module.objective.draw(step, batch[0].views.present.shape[1], n))
    return (time.process_time() - started) / (steps - 2)


def prepare(folder: Path, demo: Path, minutes: float, seeds: list[int], rungs: list[str], with_ceiling: bool) -> None:
    """Write the study: the demo's settings with one experiment per rung and seed; start from what the demo has done."""
    if not (folder / "results").exists():
        for name in SHARED:
            shutil.copytree(demo / "results" / name, folder / "results" / name)
    shutil.copytree(demo / "config", folder / "config", dirs_exist_ok=True)
    study = load_study(read_yaml(demo / "config/config.yaml"))
    trained = [name for name, row in study.sessions.items() if row.split == "train"]
    frames = {name: sorted((demo / "results/frames/subject" / name).glob("*.parquet")) for name in trained}
    measured = folder / "seconds_per_step.json"
    times = json.loads(measured.read_text()) if measured.exists() else {}
    experiments = {}
    for name, settings in climb().items():
        if name not in rungs:
            continue
        times.setdefault(name, seconds_per_step(settings, frames))
        for seed in seeds:
            training = {**settings["training"], "steps": round(60 * minutes / times[name]), "seed": seed}
            experiments[f"{name}_{seed}"] = {"preset": "demo", "frames": "subject", **settings, "training": training}
    if with_ceiling:
        steps = [*experiments.values()][-1]["training"]["steps"]
        for seed in seeds:
            training = {"steps": steps, "seed": seed}
            experiments[f"{CEILING}_{seed}"] = {"method": "supervised", "frames": "subject", "training": training}
    measured.write_text(json.dumps(times, indent=1))
    config = yaml.safe_load((folder / "config/config.yaml").read_text())
    (folder / "config/config.yaml").write_text(yaml.safe_dump({**config, "experiments": experiments}, sort_keys=False))


def summarise(folder: Path) -> pd.DataFrame:
    """One row per rung, and for the ceiling: PA-MPJPE of every seed, beside the floors and oracles."""
    pose = pd.read_csv(folder / "results/tables/pose.csv")
    pose[["rung", "seed"]] = pose["experiment"].str.rsplit("_", n=1, expand=True)
    floors = pose.groupby("method")["pa_mpjpe"].mean()
    labels = [settings.description.label for settings in (DiscoveryExperiment, SupervisedExperiment)]
    found = pose[pose["method"].isin(labels)].pivot(index="rung", columns="seed", values="pa_mpjpe")
    found = found.reindex([*LADDER, CEILING]).dropna(how="all")
    untrained = pose[pose["method"] == "untrained"].groupby("rung")["pa_mpjpe"].mean()
    table = found.assign(mean=found.mean(axis=1), untrained=untrained, share_of_mean_pose=found.mean(axis=1) / floors["mean_pose"])
    for name in ("oracle_4", "oracle_8", "mean_pose"):
        table.loc[name, "mean"] = floors[name]
    return table


def main() -> None:
    """Prepare, run the workflow, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, help="folder of the study; made if it is not there, continued if it is")
    parser.add_argument("--demo", type=Path, default=Path(), help="project in which `make demo` was run")
    parser.add_argument("--minutes", type=float, default=15, help="processor minutes of every training")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds")
    parser.add_argument("--rungs", nargs="+", choices=[*LADDER], default=[*LADDER], help="rungs of the ladder")
    parser.add_argument("--cores", default="all", help="cores of the workflow")
    parser.add_argument("--ceiling", action="store_true", help="also teach the same network by true joints")
    arguments = parser.parse_args()
    prepare(arguments.study, arguments.demo, arguments.minutes, arguments.seeds, arguments.rungs, arguments.ceiling)
    command = ["snakemake", "--snakefile", str(Path(__file__).resolve().parents[1] / "Snakefile"), "--directory", str(arguments.study)]
    run = subprocess.run(
        [*command, "--cores", arguments.cores, "results/tables/pose.csv"], check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    if run.returncode:
        sys.exit(run.returncode)
    table = summarise(arguments.study)
    table.to_csv(arguments.study / "ablation.csv")
    print(table.round(2).to_string())


if __name__ == "__main__":
    main()
