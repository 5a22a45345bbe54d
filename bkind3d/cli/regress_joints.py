"""``regress-joints``: judge keypoints against annotated joints."""

import argparse
from pathlib import Path

HELP = "Judge keypoints by regression to annotated joints, beside floors (mean pose, untrained network) and oracles."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--config", type=Path, required=True, help="the experiment's section (JSON or YAML)")
    parser.add_argument("--name", required=True, help="name of the experiment, for the tables")
    parser.add_argument("--dataset", required=True, help="name of the data, for the tables")
    parser.add_argument("--sessions", type=Path, required=True, help="sheet of the sessions (TSV)")
    parser.add_argument("--keypoints", nargs="*", default=[], metavar="SESSION=PATH", help="keypoints of each session")
    parser.add_argument("--untrained", nargs="*", default=[], metavar="SESSION=PATH", help="keypoints of the same network, untrained")
    parser.add_argument("--joints", nargs="*", default=[], metavar="SESSION=PATH", help="joints of the sessions that have them")
    parser.add_argument("--behaviours", nargs="*", default=[], metavar="SESSION=PATH", help="behaviours, to tell the errors of each apart")
    parser.add_argument("--edges", type=Path, help="edges that the network learned: lengths along their skeleton are watched")
    parser.add_argument("--output", type=Path, required=True, help="summary to write (pose.json)")
    parser.add_argument("--errors", type=Path, required=True, help="errors of every method and test frame to write (Parquet)")
    parser.add_argument("--joint-errors", type=Path, required=True, help="mean errors of every method and joint to write (Parquet)")


def run(arguments: argparse.Namespace) -> None:
    """Read the sessions, judge them, write the results."""
    from bkind3d.cli.named_paths import read_named_paths
    from bkind3d.config import ExperimentConfig, read_section
    from bkind3d.data.parquet import write_table
    from bkind3d.data.results import UNTRAINED, write_json
    from bkind3d.data.skeleton import read_skeleton
    from bkind3d.evaluation.candidates import Candidate
    from bkind3d.evaluation.pose import judge_poses
    from bkind3d.evaluation.recordings import read_recordings

    config = read_section(ExperimentConfig, arguments.config)
    kinds = ("keypoints", "untrained", "joints", "behaviours")
    keypoints, untrained, joints, behaviours = (read_named_paths(getattr(arguments, kind), f"--{kind}") for kind in kinds)
    method = Candidate.of(config.description)
    recordings = read_recordings(arguments.sessions, {method.name: keypoints, UNTRAINED: untrained}, joints, behaviours)
    edges = read_skeleton(arguments.edges, config.model) if arguments.edges else []
    judgement = judge_poses(recordings, method, config.evaluation, arguments.name, arguments.dataset, edges)
    write_table(judgement.errors, "errors", arguments.errors, {"experiment": arguments.name})
    write_table(judgement.joint_errors, "joint_errors", arguments.joint_errors, {"experiment": arguments.name})
    write_json(judgement.summary, arguments.output)
