"""Verbs for recordings: those that import joints and data sets, and those that lead from videos to frames."""

import argparse
import sys
from pathlib import Path

from bkind3d.archives.importers import IMPORTERS, Importer, import_archive
from bkind3d.cli.verbs import VERBS, Verb, argument, at_least, read_named_paths, threads, verb
from bkind3d.config import FramesConfig, LocationConfig, SurveyConfig, read_section
from bkind3d.geometry.units import METRES
from bkind3d.study.sheets import AXES


@verb(
    argument("file", help="joints as .parquet (frame, joint, x, y, z) or .trc"),
    argument("--units", required=True, choices=METRES, help="units of the rig"),
    argument("--axes", default="XYZ", help="which axes of a .trc are the world's x, y, z"),
    argument("--up", default="z", choices=AXES, help="axis of the calibration's world that points up; it becomes z"),
    argument("--rate", type=float, help="frames per second, kept with the table"),
    argument("--output", required=True, help="Parquet file to write (table 'joints')"),
)
def import_joints(arguments: argparse.Namespace) -> None:
    """Read a session's joints (Parquet or TRC) and check them."""
    from bkind3d.data.joint_files import read_joints
    from bkind3d.data.parquet import write_table

    table = read_joints(arguments.file, arguments.units, arguments.axes, arguments.up)
    write_table(table, "joints", arguments.output, {"units": arguments.units, "rate": arguments.rate})


def _declare_importer(name: str, row: Importer) -> None:
    """Declare the verb that imports a data set."""

    def run(arguments: argparse.Namespace) -> None:
        import_archive(name, arguments.folder, arguments.output, **{option: getattr(arguments, option) for option in row.options})

    declared = (
        argument("folder", type=Path, help=f"holds {row.holds}; nothing is written there"),
        argument("-o", "--output", type=Path, required=True, metavar="STUDY", help="folder of the study; must not be there yet"),
        *(argument(f"--{option}", **values) for option, values in row.options.items()),
    )
    page = f"docs/how-to/{row.module.rpartition('.')[2]}.md"
    VERBS[f"import-{name}"] = Verb(f"import-{name}", f"Make a study of {row.name}: sheets, calibrations, joints; {page}.", declared, run)


for name, row in IMPORTERS.items():
    _declare_importer(name, row)


@verb(
    argument("video", nargs="+", help="video of a static camera; its files in the order of time, where it has several"),
    argument("--config", required=True, help="JSON or YAML file with the section 'survey'"),
    argument("--frame-map", help="table (.tsv, .csv, .parquet) with columns frame (of the session) and video_frame, from 0"),
    argument("--mask", help="picture, white where the subject may be and black elsewhere (in front of others, mirrors, screens)"),
    argument("--start", type=at_least(0), help="first frame of the session, from 0"),
    argument("--stop", type=at_least(1), help="frame after the last one of the session"),
    threads(1, "threads of decoder and picture operations"),
    argument("--output", required=True, help="Parquet file to write (table 'survey')"),
)
def survey_video(arguments: argparse.Namespace) -> None:
    """Find a video's background, the silhouettes of what moves, and faults, frame by frame."""
    from bkind3d.survey.videos import survey_video

    config = read_section(SurveyConfig, arguments.config)
    given = {key: getattr(arguments, key) for key in ("frame_map", "start", "stop", "threads", "mask")}
    survey_video(arguments.video, config, arguments.output, **given)


@verb(
    argument("--config", required=True, help="JSON or YAML file with the section 'location'"),
    argument("--calibration", required=True, help="calibration (.toml) of the rig"),
    argument("--surveys", nargs="+", required=True, metavar="CAMERA=PATH", help="survey table of every camera"),
    argument("--output", required=True, help="Parquet file to write (table 'location')"),
)
def locate_subject(arguments: argparse.Namespace) -> None:
    """Find the subject's centre in every frame, and its size, from the silhouettes of all cameras."""
    from bkind3d.survey.location import locate_subject

    config = read_section(LocationConfig, arguments.config)
    remarks = locate_subject(config, arguments.calibration, read_named_paths(arguments.surveys, "--surveys"), arguments.output)
    # Not into the log: whoever started the workflow should see it before hours are spent.
    sys.stdout.writelines(f"{arguments.output}: {remark}\n" for remark in remarks)


@verb(
    argument("video", nargs="+", help="video of one camera; its files in the order of time, where it has several"),
    argument("--config", required=True, help="JSON or YAML file with the frameset"),
    argument("--camera", required=True, help="name of the camera in the calibration"),
    argument("--calibration", required=True, help="calibration (.toml) of the rig"),
    argument("--survey", required=True, help="survey table of this video"),
    argument("--location", required=True, help="location table of the session; its name is the session's"),
    threads(1, "threads of decoder and picture operations"),
    argument("--output", required=True, help="Parquet file to write (table 'frames')"),
)
def extract_frames(arguments: argparse.Namespace) -> None:
    """Cut undistorted windows around the subject out of a video, with silhouettes and camera matrices."""
    from bkind3d.survey.frames import FrameSources, extract_frames

    config = read_section(FramesConfig, arguments.config)
    sources = FrameSources(arguments.video, arguments.calibration, arguments.survey, arguments.location)
    extract_frames(sources, arguments.camera, config, arguments.output, arguments.threads)
