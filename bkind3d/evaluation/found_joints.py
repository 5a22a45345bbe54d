"""How far the joints that a study hands out are from the truth, and how often their intervals hold it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int
from numpy.typing import NDArray

from bkind3d.config import JointsConfig
from bkind3d.evaluation.labelled_frames import TEST, TRAIN
from bkind3d.evaluation.metrics import measure_errors
from bkind3d.evaluation.recordings import Recording
from bkind3d.joints.fitting import LabelledSession, fit_joints


def judge_joints(recordings: Sequence[Recording], parts: Sequence[Int[NDArray, "frame"]], config: JointsConfig) -> dict[str, Any]:
    """Fit joints on the training frames as ``fit_joints`` does on all labelled ones, and measure them on the test frames.

    Parameters
    ----------
    recordings : with joints.
    parts : what every frame of each is for, of :func:`bkind3d.evaluation.labelled_frames.assign_parts`.

    Returns
    -------
    regressor, n_train, n_frames, mpjpe (where the joints are in the world) and pa_mpjpe (world units), level, and `coverage`, the share of
    true positions within the intervals; `subjects` with the coverage of each. Only ``reason`` where no joint could be fit.
    """
    sessions = []
    for recording, part in zip(recordings, parts, strict=True):
        assert recording.joints is not None
        sessions.append(LabelledSession(recording.session, recording.subject, recording.judged, recording.joints, part == TRAIN))
    fitted = fit_joints(sessions, config)
    if not fitted.model.joints:
        return {"reason": fitted.summary["reason"]}
    tables = []
    for entry, part in zip(sessions, parts, strict=True):
        found, spreads = fitted.model.predict(entry.keypoints)
        order = [entry.joints.names.index(name) for name in fitted.model.joints]
        truth = entry.joints.positions_at(entry.keypoints.frames)[:, order]
        known = np.isfinite(found).all(axis=2) & np.isfinite(truth).all(axis=2) & (part == TEST)[:, None]
        rows = known.sum(axis=1) > 2
        errors = measure_errors(np.where(known[..., None], found, np.nan)[rows], np.where(known[..., None], truth, np.nan)[rows], None)
        distances = np.linalg.norm(found - truth, axis=2)
        within = np.where(known, distances <= spreads, np.nan)[rows]
        columns = {"mpjpe": np.where(known, distances, np.nan)[rows], "pa_mpjpe": errors.pa_mpjpe, "coverage": within}
        tables.append(pd.DataFrame({"subject": entry.subject, **{name: np.nanmean(value, axis=1) for name, value in columns.items()}}))
    table = pd.concat(tables, ignore_index=True)
    means = table[["mpjpe", "pa_mpjpe", "coverage"]].mean()
    content = {key: fitted.summary[key] for key in ("regressor", "neighbours", "unit", "n_units", "level")}
    content |= {"n_train": fitted.summary["n_frames"], "n_frames": len(table), **means.to_dict()}
    return content | {"subjects": table.groupby("subject", sort=False)[["mpjpe", "coverage"]].mean().to_dict("index")}
