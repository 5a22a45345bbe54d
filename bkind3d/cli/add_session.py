"""The verb ``add-session``."""

import argparse
from pathlib import Path

HELP = "Add recordings to a study's sheets. Their keypoints are found with the models that are there; nothing is trained again."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("study", type=Path, help="folder of the study")
    parser.add_argument("folder", type=Path, help="holds the videos of one session or several; read only")
    parser.add_argument(
        "--pattern", help="where the names stand in the videos' paths, such as '{session}/{camera}.mp4'; * for anything else"
    )
    parser.add_argument("--rig", help="the cameras that filmed them: a row of rigs.tsv; found by the cameras' names without it")
    parser.add_argument("--subject", help="who was filmed; every session has a subject of its own without it")


def run(arguments: argparse.Namespace) -> None:
    """Recognise the recordings and add their rows."""
    import sys

    from bkind3d.start.study import add_sessions

    sys.stdout.write(add_sessions(arguments.study, arguments.folder, arguments.pattern, arguments.rig, arguments.subject))
