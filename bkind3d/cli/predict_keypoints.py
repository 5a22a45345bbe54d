"""``bkind3d predict-keypoints``."""

import argparse
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

    from bkind3d.config import PredictionConfig, read_section
    from bkind3d.inference.prediction import predict_session
    from bkind3d.networks.devices import choose_device

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    settings = read_section(PredictionConfig, arguments.config) if arguments.config else PredictionConfig()
    device = choose_device(arguments.device)
    predict_session(arguments.model, arguments.frames, arguments.output, settings, arguments.batch_size, device)
