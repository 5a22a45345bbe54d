"""Verbs that train models, use them, and judge the keypoints that they find."""

import argparse
import sys
from functools import partial
from pathlib import Path

from bkind3d.cli.verbs import KEEP_GOING, argument, at_least, finish_alone, of_sessions, read_named_paths, threads, verb
from bkind3d.config import ExperimentConfig, JointsConfig, KinematicsConfig, MovementsConfig, PredictionConfig, read_section

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
    argument("--batch-size", type=at_least(1), help="moments computed together; chosen by the device if not given"),
    DEVICE,
    threads(None, "CPU threads"),
    KEEP_GOING,
)
def predict_keypoints(arguments: argparse.Namespace) -> None:
    """find the keypoints of every frame of a session with a trained model"""
    import torch

    from bkind3d.inference.prediction import predict_session, write_no_keypoints
    from bkind3d.training.machine import Machine

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    settings = read_section(PredictionConfig, arguments.config) if arguments.config else PredictionConfig()
    device = Machine(arguments.device).accelerator

    def run() -> None:
        predict_session(arguments.model, arguments.frames, arguments.output, settings, arguments.batch_size, device)

    give_up = partial(write_no_keypoints, arguments.model, arguments.frames, arguments.output)
    finish_alone(arguments.keep_going, arguments.output, run, give_up)


#: What judges an experiment by annotations begins with.
JUDGED = (
    argument("--config", type=Path, required=True, help="the experiment's section (JSON or YAML)"),
    argument("--name", required=True, help="name of the experiment, for the tables"),
    argument("--dataset", required=True, help="name of the data, for the tables"),
    argument("--sessions", type=Path, required=True, help="sheet of the sessions (TSV)"),
    of_sessions("keypoints", "keypoints of each session"),
)
JOINTS = of_sessions("joints", "joints of the sessions that have them")


def _read_paths(arguments: argparse.Namespace, *kinds: str) -> list[dict[str, str]]:
    """Files by session, for each of the options."""
    return [read_named_paths(getattr(arguments, kind), f"--{kind}") for kind in kinds]


@verb(
    *JUDGED,
    of_sessions("untrained", "keypoints of the same network, untrained"),
    JOINTS,
    of_sessions("behaviours", "behaviours, to tell the errors of each apart"),
    argument("--edges", type=Path, help="edges that the network learned: lengths along their skeleton are watched"),
    argument("--output", type=Path, required=True, help="summary to write (pose.json)"),
    argument("--errors", type=Path, required=True, help="errors of every method and test frame to write (Parquet)"),
    argument("--joint-errors", type=Path, required=True, help="mean errors of every method and joint to write (Parquet)"),
)
def regress_joints(arguments: argparse.Namespace) -> None:
    """Judge keypoints by regression to annotated joints, beside floors (mean pose, untrained network) and oracles."""
    from bkind3d.data.parquet import write_table
    from bkind3d.data.results import UNTRAINED, write_json
    from bkind3d.data.skeleton import read_skeleton
    from bkind3d.evaluation.candidates import Candidate
    from bkind3d.evaluation.pose import judge_poses
    from bkind3d.evaluation.recordings import read_recordings

    config = read_section(ExperimentConfig, arguments.config)
    keypoints, untrained, joints, behaviours = _read_paths(arguments, "keypoints", "untrained", "joints", "behaviours")
    method = Candidate.of(config.description)
    left_out: dict[str, str] = {}
    recordings = read_recordings(arguments.sessions, {method.name: keypoints, UNTRAINED: untrained}, joints, behaviours, left_out)
    edges = read_skeleton(arguments.edges, config.model) if arguments.edges else []
    judgement = judge_poses(recordings, method, config.evaluation, arguments.name, arguments.dataset, edges, config.joints)
    write_table(judgement.errors, "errors", arguments.errors, {"experiment": arguments.name})
    write_table(judgement.joint_errors, "joint_errors", arguments.joint_errors, {"experiment": arguments.name})
    write_json(judgement.summary | {"left_out": left_out}, arguments.output)


@verb(
    argument("--config", type=Path, required=True, help="the experiment's section joints (JSON or YAML)"),
    argument("--sessions", type=Path, required=True, help="sheet of the sessions (TSV)"),
    of_sessions("keypoints", "keypoints of the sessions with labelled frames"),
    of_sessions("joints", "their joints"),
    argument("--role", default="discovered", choices=["discovered", "supervised"], help="supervised: the points are joints already"),
    argument("--output", type=Path, required=True, help="what leads from keypoints to joints, to write (.npz)"),
    argument("--summary", type=Path, required=True, help="how good it is, to write (JSON)"),
)
def fit_joints(arguments: argparse.Namespace) -> None:
    """Fit joints to keypoints on the labelled frames, by the regression that does best on subjects or sessions held out."""
    from bkind3d.data.results import write_json
    from bkind3d.joints.fitting import fit_joints, read_labelled

    keypoints, joints = _read_paths(arguments, "keypoints", "joints")
    sessions = read_labelled(arguments.sessions, keypoints, joints)
    fitted = fit_joints(sessions, read_section(JointsConfig, arguments.config), arguments.role)
    fitted.model.write(arguments.output, {key: fitted.summary[key] for key in ("level", "unit") if key in fitted.summary})
    write_json(fitted.summary, arguments.summary)


