"""``bkind3d train-model``."""

import argparse
from pathlib import Path

from bkind3d.cli.numbers import at_least

HELP = "learn keypoints from the frames of the training sessions; resumes an interrupted training, repeats no finished one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("--config", required=True, type=Path, help="the experiment's section, JSON or YAML")
    parser.add_argument(
        "--frames", required=True, nargs="+", metavar="SESSION=FILE,FILE", help="frames tables of each training session, one per camera"
    )
    parser.add_argument(
        "--joints",
        nargs="*",
        default=[],
        metavar="SESSION=FILE",
        help="joints of the training sessions, which supervised methods learn from",
    )
    parser.add_argument("--store", required=True, type=Path, help="folder that keeps every model ever trained")
    parser.add_argument("--output", required=True, type=Path, help="the trained model")
    parser.add_argument("--untrained", required=True, type=Path, help="the same network before its first step")
    parser.add_argument("--history", required=True, type=Path, help="losses over time (Parquet)")
    parser.add_argument("--edges", required=True, type=Path, help="learned edge weights (Parquet)")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"], help="where to compute")
    parser.add_argument(
        "--devices", type=at_least(1), default=None, help="processes per node, each with a GPU of its own; all GPUs if not given"
    )
    parser.add_argument("--nodes", type=at_least(1), default=1, help="machines; start the same command on each, as srun does")
    parser.add_argument("--workers", type=at_least(0), default=None, help="processes that load data; chosen by the device if not given")
    parser.add_argument("--threads", type=at_least(1), default=None, help="CPU threads")


def run(arguments: argparse.Namespace) -> None:
    """Train, then copy the result to the declared files."""
    import torch

    from bkind3d.cli.named_paths import read_named_paths
    from bkind3d.config import ExperimentConfig, read_section
    from bkind3d.training.machine import Machine
    from bkind3d.training.trainer import deliver, train_model

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    frames = {name: paths.split(",") for name, paths in read_named_paths(arguments.frames, "--frames").items()}
    joints = read_named_paths(arguments.joints, "--joints")
    machine = Machine(arguments.device, arguments.devices, arguments.nodes, arguments.workers)
    folder = train_model(read_section(ExperimentConfig, arguments.config), frames, arguments.store, machine, joints)
    deliver(folder, {"model": arguments.output, "untrained": arguments.untrained, "history": arguments.history, "edges": arguments.edges})
