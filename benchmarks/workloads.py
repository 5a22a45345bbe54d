"""What is profiled: the training and the model of an experiment, on a study's pictures or on random ones."""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import nn

from bkind3d.checkpoint import Provenance, load_model, save_model
from bkind3d.config import ExperimentConfig, InputError, parse_section
from bkind3d.data.datasets import Moments, PerSession, SessionFrames, collate_moments
from bkind3d.losses.perceptual import PerceptualLoss, Vgg19Features, build_features
from bkind3d.methods.base import Model
from bkind3d.study.opening import load_study
from bkind3d.training.labels import read_labels
from bkind3d.training.module import Training
from bkind3d.training.sample_memory import N_JOINTS, make_random_moments


class RandomVgg19(Vgg19Features):
    """VGG19 with random weights, which cost what the published ones cost."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.features = build_features()
        for name in ("mean", "std"):
            self.register_buffer(name, torch.full((3, 1, 1), 0.5))


def build_training(config: ExperimentConfig, names: list[str]) -> tuple[Training, str]:
    """Set up a training, with random weights where published ones cannot be had, and say so; they cost the same."""
    wanted = config.losses.perceptual_features
    try:
        return Training(config, names), ""
    except InputError:
        module = Training(config.without_published_weights(), names)
    if wanted == "vgg19":
        module.objective.perceptual = PerceptualLoss(RandomVgg19())
    elif wanted not in ("none", "pyramid"):
        module.objective.perceptual = None
        return module, f"without the perceptual loss ({wanted}), whose weights are not here"
    return module, "random weights in place of published ones, which are not here; a random encoder has group normalisation"


@dataclass(frozen=True)
class Workload:
    """What is profiled: an experiment, and the study that it is of, or none: then pictures are random.

    Attributes
    ----------
    config : with the settings that are asked for.
    frames : of the training sessions.
    names, truth : of a supervised method: its joints, and where they are.
    model : trained; none where the settings are not the study's.
    """

    config: ExperimentConfig
    sessions: Sequence[SessionFrames] = ()
    frames: Sequence[Sequence[Path]] = ()
    names: Sequence[str] = ()
    truth: PerSession = field(default_factory=dict)
    model: Path | None = None

    def make_batches(self, module: Training, options: argparse.Namespace) -> Callable[[int], tuple[Moments, ...]]:
        """Give what makes the batch of a step."""
        n_batch, objective = module.config.training.batch_size, module.objective
        if not self.sessions:
            moments = make_random_moments(n_batch, options.views, options.image, N_JOINTS)
            return lambda step: (moments,) * objective.n_moments
        headings = {session.session: np.zeros(len(session), np.float32) for session in self.sessions}
        samples = objective.make_samples(self.sessions, headings, self.truth, 10**6, 0)
        return lambda step: collate_moments([samples[step * n_batch + number] for number in range(n_batch)])

    def find_model(self, module: Training, folder: Path) -> tuple[Model, Provenance]:
        """The study's trained model; one before its first step where there is none."""
        path = self.model
        if path is None:
            module.model.prepare(self.sessions[:1], self.config.training)
            stated = self.config.model_dump_json()
            path = folder / "model.pt"
            save_model(
                module.model, Provenance("profile", 0, self.sessions[0].units, 0, experiment=stated, method=self.config.method), path
            )
        return load_model(path)


def choose_workload(options: argparse.Namespace) -> Workload:
    """Read what is asked for; InputError where a study has no frames yet."""
    if options.study is None:
        started = {"method": options.method, "preset": options.preset or "demo", "frames": "frames"}
        config = override(parse_section(ExperimentConfig, started, "--preset"), options)
        return Workload(config, names=[f"joint{number}" for number in range(N_JOINTS)] * (config.description.role == "supervised"))
    study = load_study(folder=options.study)
    name = options.experiment or next(iter(study.config.experiments))
    if name not in study.config.experiments:
        raise InputError(f"--experiment {name}", f"the study has {', '.join(study.config.experiments)}")
    config = override(study.config.experiments[name], options)
    frames = {session: [*study.find_frames(name, session).values()] for session in study.list_sessions("train")}
    missing = next((path for paths in frames.values() for path in paths if not path.exists()), None)
    if missing is not None:
        raise InputError(missing, "is not there", "run the workflow first, or leave out the study")
    sessions = [SessionFrames(paths) for paths in frames.values()]
    names, truth = [], {}
    if config.description.role == "supervised":
        joints = {session: study.results.joints(session) for session in study.list_sessions("train", joints=True)}
        names, truth = read_labels(joints, sessions)
    model = study.results.model(name)
    is_its = config == study.config.experiments[name] and model.exists()
    return Workload(config, sessions, [*frames.values()], names, truth, model if is_its else None)


def override(config: ExperimentConfig, options: argparse.Namespace) -> ExperimentConfig:
    """The experiment with another preset, batch, or other settings."""
    values: dict[str, Any] = json.loads(config.model_dump_json(exclude_unset=True))
    if options.preset:
        values = {"method": options.method, "preset": options.preset, "frames": config.frames}
    changed = yaml.safe_load(options.settings) or {}
    if options.batch:
        changed["training"] = {**changed.get("training", {}), "batch_size": options.batch}
    for section, keys in changed.items():
        values[section] = {**values.get(section, {}), **keys} if isinstance(keys, dict) else keys
    return parse_section(ExperimentConfig, values, "--settings")
