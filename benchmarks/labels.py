"""How good named joints are from a few labelled frames: ``python benchmarks/labels.py STUDY``.

The study is one of simulated sessions with keypoints and true joints. Labels are simulated clicks: true joints, projected by the true cameras
with noise of 1 px in every view, triangulated by the study's own calibration. Printed are errors (world units) on sessions of subjects that no
label shows: with all frames labelled, with 30 that the study chooses, with 30 drawn at random (paired over draws); and how many true
positions the 90 % intervals hold, one subject held out after the other.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bkind3d.config import JointsConfig
from bkind3d.data.calibration_files import read_calibration
from bkind3d.data.points import Points, read_points
from bkind3d.geometry.lenses import project_through_lens
from bkind3d.geometry.triangulation import triangulate_pixels
from bkind3d.joints.choice import choose_frames
from bkind3d.joints.fitting import LabelledSession, fit_joints
from bkind3d.study.opening import open_study
from bkind3d.study.study import Study

LABELS, NOISE_PX, DRAWS = 30, 1.0, 10
#: Frames of a block of a single take, and those at its borders that are left out.
BLOCK, BORDER = 10, 2


def click(study: Study, session: str, joints: Points, generator: np.random.Generator) -> Points:
    """Joints as somebody who clicks them in all views, a pixel off, would make them."""
    rig = study.sessions[session].rig
    true, _ = read_calibration(study.results.true_calibration(rig))
    own, _ = read_calibration(study.results.calibration(rig))
    names = list(study.cameras[session])
    flat = joints.positions.reshape(-1, 3)
    pixels = [project_through_lens(true[name], flat) + generator.normal(scale=NOISE_PX, size=(len(flat), 2)) for name in names]
    return replace(joints, positions=triangulate_pixels([own[name] for name in names], np.stack(pixels)).reshape(joints.positions.shape))


def measure(sessions: Sequence[LabelledSession], tested: Sequence[LabelledSession]) -> tuple[float, list[float]]:
    """Mean error on the tested sessions, and the share of each one's joints within their intervals."""
    model = fit_joints(sessions, JointsConfig()).model
    errors, covered = [], []
    for entry in tested:
        found, spreads = model.predict(entry.keypoints)
        order = [entry.joints.names.index(name) for name in model.joints]
        distances = np.linalg.norm(found - entry.joints.positions_at(entry.keypoints.frames)[:, order], axis=2)
        errors.append(distances[np.isfinite(distances)])
        covered.append(float((distances <= spreads)[np.isfinite(distances)].mean()))
    return float(np.concatenate(errors).mean()), covered


def label(entry: LabelledSession, frames: Sequence[int]) -> LabelledSession:
    """The session with labels in some frames."""
    return replace(entry, chosen=np.isin(entry.keypoints.frames, list(frames)))


def compare_choices(taught: Sequence[LabelledSession], tested: Sequence[LabelledSession], draws: int) -> None:
    """Errors with all labels, and with 30 chosen and drawn ones."""
    everything, _ = measure(taught, tested)
    keypoints = {entry.session: entry.keypoints for entry in taught}
    pool = [(entry.session, int(frame)) for entry in taught for frame in entry.keypoints.frames]
    found: dict[str, list[float]] = {"chosen": [], "drawn": []}
    for seed in range(draws):
        drawn = [pool[index] for index in np.random.default_rng(seed).choice(len(pool), LABELS, replace=False)]
        chosen = choose_frames(keypoints, {entry.session: entry.subject for entry in taught}, LABELS, seed)
        for name, frames in (("chosen", chosen), ("drawn", drawn)):
            labelled = [label(entry, [frame for session, frame in frames if session == entry.session]) for entry in taught]
            found[name].append(measure([entry for entry in labelled if entry.chosen is not None and entry.chosen.any()], tested)[0])
    sys.stdout.write(f"all {len(pool)} frames labelled: {everything:.2f}\n")
    for name, values in found.items():
        sys.stdout.write(
            f"{LABELS} frames {name}: {np.mean(values):.2f} ({min(values):.2f} to {max(values):.2f}), {np.mean(values) / everything:.3f} of that\n"
        )
    difference = np.subtract(found["chosen"], found["drawn"])
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    sys.stdout.write(f"chosen - drawn: {difference.mean():.2f}, standard error {error:.2f}\n")


