"""Verbs that train models and use them."""

import argparse
from pathlib import Path

from bkind3d.cli.verbs import argument, at_least, of_sessions, read_named_paths, threads, verb
from bkind3d.config import ExperimentConfig, PredictionConfig, read_section

DEVICE = argument("--device", default="auto", choices=["auto", "cpu", "cuda"], help="where to compute")


@verb(
    argument("--config", required=True, type=Path, help="the experiment's section, JSON or YAML"),
    argument(
        "--frames", required=True, nargs="+", metavar="SESSION=FILE,FILE", help="frames tables of each training session, one per camera"
    ),
    of_sessions("joints", "joints of the training sessions, which supervised methods learn from", "SESSION=FILE"),
    argument("--store", required=True, type=Path, help="folder that keeps every model ever trained"),
    argument("--output", required=True, type=Path, help="the trained model"),
    argument("--untrained", required=True, type=Path, help="the same network before its first step"),
    argument("--history", required=True, type=Path, help="losses over time (Parquet)"),
    argument("--edges", required=True, type=Path, help="learned edge weights (Parquet)"),
    DEVICE,
    argument("--devices", type=at_least(1), help="processes per node, each with a GPU of its own; all GPUs if not given"),
    argument("--nodes", type=at_least(1), default=1, help="machines; start the same command on each, as srun does"),
    argument("--workers", type=at_least(0), help="processes that load data; chosen by the device if not given"),
    threads(None, "CPU threads"),
)
def train_model(arguments: argparse.Namespace) -> None:
    """learn keypoints from the frames of the training sessions; resumes an interrupted training, repeats no finished one"""
    import torch

    from bkind3d.training.machine import Machine
    from bkind3d.training.trainer import deliver, train_model

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    frames = {name: paths.split(",") for name, paths in read_named_paths(arguments.frames, "--frames").items()}
    joints = read_named_paths(arguments.joints, "--joints")
    machine = Machine(arguments.device, arguments.devices, arguments.nodes, arguments.workers)
    folder = train_model(read_section(ExperimentConfig, arguments.config), frames, arguments.store, machine, joints)
    deliver(folder, {"model": arguments.output, "untrained": arguments.untrained, "history": arguments.history, "edges": arguments.edges})


@verb(
    argument("--model", required=True, type=Path, help="a trained (or untrained) model"),
    argument("--frames", required=True, nargs="+", type=Path, help="frames tables of the session, one per camera"),
    argument("--output", required=True, type=Path, help="keypoints table (Parquet)"),
    argument("--config", type=Path, help="settings of the prediction (JSON or YAML); the defaults without it"),
    argument("--batch-size", type=at_least(1), default=16, help="moments computed together"),
    DEVICE,
    threads(None, "CPU threads"),
)
def predict_keypoints(arguments: argparse.Namespace) -> None:
    """find the keypoints of every frame of a session with a trained model"""
    import torch

    from bkind3d.inference.prediction import predict_session
    from bkind3d.training.machine import Machine

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    settings = read_section(PredictionConfig, arguments.config) if arguments.config else PredictionConfig()
    device = Machine(arguments.device).accelerator
    predict_session(arguments.model, arguments.frames, arguments.output, settings, arguments.batch_size, device)
