"""``make-tables``: the results of all experiments in one table each."""

import argparse
import sys
from pathlib import Path

HELP = "Merge the results of all experiments into pose.csv and actions.csv; only measured numbers are in them."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--pose", nargs="*", default=[], type=Path, help="pose.json of each experiment")
    parser.add_argument("--actions", nargs="*", default=[], type=Path, help="actions.json of each experiment")
    parser.add_argument("--output-pose", type=Path, help="table of the regression to joints to write (CSV)")
    parser.add_argument("--output-actions", type=Path, help="table of the recognition of behaviours to write (CSV)")
    parser.add_argument("--print", action="store_true", help="also print both tables")


def run(arguments: argparse.Namespace) -> None:
    """Merge, write, and print if asked to."""
    from bkind3d.report.tables import format_actions, format_poses, merge_actions, merge_poses, write_csv

    poses, actions = merge_poses(arguments.pose), merge_actions(arguments.actions)
    for table, path in ((poses, arguments.output_pose), (actions, arguments.output_actions)):
        if path is not None:
            write_csv(table, path)
    if arguments.print:
        sys.stdout.write(f"{format_poses(poses)}\n\n{format_actions(actions)}\n")
