"""Which frames to label: poses that differ from each other, of all sessions and subjects, then those that joints are least sure of."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from bkind3d.data.points import Points
from bkind3d.data.spacing import step_indices
from bkind3d.joints.model import describe_poses
from bkind3d.joints.poses import fit_heading, smooth_points

#: Frames of a session that are looked at, and components of their poses.
_MOST_FRAMES, _COMPONENTS = 1500, 10


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
    unsure: Mapping[str, Float[NDArray, "frame"]] | None = None,
    labelled: Mapping[str, Sequence[int]] | None = None,
) -> list[tuple[str, int]]:
    """Choose frames, the same for the same seed: the frame nearest to the middle of each cluster of poses (k-means).

    Poses are free of where the subject is and which way it faces.

    Parameters
    ----------
    keypoints : of every session.
    unsure : radius of the joints' intervals in every frame of the sessions, where there are any: of each cluster, the least sure frame is
        taken then.
    labelled : frames that are labelled already.

    Returns
    -------
    Sessions and frames; neighbours in the list are of different sessions.
    """
    done = labelled or {}
    shares = share_frames({name: subjects[name] for name in keypoints}, number)
    kept = {name: _list_usable(points, done.get(name, ())) for name, points in keypoints.items()}
    poses = {name: smooth_points(points, 1.0).positions[kept[name]] for name, points in keypoints.items()}
    heading = fit_heading(np.concatenate([*poses.values()]))
    features = {name: describe_poses(given, heading)[0] for name, given in poses.items() if len(given)}
    reduced = PCA(min(_COMPONENTS, next(iter(features.values())).shape[1], sum(map(len, features.values()))), random_state=seed)
    reduced.fit(np.concatenate([*features.values()]))
    chosen: dict[str, list[int]] = {}
    for name, given in features.items():
        rows = kept[name]
        clusters = min(shares[name], len(rows))
        if not clusters:
            continue
        found = KMeans(clusters, n_init=4, random_state=seed).fit(reduced.transform(given))
        distances = found.transform(reduced.transform(given))[np.arange(len(rows)), found.labels_]
        score = -np.nan_to_num(unsure[name][rows]) if unsure and name in unsure else distances
        best = [np.flatnonzero(found.labels_ == cluster) for cluster in range(clusters)]
        chosen[name] = sorted(int(keypoints[name].frames[rows[members[score[members].argmin()]]]) for members in best if len(members))
    return interleave(chosen)


def interleave(chosen: Mapping[str, Sequence[int]]) -> list[tuple[str, int]]:
    """Sessions and frames, such that neighbours in the list are of different sessions."""
    rounds = range(max(map(len, chosen.values()), default=0))
    return [(name, chosen[name][index]) for index in rounds for name in chosen if index < len(chosen[name])]


def _list_usable(points: Points, labelled: Sequence[int]) -> Int[NDArray, "row"]:
    """Rows that have all keypoints and are not labelled, evenly spread."""
    usable = np.flatnonzero(np.isfinite(points.positions).all(axis=(1, 2)) & ~np.isin(points.frames, list(labelled)))
    return np.asarray(usable[step_indices(len(usable), _MOST_FRAMES)])
