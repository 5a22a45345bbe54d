"""Which frames to label: those of all sessions and subjects from which most is learned, given what is labelled."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from bkind3d.data.points import Points
from bkind3d.data.spacing import step_indices
from bkind3d.joints.model import describe_poses
from bkind3d.joints.poses import fit_heading, smooth_points
from bkind3d.joints.regression import compare_features

#: Frames of all sessions that are chosen from, and those of them that it is asked how much is known about.
_MOST_FRAMES, _MOST_ASKED = 2000, 600
#: Strength and width of the regression, see :class:`bkind3d.joints.regression.KernelMap`.
_STRENGTH, _WIDTH = 0.3, 1.0


def share_frames(groups: Mapping[str, str], number: int) -> dict[str, int]:
    """How many frames each session gets: subjects as many as each other, and a subject's sessions likewise; by their order where that is not even."""
    taken = dict.fromkeys(groups, 0)
    subjects = dict.fromkeys(groups.values(), 0)
    for _ in range(number):
        subject = min(subjects, key=lambda name: subjects[name])
        session = min((name for name, owner in groups.items() if owner == subject), key=lambda name: taken[name])
        taken[session] += 1
        subjects[subject] += 1
    return taken


def spread_over_time(frames: Int[NDArray, "frame"], number: int) -> list[int]:
    """The middles of so many equal parts of a session: for sessions that have no keypoints yet."""
    places = ((np.arange(number) + 0.5) / max(number, 1) * len(frames)).astype(int)
    return [int(frame) for frame in frames[np.unique(places)]]


def choose_frames(
    keypoints: Mapping[str, Points],
    subjects: Mapping[str, str],
    number: int,
    seed: int = 0,
    labelled: Mapping[str, Sequence[int]] | None = None,
) -> list[tuple[str, int]]:
    """Choose frames, the same for the same seed: one after the other that from which most is learned about the poses of all.

    A regression with a kernel (a Gaussian process) knows, before any joint is labelled, how unsure it will be of every pose. Each frame is the
    one after which it is least unsure, on average over frames drawn from all sessions, given those that are labelled and chosen
    already (A-optimal design; Yu, Bi and Tresp 2006). So poses that stand for many come first, and what is like a labelled one last. Poses are
    free of where the subject is and which way it faces.

    Parameters
    ----------
    keypoints : of every session.
    labelled : frames that are labelled already, of which none is chosen.

    Returns
    -------
    Sessions and frames; neighbours in the list are of different sessions.
    """
    done = labelled or {}
    shares = share_frames({name: subjects[name] for name in keypoints}, number)
    rows = {
        name: _list_usable(points, done.get(name, ()), max(_MOST_FRAMES // len(keypoints), 4 * shares[name], 1))
        for name, points in keypoints.items()
    }
    poses = np.concatenate([smooth_points(points, 1.0).positions[rows[name]] for name, points in keypoints.items()])
    places = [(name, int(keypoints[name].frames[row])) for name in keypoints for row in rows[name]]
    if not places:
        return []
    features = describe_poses(poses, fit_heading(poses))[0]
    standard = (features - features.mean(axis=0)) / max(float(features.std(axis=0).mean()), 1e-12)
    unsure = compare_features(standard, standard, _WIDTH) + 1  # an offset is learned, too
    known = np.array([frame in done.get(name, ()) for name, frame in places])
    asked = np.random.default_rng(seed).permutation(len(places))[:_MOST_ASKED]
    for row in np.flatnonzero(known).tolist():
        _learn(unsure, row)
    sessions = np.array([name for name, _ in places])
    chosen: dict[str, list[int]] = {name: [] for name in keypoints}
    while (allowed := ~known & np.isin(sessions, [name for name in chosen if len(chosen[name]) < shares[name]])).any():
        gains = np.square(unsure[asked]).sum(axis=0) / (np.diag(unsure) + _STRENGTH)
        best = int(np.where(allowed, gains, -1).argmax())
        _learn(unsure, best)
        known[best] = True
        chosen[places[best][0]].append(places[best][1])
    return interleave(chosen)


def _learn(unsure: Float[NDArray, "pose pose"], row: int) -> None:
    """Change the covariance of what is not known of each pose, as a label of one of them does."""
    column = unsure[:, row].copy()
    unsure -= np.outer(column, column / (column[row] + _STRENGTH))


def interleave(chosen: Mapping[str, Sequence[int]]) -> list[tuple[str, int]]:
    """Sessions and frames, such that neighbours in the list are of different sessions."""
    rounds = range(max(map(len, chosen.values()), default=0))
    return [(name, chosen[name][index]) for index in rounds for name in chosen if index < len(chosen[name])]


def _list_usable(points: Points, labelled: Sequence[int], most: int) -> Int[NDArray, "row"]:
    """Rows that have all keypoints: those that are labelled, and at most so many others, evenly spread."""
    usable = np.isfinite(points.positions).all(axis=(1, 2))
    known = np.isin(points.frames, list(labelled))
    others = np.flatnonzero(usable & ~known)
    return np.union1d(np.flatnonzero(usable & known), others[step_indices(len(others), most)])
