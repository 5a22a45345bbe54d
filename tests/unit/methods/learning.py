"""A method learns on a tiny scene: four coloured balls on a body that turns and bends, seen by three cameras."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from bkind3d.config import ExperimentConfig, parse_section
from bkind3d.data.datasets import SessionFrames, Views, collate_moments
from bkind3d.geometry.alignment import align_similarity
from bkind3d.losses.running_mean import commit_running_means
from bkind3d.training.module import Training
from tests.unit.scenes import SIDE, make_body, write_session

NAMES = ("nose", "neck", "hip", "tail")


def learn(folder: Path, values: dict[str, Any], n_steps: int, n_frames: int = 24) -> tuple[list[float], list[float], Training]:
    """Train on two sessions.

    Returns
    -------
    before, after : mean distance from the true balls in the first session, shares of the cube's side, as found and once aligned to them.
    """
    config = parse_section(
        ExperimentConfig, {"frames": "f", **values, "training": {"steps": n_steps, "precision": "32", **values["training"]}}, "t"
    )
    sessions = [SessionFrames(write_session(folder, name, n_frames=n_frames, seed=seed)) for seed, name in enumerate(("one", "two"))]
    truth = {session.session: make_body(n_frames, seed).astype(np.float32) for seed, session in enumerate(sessions)}
    headings = {session.session: np.zeros(n_frames, np.float32) for session in sessions}
    torch.manual_seed(0)
    module = Training(config.for_cameras(3), NAMES if config.description.role == "supervised" else ())
    optimiser = module.configure_optimizers()
    n = config.training.batch_size
    samples = module.objective.make_samples(sessions, headings, truth, n_steps * n, 0)
    views = sessions[0].decode(np.arange(0, n_frames, 2))
    before = measure(module, views, truth["one"][::2])
    for step in range(n_steps):
        module.step = step
        optimiser["optimizer"].zero_grad()
        module.compute(collate_moments([samples[step * n + index] for index in range(n)]), module.objective.draw(step, 3, n))
        commit_running_means(module)
        torch.nn.utils.clip_grad_norm_(module.parameters(), config.training.gradient_clip)
        optimiser["optimizer"].step()
        optimiser["lr_scheduler"]["scheduler"].step()
    return before, measure(module, views, truth["one"][::2]), module


def measure(module: Training, views: Views, truth: np.ndarray) -> list[float]:
    """Mean distance from the truth, as found and aligned, where there are as many points."""
    module.eval()
    with torch.inference_mode():
        points = module.model(views, torch.zeros(len(views.sides))).positions
    module.train()
    if points.shape[1] != truth.shape[1]:
        return []
    aligned = align_similarity(points, torch.from_numpy(truth))
    return [float(np.linalg.norm(found.numpy() - truth, axis=-1).mean() / SIDE) for found in (points, aligned)]