@verb(
    argument("--model", type=Path, required=True, help="what fit-joints wrote (.npz)"),
    argument("--keypoints", type=Path, required=True, help="keypoints of the session"),
    argument("--frames", required=True, nargs="+", type=Path, help="frames tables of the session, one per camera"),
    argument("--output", type=Path, required=True, help="joints to write (Parquet)"),
)
def predict_joints(arguments: argparse.Namespace) -> None:
    """Find the joints of every frame of a session from its keypoints, with intervals."""
    from bkind3d.joints.prediction import predict_joints

    predict_joints(arguments.model, arguments.keypoints, arguments.frames, arguments.output)


@verb(
    argument("--config", type=Path, required=True, help="the study's section kinematics (JSON or YAML)"),
    argument("--joints", type=Path, required=True, help="joints that predict-joints found"),
    argument("--output", type=Path, required=True, help="measures to write (Parquet)"),
)
def measure_kinematics(arguments: argparse.Namespace) -> None:
    """Measure angles, lengths and speeds of a session's joints, as the settings define them."""
    from bkind3d.joints.kinematics import measure_kinematics

    measure_kinematics(arguments.joints, read_section(KinematicsConfig, arguments.config), arguments.output)


@verb(
    *JUDGED,
    JOINTS,
    of_sessions("found-joints", "joints of the sessions that predict-joints found from labelled frames"),
    of_sessions("behaviours", "behaviours of the sessions that have them"),
    argument("--output", type=Path, required=True, help="summary to write (actions.json)"),
    argument("--confusion", type=Path, required=True, help="counts of true and predicted behaviours to write (Parquet)"),
)
def classify_actions(arguments: argparse.Namespace) -> None:
    """Recognise behaviours from windows of keypoints, beside joints and the majority class."""
    from bkind3d.data.parquet import write_table
    from bkind3d.data.points import read_points
    from bkind3d.data.results import write_json
    from bkind3d.evaluation.behaviours import judge_actions
    from bkind3d.evaluation.candidates import Candidate
    from bkind3d.evaluation.recordings import read_recordings

    config = read_section(ExperimentConfig, arguments.config)
    method = Candidate.of(config.description)
    keypoints, joints, behaviours = _read_paths(arguments, "keypoints", "joints", "behaviours")
    left_out: dict[str, str] = {}
    recordings = read_recordings(arguments.sessions, {method.name: keypoints}, joints, behaviours, left_out)
    found = {name: read_points(path, "found_joints") for name, path in read_named_paths(arguments.found_joints, "--found-joints").items()}
    judgement = judge_actions(recordings, method, config.actions, config.evaluation, arguments.name, arguments.dataset, found)
    write_table(judgement.confusion, "confusion", arguments.confusion, {"experiment": arguments.name})
    write_json(judgement.summary | {"left_out": left_out}, arguments.output)


@verb(
    argument("--config", type=Path, required=True, help="the study's section movements (JSON or YAML)"),
    argument("--keypoints", nargs="+", required=True, metavar="SESSION=PATH", help="keypoints of each session"),
    of_sessions("behaviours", "behaviours, to compare the clusters with"),
    argument("--output", type=Path, required=True, help="window -> cluster, and the clusters' shares, to write (Parquet)"),
)
def find_movements(arguments: argparse.Namespace) -> None:
    """Put windows of keypoints into clusters of like movement, without labels, for looking at."""
    from bkind3d.data.parquet import write_table
    from bkind3d.evaluation.movements import find_movements

    keypoints, behaviours = _read_paths(arguments, "keypoints", "behaviours")
    found = find_movements(keypoints, behaviours, read_section(MovementsConfig, arguments.config))
    write_table(found.windows, "movements", arguments.output, found.summary)


@verb(
    argument("--pose", nargs="*", default=[], type=Path, help="pose.json of each experiment"),
    argument("--actions", nargs="*", default=[], type=Path, help="actions.json of each experiment"),
    argument("--output-pose", type=Path, help="table of the regression to joints to write (CSV)"),
    argument("--output-actions", type=Path, help="table of the recognition of behaviours to write (CSV)"),
    argument("--output-labels", type=Path, help="errors of all methods by labelled frames to write (CSV; .md, .svg and .png beside it)"),
    argument("--print", action="store_true", help="also print both tables"),
)
def make_tables(arguments: argparse.Namespace) -> None:
    """Merge the results of all experiments into pose.csv and actions.csv; only measured numbers are in them."""
    from bkind3d.report.tables import format_actions, format_poses, merge_actions, merge_poses, write_csv

    poses, actions = merge_poses(arguments.pose), merge_actions(arguments.actions)
    for table, path in ((poses, arguments.output_pose), (actions, arguments.output_actions)):
        if path is not None:
            write_csv(table, path)
    if arguments.output_labels:
        from bkind3d.data.results import read_json
        from bkind3d.evaluation.labels import collect_labels, say_when
        from bkind3d.report.labels import write_labels

        labels = collect_labels(map(read_json, arguments.pose))
        write_labels(labels, say_when(labels), arguments.output_labels)
    if arguments.print:
        sys.stdout.write(f"{format_poses(poses)}\n\n{format_actions(actions)}\n")
