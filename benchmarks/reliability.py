"""``python -m benchmarks.reliability STUDY``: what confidences of keypoints are worth, on the sessions whose joints are known.

Predicts the test sessions of an experiment again and compares, frame by frame and keypoint by keypoint: what the network says
by itself (the share of a heatmap near its mean), and the confidence that is fitted to the session without truth. Both are
held against what the confidence claims (the keypoint stays where it is with one camera less, in moments that taught nothing),
and against the truth: the keypoint lies within the same distance of where it belongs. Where it belongs is a mixture of the
true joints that training frames teach (:mod:`bkind3d.evaluation.swaps`).
"""

import argparse
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr

from bkind3d.checkpoint import load_model
from bkind3d.data.datasets import SessionFrames
from bkind3d.data.points import read_points
from bkind3d.evaluation.labelled_frames import TEST, TRAIN, all_known, split_blocks
from bkind3d.evaluation.swaps import learn_places, place_keypoints
from bkind3d.inference.confidence import WITHIN, calibrate_confidences, choose_moments, look_again
from bkind3d.inference.prediction import predict_keypoints
from bkind3d.study.opening import open_study
from bkind3d.study.study import Study

#: Bins of the reliability plot, and moments that are compared with the claim.
N_BINS, N_MOMENTS = 10, 60

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """Chances that were stated, and whether what they claim came true; flat."""

    name: str
    chances: Values
    true: NDArray[np.bool_]

    def bins(self) -> pd.DataFrame:
        """Mean chance and share of truth in each tenth of the chances, and how many fall into it."""
        number = np.minimum((self.chances * N_BINS).astype(int), N_BINS - 1)
        return (
            pd.DataFrame({"bin": number, "stated": self.chances, "came_true": self.true})
            .groupby("bin")
            .agg(stated=("stated", "mean"), came_true=("came_true", "mean"), n=("stated", "size"))
        )

    def summarise(self) -> dict[str, Any]:
        """Expected calibration error (Naeini 2015), Brier score, and that of an answer that is always the same."""
        bins = self.bins()
        error = float(((bins["stated"] - bins["came_true"]).abs() * bins["n"]).sum() / bins["n"].sum())
        share = float(self.true.mean())
        brier = float(np.square(self.chances - self.true).mean())
        return {"stated": float(self.chances.mean()), "came_true": share, "ece": error, "brier": brier, "constant": share * (1 - share)}


def measure_errors(study: Study, experiment: str, model: str, tests: list[str]) -> dict[str, Values]:
    """Distance of every keypoint from where it belongs, world units, in every frame of the test sessions; NaN in frames that teach."""
    config = study.config.experiments[experiment].evaluation
    find_keypoints = study.results.keypoints if model == "model" else study.results.untrained_keypoints
    known: dict[str, tuple[Values, Values, NDArray[np.int64]]] = {}
    for name, row in study.sessions.items():
        path = find_keypoints(experiment, name)
        if not row.joints or not path.exists():
            continue
        points = read_points(path, "keypoints")
        joints = read_points(study.results.joints(name), "joints").positions_at(points.frames)
        part = np.full(len(points.frames), {"train": TRAIN, "test": TEST}.get(row.split, 0))
        if config.split == "blocks":
            part = split_blocks(len(points.frames), config.block_frames, config.border_frames)
        known[name] = (points.positions, joints, np.where(all_known(points.positions) & all_known(joints), part, 0))
    taught = [(points[part == TRAIN], joints[part == TRAIN]) for points, joints, part in known.values()]
    weights = learn_places(*(np.concatenate(group) for group in zip(*taught, strict=True)))
    errors = {name: np.linalg.norm(known[name][0] - place_keypoints(weights, known[name][1]), axis=2) for name in tests}
    return {name: np.where((known[name][2] == TEST)[:, None], values, np.nan) for name, values in errors.items()}


