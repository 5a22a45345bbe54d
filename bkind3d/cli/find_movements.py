"""``find-movements``: clusters of movement, found without labels."""

import argparse
from pathlib import Path

HELP = "Put windows of keypoints into clusters of like movement, without labels, for looking at."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--config", type=Path, required=True, help="the study's section movements (JSON or YAML)")
    parser.add_argument("--keypoints", nargs="+", required=True, metavar="SESSION=PATH", help="keypoints of each session")
    parser.add_argument("--behaviours", nargs="*", default=[], metavar="SESSION=PATH", help="behaviours, to compare the clusters with")
    parser.add_argument("--output", type=Path, required=True, help="window -> cluster, and the clusters' shares, to write (Parquet)")


def run(arguments: argparse.Namespace) -> None:
    """Read the sessions, cluster their windows, write the table."""
    from bkind3d.cli.named_paths import read_named_paths
    from bkind3d.config import MovementsConfig, read_section
    from bkind3d.data.parquet import write_table
    from bkind3d.evaluation.movements import find_movements

    keypoints, behaviours = (read_named_paths(getattr(arguments, kind), f"--{kind}") for kind in ("keypoints", "behaviours"))
    found = find_movements(keypoints, behaviours, read_section(MovementsConfig, arguments.config))
    write_table(found.windows, "movements", arguments.output, found.summary)
