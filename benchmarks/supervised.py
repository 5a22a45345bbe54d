"""The ceiling: the demo's network, trained for as many steps on the true joints that discovery never sees."""

from pathlib import Path

import numpy as np
import torch

from bkind3d.config import ExperimentConfig, parse_section
from bkind3d.data.datasets import PairDataset, SessionFrames, Views, iterate_batches
from bkind3d.evaluation.metrics import measure_errors
from bkind3d.evaluation.recordings import read_points
from bkind3d.methods.draws import draw_step
from bkind3d.networks.detector import KeypointDetector
from bkind3d.networks.heading_fit import find_headings
from bkind3d.study.study import load_study, read_yaml
from bkind3d.training.machine import uses_bf16
from bkind3d.training.module import Training


class LabelledPairs(PairDataset):
    """The samples of :class:`PairDataset`, the first moment of each, with its joints in world units."""

    def __init__(self, sessions: list[SessionFrames], joints: dict[str, np.ndarray], length: int, seed: int) -> None:
        super().__init__(sessions, length, 0, seed)
        self.joints = joints

    def sample(self, index: int) -> tuple[Views, torch.Tensor]:
        """Draw one moment and its joints."""
        rng = np.random.default_rng((self.seed, index))
        session = self.sessions[rng.choice(len(self.sessions), p=self._shares)]
        moment = int(rng.choice(session.usable))
        return session.decode(moment, self.n_views), torch.from_numpy(self.joints[session.session][moment][None]).float()


def measure_ceiling(folder: Path, seed: int, steps: int) -> float:
    """PA-MPJPE, in the joints' units, of the network's own joints on the test sessions, after training on the others'."""
    study = load_study(read_yaml(folder / "config/config.yaml"))
    sessions = {name: SessionFrames(sorted((folder / "results/frames/subject" / name).glob("*.parquet"))) for name in study.sessions}
    joints = {name: read_points(folder / f"results/joints/{name}.parquet", "joints") for name in sessions}
    truth = {name: points.positions_at(sessions[name].frames) for name, points in joints.items()}
    names = next(iter(joints.values())).names
    settings = {"preset": "demo", "frames": "subject", "model": {"n_keypoints": len(names), "n_symmetric_pairs": 0, "place_spread": None},
                "training": {"steps": steps, "seed": seed}}  # fmt: skip
    module = Training(parse_section(ExperimentConfig, settings, "ceiling"))
    detector = module.model.detector
    trained = [session for name, session in sessions.items() if study.sessions[name].split == "train"]
    train_detector(module, trained, truth)
    errors = []
    for name, session in sessions.items():
        if study.sessions[name].split == "test":
            assert detector.headings is not None
            detector.headings.find(session)
            found = predict(detector, session)
            centred = truth[name][session.usable]
            errors.append(measure_errors(found - found.mean(axis=1, keepdims=True), centred - centred.mean(axis=1, keepdims=True)).pa_mpjpe)
    return float(np.nanmean(np.concatenate(errors)))


def train_detector(module: Training, sessions: list[SessionFrames], truth: dict[str, np.ndarray]) -> None:
    """Train on the mean distance to the joints, with the experiment's optimiser and random cubes."""
    torch.manual_seed(module.config.training.seed)
    settings, detector = module.config.training, module.model.detector
    assert detector.headings is not None
    find_headings(detector.headings, sessions, settings.seed)
    data = LabelledPairs(sessions, truth, settings.steps, settings.seed)
    made = module.configure_optimizers()
    optimizer, schedule = made["optimizer"], made["lr_scheduler"]["scheduler"]
    n_moments = 2 * settings.batch_size  # as many as discovery sees in its pairs
    for step in range(settings.steps):
        samples = [data.sample(step * n_moments + index) for index in range(n_moments)]
        views, joints = Views.stack([moment for moment, _ in samples]), torch.cat([pose for _, pose in samples])
        draws = draw_step(module.config, step, views.present.shape[1])
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=uses_bf16(settings.precision, "cpu")):
            estimate = detector(views, draws.turns, None, draws.shifts)
        loss = ((estimate.positions - joints).norm(dim=-1) / views.sides[:, None]).nanmean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), settings.gradient_clip)
        optimizer.step()
        schedule.step()


@torch.inference_mode()
def predict(detector: KeypointDetector, session: SessionFrames) -> np.ndarray:
    """Joints of all usable frames (frame, joint, 3), world units."""
    detector.eval()
    return np.concatenate([detector(views).positions.numpy() for _, views in iterate_batches(session, 16)])
