"""``draw-overlays``: the overlay video of a session."""

import argparse
from pathlib import Path

from bkind3d.cli.named_paths import add_study, choose_names
from bkind3d.cli.numbers import at_least

HELP = "draw keypoints and skeleton into all views of a session, as one video (MP4)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    add_study(parser)
    parser.add_argument("--experiment", required=True, metavar="NAME", help="whose keypoints")
    parser.add_argument("--session", required=True, metavar="NAME", help="the session")
    parser.add_argument("--output", type=Path, required=True, metavar="MP4", help="the video")
    parser.add_argument("--threads", type=at_least(1), default=2, help="pictures drawn at once")


def run(arguments: argparse.Namespace) -> None:
    """Draw the video."""
    import cv2

    from bkind3d.report.overlay_videos import write_overlay_video
    from bkind3d.study.opening import open_study

    cv2.setNumThreads(1)
    study = open_study(arguments.study)
    (experiment,) = choose_names([arguments.experiment], study.config.experiments, "--experiment")
    (session,) = choose_names([arguments.session], study.sessions, "--session")
    write_overlay_video(study, experiment, session, arguments.output, arguments.threads)