def compare_take(entry: LabelledSession, number: int, draws: int) -> None:
    """Errors on every second block of ten frames of one take, with all frames of the others labelled, and with some that are chosen or drawn."""
    points, rows = entry.keypoints, np.arange(len(entry.keypoints.frames))
    inner = (rows % BLOCK >= BORDER) & (rows % BLOCK < BLOCK - BORDER)  # neighbours that are averaged are of the same block
    taught, tested = (inner & (rows // BLOCK % 2 == part) for part in (0, 1))
    truth = entry.joints.positions_at(points.frames)
    joints = replace(entry.joints, frames=points.frames, time_s=points.time_s, positions=np.where(tested[:, None, None], truth, np.nan))
    held = [replace(entry, joints=joints)]
    everything, _ = measure([replace(entry, chosen=taught)], held)
    pool = replace(points, frames=points.frames[taught], time_s=points.time_s[taught], positions=points.positions[taught], confidences=None)
    sys.stdout.write(f"all {taught.sum()} frames labelled: {everything:.4f} on {tested.sum()} others\n")
    for name in ("chosen", "drawn"):
        found = []
        for seed in range(draws):
            chosen = [frame for _, frame in choose_frames({entry.session: pool}, {entry.session: entry.subject}, number, seed)]
            drawn = np.random.default_rng(seed).choice(pool.frames, number, replace=False)
            found.append(measure([label(entry, chosen if name == "chosen" else drawn)], held)[0])
        sys.stdout.write(
            f"{number} frames {name}: {np.mean(found):.4f} ({min(found):.4f} to {max(found):.4f}), {np.mean(found) / everything:.3f} of that\n"
        )


def cover(entries: Sequence[LabelledSession]) -> None:
    """The share of each subject's joints within the intervals of a fit to the others."""
    shares = {}
    for subject in dict.fromkeys(entry.subject for entry in entries):
        held = [entry for entry in entries if entry.subject == subject]
        shares[subject] = float(np.mean(measure([entry for entry in entries if entry.subject != subject], held)[1]))
    sys.stdout.write(f"within 90 % intervals, {len(shares)} subjects: {np.mean(list(shares.values())):.3f}\n")
    sys.stdout.writelines(f"  {subject}: {share:.3f}\n" for subject, share in shares.items())


def main() -> None:
    """Measure what the options say."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--cover", nargs="+", default=[], metavar="SESSION", help="measure intervals on these sessions, and nothing else")
    parser.add_argument("--take", type=int, metavar="LABELS", help="measure so many labels of the study's one session, and nothing else")
    parser.add_argument("--draws", type=int, default=DRAWS)
    arguments = parser.parse_args()
    study = open_study(arguments.study)
    experiment, generator = next(iter(study.config.experiments)), np.random.default_rng(0)
    entries = {}
    for name in arguments.cover or study.list_sessions(joints=True):
        keypoints = read_points(study.results.keypoints(experiment, name), "keypoints")
        joints = read_points(study.results.joints(name), "joints")
        entries[name] = LabelledSession(name, study.sessions[name].subject, keypoints, joints)
    if arguments.cover:
        cover(list(entries.values()))
        return
    if arguments.take:
        compare_take(next(iter(entries.values())), arguments.take, arguments.draws)
        return
    clicked = [
        replace(entries[name], joints=click(study, name, entries[name].joints, generator))
        for name in study.list_sessions("train", joints=True)
    ]
    compare_choices(clicked, [entries[name] for name in study.list_sessions("test", joints=True)], arguments.draws)


if __name__ == "__main__":
    main()
