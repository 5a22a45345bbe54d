"""The verb ``extract-frames``."""

import argparse

from bkind3d.cli.numbers import at_least

HELP = "Cut undistorted windows around the subject out of a video, with silhouettes and camera matrices."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("video", nargs="+", help="video of one camera; its files in the order of time, where it has several")
    parser.add_argument("--config", required=True, help="JSON or YAML file with the frameset")
    parser.add_argument("--camera", required=True, help="name of the camera in the calibration")
    parser.add_argument("--calibration", required=True, help="calibration (.toml) of the rig")
    parser.add_argument("--survey", required=True, help="survey table of this video")
    parser.add_argument("--location", required=True, help="location table of the session; its name is the session's")
    parser.add_argument("--threads", type=at_least(1), default=1, help="threads of decoder and picture operations")
    parser.add_argument("--output", required=True, help="Parquet file to write (table 'frames')")


def run(arguments: argparse.Namespace) -> None:
    """Extract the frames."""
    from bkind3d.config import FramesConfig, read_section
    from bkind3d.survey.frames import FrameSources, extract_frames

    config = read_section(FramesConfig, arguments.config)
    sources = FrameSources(arguments.video, arguments.calibration, arguments.survey, arguments.location)
    extract_frames(sources, arguments.camera, config, arguments.output, arguments.threads)