def judge_session(study: Study, experiment: str, model: str, session: str, errors: Values) -> tuple[list[Judged], dict[str, Any]]:
    """Predict a session, calibrate its confidences, and hold both against claim and truth."""
    network, _ = load_model((study.results.model if model == "model" else study.results.untrained_model)(experiment))
    network, frames = network.eval(), SessionFrames(sorted(study.find_frames(experiment, session).values()))
    headings = network.find_headings(frames)
    found = predict_keypoints(network, frames, headings)
    look = look_again(network, frames, headings)
    table, details = calibrate_confidences(found, look, frames.side)
    own, fitted = (values["confidence"].to_numpy(np.float64).reshape(errors.shape) for values in (found, table))
    others = np.setdiff1d(frames.usable, choose_moments(frames.usable))
    others = others[np.linspace(0, len(others) - 1, min(N_MOMENTS, len(others))).round().astype(int)]
    again = look_again(network, frames, headings, moments=others)
    stayed = again.fewer_views < WITHIN * frames.side
    rows = np.isfinite(errors).all(axis=1)
    near = errors[rows] < WITHIN * frames.side
    within = [
        spearmanr(-fitted[rows][:, k], errors[rows][:, k]).statistic for k in range(errors.shape[1]) if np.ptp(fitted[rows][:, k]) > 0
    ]
    details |= {"session": session, "near": near.mean(), "rank_correlation_within_keypoints": float(np.mean(within)) if within else None}
    details["rank_correlation"] = float(spearmanr(-fitted[rows].ravel(), errors[rows].ravel()).statistic)
    judged = [
        Judged("heatmap's share, against the truth", own[rows].ravel(), near.ravel()),
        Judged("fitted, against what it claims", fitted[others].ravel(), stayed.ravel()),
        Judged("fitted, against the truth", fitted[rows].ravel(), near.ravel()),
    ]
    return judged, details


def plot_reliability(judged: list[Judged], path: Path) -> None:
    """Share that came true against what was stated; the size of a point is its share of the answers."""
    mpl.use("Agg")
    figure, axis = plt.subplots(figsize=(5, 5), layout="constrained")
    axis.plot([0, 1], [0, 1], color="#b0b0b0", linewidth=1)
    for entry, colour in zip(judged, ("#b0643c", "#7aa874", "#1f6f8b"), strict=True):
        bins = entry.bins()
        axis.plot(bins["stated"], bins["came_true"], color=colour, linewidth=1)
        axis.scatter(bins["stated"], bins["came_true"], s=10 + 250 * bins["n"] / bins["n"].sum(), color=colour, label=entry.name)
    axis.set(xlim=(0, 1), ylim=(0, 1), xlabel="stated", ylabel="came true", aspect="equal")
    axis.legend(loc="lower right", fontsize=8)
    figure.savefig(path)
    plt.close(figure)


def main() -> None:
    """Judge one experiment's test sessions; print figures and draw the plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, help="folder of a study that ran to results/tables/pose.csv")
    parser.add_argument("--experiment", default="demo", help="experiment")
    parser.add_argument("--model", default="model", choices=["model", "untrained"], help="which network")
    parser.add_argument("--plot", type=Path, help="file of the reliability plot (SVG or PNG)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    torch.set_num_threads(1)
    study = open_study(arguments.study)
    pose = json.loads(study.results.pose(arguments.experiment).read_text())
    tests = pose["split"]["test"]["sessions"]
    errors = measure_errors(study, arguments.experiment, arguments.model, tests)
    parts = []
    for session in tests:
        judged, details = judge_session(study, arguments.experiment, arguments.model, session, errors[session])
        print(json.dumps(details))
        print(pd.DataFrame([entry.summarise() for entry in judged], index=[entry.name for entry in judged]).round(3).to_string())
        parts.append(judged)
    whole = [
        Judged(group[0].name, np.concatenate([part.chances for part in group]), np.concatenate([part.true for part in group]))
        for group in zip(*parts, strict=True)
    ]
    print(f"all {len(tests)} test sessions:")
    print(pd.DataFrame([entry.summarise() for entry in whole], index=[entry.name for entry in whole]).round(3).to_string())
    if arguments.plot:
        plot_reliability(whole, arguments.plot)


if __name__ == "__main__":
    main()
