"""``classify-actions``: judge keypoints by the behaviours that can be recognised from them."""

import argparse
from pathlib import Path

HELP = "Recognise behaviours from windows of keypoints, beside annotated joints and the majority class."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--config", type=Path, required=True, help="the experiment's section (JSON or YAML)")
    parser.add_argument("--name", required=True, help="name of the experiment, for the tables")
    parser.add_argument("--dataset", required=True, help="name of the data, for the tables")
    parser.add_argument("--sessions", type=Path, required=True, help="sheet of the sessions (TSV)")
    parser.add_argument("--keypoints", nargs="*", default=[], metavar="SESSION=PATH", help="keypoints of each session")
    parser.add_argument("--joints", nargs="*", default=[], metavar="SESSION=PATH", help="joints of the sessions that have them")
    parser.add_argument("--behaviours", nargs="*", default=[], metavar="SESSION=PATH", help="behaviours of the sessions that have them")
    parser.add_argument("--output", type=Path, required=True, help="summary to write (actions.json)")
    parser.add_argument("--confusion", type=Path, required=True, help="counts of true and predicted behaviours to write (Parquet)")


def run(arguments: argparse.Namespace) -> None:
    """Read the sessions, classify their windows, write the results."""
    from bkind3d.cli.named_paths import read_named_paths
    from bkind3d.config import ExperimentConfig, read_section
    from bkind3d.data.parquet import write_table
    from bkind3d.data.results import write_json
    from bkind3d.evaluation.behaviours import judge_actions
    from bkind3d.evaluation.candidates import Candidate
    from bkind3d.evaluation.recordings import read_recordings

    config = read_section(ExperimentConfig, arguments.config)
    method = Candidate.of(config.description)
    kinds = ("keypoints", "joints", "behaviours")
    keypoints, joints, behaviours = (read_named_paths(getattr(arguments, kind), f"--{kind}") for kind in kinds)
    recordings = read_recordings(arguments.sessions, {method.name: keypoints}, joints, behaviours)
    judgement = judge_actions(recordings, method, config.actions, config.evaluation, arguments.name, arguments.dataset)
    write_table(judgement.confusion, "confusion", arguments.confusion, {"experiment": arguments.name})
    write_json(judgement.summary, arguments.output)
