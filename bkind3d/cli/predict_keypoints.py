"""``bkind3d predict-keypoints``."""

import argparse
import shutil
from pathlib import Path

from bkind3d.cli.numbers import at_least

HELP = "find the keypoints of every frame of a session with a trained model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("--model", required=True, type=Path, help="a trained (or untrained) model")
    parser.add_argument("--frames", required=True, nargs="+", type=Path, help="frames tables of the session, one per camera")
    parser.add_argument("--output", required=True, type=Path, help="keypoints table (Parquet)")
    parser.add_argument("--config", type=Path, help="settings of the prediction (JSON or YAML); the defaults without it")
    parser.add_argument("--batch-size", type=at_least(1), default=16, help="moments computed together")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"], help="where to compute")
    parser.add_argument("--threads", type=at_least(1), default=None, help="CPU threads")


def run(arguments: argparse.Namespace) -> None:
    """Predict and write."""
    import torch

    from bkind3d.checkpoint import load_model
    from bkind3d.config import InputError, PredictionConfig, read_section
    from bkind3d.data.datasets import SessionFrames
    from bkind3d.data.parquet import write_table
    from bkind3d.inference.agreement import look_again
    from bkind3d.inference.confidence import calibrate_confidences
    from bkind3d.inference.prediction import find_parts, predict_keypoints
    from bkind3d.inference.smoothing import smooth_keypoints
    from bkind3d.model.devices import choose_device

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    device = choose_device(arguments.device)
    settings = read_section(PredictionConfig, arguments.config) if arguments.config else PredictionConfig()
    model, provenance = load_model(arguments.model)
    session = SessionFrames(arguments.frames)
    if session.units != provenance.units:
        raise InputError(
            f"{arguments.frames[0]}: is in {session.units}, but {arguments.model} was trained in {provenance.units}; use one unit in rigs.tsv"
        )
    parts = find_parts(arguments.output, arguments.model, arguments.frames, settings.turns)
    found = predict_keypoints(model, session, arguments.batch_size, device, settings.turns, parts)
    look = look_again(model.detector, session, arguments.batch_size, device)
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
    write_table(smooth_keypoints(table, settings.smooth_seconds), "keypoints", arguments.output, metadata)
    shutil.rmtree(parts, ignore_errors=True)
