"""A session's keypoints as a file: found, looked at again, calibrated, smoothed, and written with all that is known of them."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from bkind3d.checkpoint import load_model
from bkind3d.config import InputError, PredictionConfig
from bkind3d.data.datasets import SessionFrames
from bkind3d.data.parquet import write_table
from bkind3d.inference.confidence import calibrate_confidences
from bkind3d.inference.prediction import find_parts, predict_keypoints
from bkind3d.inference.smoothing import smooth_keypoints
from bkind3d.inference.stability import look_again


def predict_session(
    model: Path, frames: Sequence[Path], output: Path, settings: PredictionConfig, batch_size: int = 16, device: str = "cpu"
) -> None:
    """Write the keypoints of a session (table ``keypoints``; world units).

    Parameters
    ----------
    model : file of a trained, or untrained, model.
    frames : tables of the session, one per camera.
    output : the table to write; finished chunks are kept beside it until it is there.
    batch_size : moments computed together.
    device : where to compute.

    Raises
    ------
    InputError
        Where the frames are in other units than those that the model was trained in.
    """
    network, provenance = load_model(model)
    network = network.eval().to(device)
    session = SessionFrames(frames)
    if session.units != provenance.units:
        raise InputError(f"{frames[0]}: is in {session.units}, but {model} was trained in {provenance.units}; use one unit in rigs.tsv")
    headings = network.find_headings(session, device)
    parts = find_parts(output, model, frames, settings.turns)
    found = predict_keypoints(network, session, headings, batch_size, device, settings.turns, parts)
    look = look_again(network, session, headings, batch_size, device)
    table, confidence = calibrate_confidences(found, look, session.side)
    metadata = {
        "units": session.units,
        "session": session.session,
        "model": provenance.identity,
        "steps": provenance.steps,
        "side": session.side,
        "rate": session.rate,
        "n_views": len(session.cameras),
        **provenance.describe_network(),
        "agreement": look.summarise(),
        "confidence": confidence,
        **settings.model_dump(),
    }
    write_table(smooth_keypoints(table, settings.smooth_seconds), "keypoints", output, metadata)
    shutil.rmtree(parts, ignore_errors=True)
