"""The joints that a supervised method learns from: all that the training sessions have, or those of a few frames."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bkind3d.config import InputError, LabelledTrainingConfig, TrainingConfig
from bkind3d.data.datasets import PerSession, SessionFrames
from bkind3d.data.points import read_points, same_order
from bkind3d.data.results import MIN_JOINTS


def read_labels(paths: Mapping[str, str | Path], sessions: Sequence[SessionFrames]) -> tuple[list[str], PerSession]:
    """Names of the joints, and their positions in every frame of each session (world units, NaN where not known).

    Raises
    ------
    InputError : where no training session has joints, or sessions have joints of other names or units.
    """
    found = {session: read_points(path, "joints") for session, path in paths.items()}
    if not found:
        advice = "name them in the sheet of sessions, or choose another method"
        raise InputError("", "no training session has joints, which this method learns from", advice)
    first, names = next((session, points.names) for session, points in found.items())
    truth = {session.session: np.full((len(session), len(names), 3), np.nan, np.float32) for session in sessions}
    for session in sessions:
        if session.session in found:
            points = same_order(found[session.session], names, paths[session.session], paths[first])
            truth[session.session][:] = points.positions_at(session.frames)
    return list(names), truth


def draw_labels(truth: PerSession, sessions: Sequence[SessionFrames], settings: TrainingConfig) -> list[tuple[str, int]]:
    """Keep the joints of as many frames as the settings allow, drawn by their seed, and give these frames: (session, number).

    The frames are put in an order by chance, of which the first ones are taken: those of a small budget are among those of a larger one.
    The joints of all other frames become unknown in `truth`. Where all are taken, a frame with a single joint counts, too; none with fewer
    than three is drawn.

    Raises
    ------
    InputError : where there are fewer frames with joints in which two cameras see the subject.
    """
    learned = [session for session in sessions if session.session not in settings.validation_sessions]
    number = settings.labels if isinstance(settings, LabelledTrainingConfig) else "all"
    pool = []
    for session in learned:
        known = np.isfinite(truth[session.session].min(axis=2)).sum(axis=1) >= (1 if number == "all" else MIN_JOINTS)
        pool += [(session.session, index) for index in session.usable[known[session.usable]]]
    if number != "all":
        if number > len(pool):
            what = f"asks for {number} labelled frames, but the training sessions have {len(pool)} in which two cameras see the subject"
            raise InputError("training.labels", what, "ask for fewer, or write all")
        pool = [pool[place] for place in np.random.default_rng((settings.seed, len(pool))).permutation(len(pool))[:number]]
        for session in learned:
            others = np.full(len(session), True)
            others[[index for name, index in pool if name == session.session]] = False
            truth[session.session][others] = np.nan
    frames = {session.session: session.frames for session in learned}
    return sorted((name, int(frames[name][index])) for name, index in pool)
