"""The verb ``survey-video``."""

import argparse

from bkind3d.cli.numbers import at_least

HELP = "Find a video's background, the silhouettes of what moves, and faults, frame by frame."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("video", nargs="+", help="video of a static camera; its files in the order of time, where it has several")
    parser.add_argument("--config", required=True, help="JSON or YAML file with the section 'survey'")
    parser.add_argument("--frame-map", help="table (.tsv, .csv, .parquet) with columns frame (of the session) and video_frame, from 0")
    parser.add_argument("--mask", help="picture, white where the subject may be and black elsewhere (in front of others, mirrors, screens)")
    parser.add_argument("--start", type=at_least(0), help="first frame of the session, from 0")
    parser.add_argument("--stop", type=at_least(1), help="frame after the last one of the session")
    parser.add_argument("--threads", type=at_least(1), default=1, help="threads of decoder and picture operations")
    parser.add_argument("--output", required=True, help="Parquet file to write (table 'survey')")


def run(arguments: argparse.Namespace) -> None:
    """Survey the video."""
    from bkind3d.config import SurveyConfig, read_section
    from bkind3d.survey.videos import survey_video

    config = read_section(SurveyConfig, arguments.config)
    given = {key: getattr(arguments, key) for key in ("frame_map", "start", "stop", "threads", "mask")}
    survey_video(arguments.video, config, arguments.output, **given)
