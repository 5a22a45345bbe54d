"""``draw-overlays``: the overlay video of a session."""

import argparse
from pathlib import Path

from bkind3d.cli.numbers import at_least
from bkind3d.cli.write_report import add_study_arguments, open_named_files

HELP = "draw keypoints and skeleton into all views of a session, as one video (MP4)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    add_study_arguments(parser)
    parser.add_argument("--session", required=True, metavar="NAME", help="the session")
    parser.add_argument("--output", type=Path, required=True, metavar="MP4", help="the video, of the first of the experiments")
    parser.add_argument("--threads", type=at_least(1), default=2, help="pictures drawn at once")


def run(arguments: argparse.Namespace) -> None:
    """Draw the video."""
    import cv2

    from bkind3d.report.overlay_videos import write_overlay_video

    cv2.setNumThreads(1)
    files = open_named_files(arguments)
    write_overlay_video(files, arguments.experiments[0], arguments.session, arguments.output, arguments.threads)
