"""Verbs for recordings: those for boards and calibrations, those that import joints and data sets, and those that lead from videos to frames."""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bkind3d.archives.importers import IMPORTERS, Importer, import_archive
from bkind3d.cli.verbs import KEEP_GOING, VERBS, Verb, argument, at_least, finish_alone, of_sessions, read_named_paths, threads, verb
from bkind3d.config import BoardConfig, CalibrationConfig, FramesConfig, InputError, LocationConfig, SurveyConfig, read_boards, read_section
from bkind3d.data.calibration_formats import CALIBRATION_FORMATS, parse_sizes
from bkind3d.data.crops import View, parse_crop
from bkind3d.geometry.units import METRES, UNITS
from bkind3d.study.sheets import AXES

if TYPE_CHECKING:
    from bkind3d.survey.room import RoomFiles
    from bkind3d.survey.videos import Decode

WRITTEN = [name for name, row in CALIBRATION_FORMATS.items() if row.written]
FILMED = "board video of every camera, synchronised; its files in the order of time with ; between them, where it has several"
CROPS = argument(
    "--crops",
    nargs="+",
    default=[],
    metavar="CAMERA=X,Y,WIDTH,HEIGHT[,flip]",
    help="parts of the videos' pictures that are cameras of their own (mirrors, several in one picture)",
)
#: What all verbs need that look at board videos.
BOARD_VIDEOS = (
    argument("--config", required=True, help="JSON or YAML file with the section 'calibration'"),
    argument("--boards", required=True, help="JSON or YAML file with the boards by name"),
    argument("--board", required=True, help="name of the board in the videos"),
    argument("--units", required=True, choices=UNITS, help="units of the board's squares, and of the world"),
    argument("--videos", nargs="+", required=True, metavar="CAMERA=PATH", help=FILMED),
    CROPS,
    threads(2, "videos that are searched at a time"),
    argument("--quality", required=True, help="Parquet file to write (table 'calibration')"),
)


def _find_board(name: str, path: str) -> BoardConfig:
    """Read a board from a file with the boards by name."""
    boards = read_boards(path)
    if name not in boards:
        raise InputError(path, f"has no board {name!r}, only {', '.join(boards) or 'none'}", "write one of these")
    return boards[name]


def _read_board_videos(arguments: argparse.Namespace) -> tuple[CalibrationConfig, BoardConfig, dict[str, View]]:
    """Read settings, board, and videos by camera."""
    config, board = read_section(CalibrationConfig, arguments.config), _find_board(arguments.board, arguments.boards)
    return config, board, _read_videos(arguments)


def _read_videos(arguments: argparse.Namespace) -> dict[str, View]:
    """The board video of every camera, or its part of one."""
    from bkind3d.data.video import cut_board

    crops = {name: parse_crop(text, f"--crops {name}") for name, text in read_named_paths(arguments.crops, "--crops").items()}
    videos = read_named_paths(arguments.videos, "--videos")
    if strangers := [name for name in crops if name not in videos]:
        raise InputError("--crops", f"{strangers[0]!r} is none of {', '.join(videos)}", "name the camera of a board video")
    return {name: cut_board(View(tuple(map(Path, paths.split(";"))), crops.get(name))) for name, paths in videos.items()}


@verb(
    argument("board", help="name of the board in the settings"),
    argument("--config", default="config/config.yaml", help="the study's settings, or a file with the boards by name"),
    argument("--units", required=True, choices=METRES, help="units of the board's lengths (those of its rig)"),
    argument("--page", default="board", choices=["board", "a4", "a3", "a2", "a1", "a0", "letter"], help="paper; board: as large as needed"),
    argument("--output", required=True, help="PDF to write; a PNG and a YAML of the same name are written beside it"),
)
def board(arguments: argparse.Namespace) -> None:
    """Write a calibration board to print: PDF at true scale with a ruler, PNG, and its settings."""
    from bkind3d.calibration.printing import print_board

    found = _find_board(arguments.board, arguments.config)
    print_board(found, arguments.board, arguments.units, arguments.output, arguments.page)


@verb(
    argument("folder", nargs="?", type=Path, help="holds a board video of every camera; in place of --videos"),
    argument("--pattern", help="where the cameras' names stand in the paths below the folder, such as '{camera}.mp4'; guessed without it"),
    argument(
        "--board", help="the board: squares, side of a square, side of a marker, such as 8x11:24:18.75; with --boards, its name there"
    ),
    argument("--units", default="mm", choices=UNITS, help="units of the board's squares, and of the world"),
    argument("--config", help="JSON or YAML file with the section 'calibration'"),
    argument("--boards", help="JSON or YAML file with the boards by name"),
    argument("--videos", nargs="+", metavar="CAMERA=PATH", help=FILMED),
    CROPS,
    argument(
        "--frame-maps", nargs="+", default=[], metavar="CAMERA=PATH", help="frame maps, where frames of one number are not of one moment"
    ),
    threads(2, "videos that are searched at a time"),
    argument("--quality", help="Parquet file to write (table 'calibration')"),
    argument("--intrinsics", help="calibration (.toml) whose matrices and distortions are kept; only poses are solved"),
    argument("--world-points", help="table of named points (point, camera, column, row, x, y, z) that define the world"),
    argument("--truth", help="true calibration (.toml), to compare with"),
    argument(
        "--apart",
        action="store_true",
        help="each camera saw the board for itself (folders of photographs, or videos that are not in step): intrinsics come from them, "
        "poses from --world-points; without these, the file is for --intrinsics",
    ),
    argument("-o", "--output", required=True, help="calibration to write (.toml)"),
)
def calibrate_cameras(arguments: argparse.Namespace) -> None:
    """Calibrate a rig's cameras from videos of a board, and judge the result on board views that were held out."""
    from bkind3d.calibration.apart import calibrate_apart
    from bkind3d.calibration.calibration import Given, calibrate_cameras
    from bkind3d.start.board_videos import find_board_recording
    from bkind3d.start.boards import read_board

    if (arguments.folder is None) == (arguments.videos is None):
        raise InputError("", "the board videos are not given, or twice", "give their folder, or --videos CAMERA=PATH ...")
    config = read_section(CalibrationConfig, arguments.config) if arguments.config else CalibrationConfig()
    if arguments.folder is not None:
        if arguments.boards:
            raise InputError("--boards", "is for --videos", "write the board itself behind --board")
        if arguments.crops:
            raise InputError("--crops", "is for --videos", "name the same video for every camera: --videos side=board.mp4 bottom=board.mp4")
        found, filmed, said = find_board_recording(arguments.folder, arguments.pattern, arguments.board, arguments.units)
        videos = {camera: View(tuple(map(Path, files))) for camera, files in found.items()}
        sys.stdout.write(said)
        sys.stdout.flush()
    else:
        if arguments.pattern or not arguments.board:
            raise InputError("--videos", "needs --board, and no --pattern", "write the board itself, or its name in the file --boards")
        videos = _read_videos(arguments)
        filmed = _find_board(arguments.board, arguments.boards) if arguments.boards else BoardConfig(**read_board(arguments.board))
    if arguments.apart:
        if arguments.intrinsics or arguments.frame_maps or arguments.quality:
            raise InputError("--apart", "is for pictures of each camera alone", "leave --intrinsics, --frame-maps and --quality out")
        for said in calibrate_apart(config, filmed, videos, arguments.units, arguments.output, arguments.world_points, arguments.threads):
            sys.stdout.write(f"{said}\n")
        return
    given = Given(arguments.intrinsics, arguments.world_points, arguments.truth, read_named_paths(arguments.frame_maps, "--frame-maps"))
    calibrate_cameras(config, filmed, videos, arguments.units, arguments.output, arguments.quality, given, arguments.threads)
    if arguments.folder is not None:
        sys.stdout.write(
            f"Written: {arguments.output}. Its errors, on board views that were held out, are above; use it with init --calibration.\n"
        )


@verb(argument("calibration", help="calibration to judge (.toml)"), *BOARD_VIDEOS)
def check_calibration(arguments: argparse.Namespace) -> None:
    """Judge a given calibration by board videos: copied, moved or exchanged cameras, wrong scale, errors in pixels and at the board."""
    from bkind3d.calibration.calibration import check_calibration

    config, filmed, videos = _read_board_videos(arguments)
    check_calibration(arguments.calibration, config, filmed, videos, arguments.units, arguments.quality, arguments.threads)


@verb(
    argument("file", help="calibration: .toml, .mat, .xml, .qca.txt, .yaml, .json, .pkl, .Pmat.cal or a table (.csv)"),
    argument("--format", choices=CALIBRATION_FORMATS, help="format of the file; guessed from its ending and content without this"),
    argument("--units", required=True, choices=UNITS, help="units of the calibration's world"),
    argument("--cameras", nargs="+", help="cameras that are needed; cam_01 in the file is found as cam01 or cam1, too"),
    argument(
        "--size",
        nargs="+",
        default=[],
        metavar="WxH",
        help="size of the calibrated pictures where the file does not say it: 1280x1024, or cam1=1280x1024 ...",
    ),
    argument("--subject", help="whose cameras to take from Human3.6M's metadata.xml: S1 to S11"),
    argument("--up", default="z", choices=AXES, help="axis of the file's world that points up; it becomes z"),
    argument("-o", "--output", required=True, help="calibration to write (.toml)"),
    argument("--quality", help="Parquet file to write (table 'calibration'), as the workflow wants it"),
)
def import_calibration(arguments: argparse.Namespace) -> None:
    """Read a calibration that another program made, check it, and write it in this project's format (docs/calibration-formats.md)."""
    from bkind3d.calibration.exchange import GivenCalibration, import_calibration

    sizes = parse_sizes(" ".join(arguments.size), "--size")
    given = GivenCalibration(arguments.file, arguments.units, arguments.format, arguments.subject, sizes, arguments.up)
    import_calibration(given, arguments.cameras, arguments.output, arguments.quality)


@verb(
    argument("file", help="calibration (.toml) of this project"),
    argument("--format", choices=WRITTEN, help="format to write; by the output's ending without this"),
    argument("-o", "--output", required=True, help="file to write: .toml (aniposelib), .yaml, .yml, .json or .xml (opencv)"),
)
def export_calibration(arguments: argparse.Namespace) -> None:
    """Write a calibration for other programs: aniposelib's TOML, or OpenCV's FileStorage (YAML, JSON)."""
    from bkind3d.calibration.exchange import export_calibration

    export_calibration(arguments.file, arguments.output, arguments.format)


@verb(
    argument(
        "file",
        help="joints: a table (frame, joint, x, y, z), .trc, or points of anipose, DeepLabCut, sleap-anipose, Label3D; or clicks as .tsv, of bkind3d label",
    ),
    argument("--calibration", type=Path, help="calibration of the rig, by which clicks are triangulated"),
    argument("--surveys", nargs="+", default=[], metavar="CAMERA=PATH", help="survey tables, which say how large the clicked pictures are"),
    argument("--units", required=True, choices=UNITS, help="units of the rig"),
    argument("--axes", default="XYZ", help="which axes of a .trc are the world's x, y, z"),
    argument("--up", default="z", choices=AXES, help="axis of the calibration's world that points up; it becomes z"),
    argument("--rate", type=float, help="frames per second, kept with the table"),
    KEEP_GOING,
    argument("--output", required=True, help="Parquet file to write (table 'joints')"),
)
def import_joints(arguments: argparse.Namespace) -> None:
    """Read a session's joints (Parquet or TRC) and check them, or triangulate the clicks of its labelled frames."""
    from bkind3d.data.joint_files import read_joints
    from bkind3d.data.parquet import write_empty, write_table

    about = {"units": arguments.units, "rate": arguments.rate}

    def run() -> None:
        if arguments.calibration:
            from bkind3d.joints.labels import read_labels

            table = read_labels(Path(arguments.file), arguments.calibration, read_named_paths(arguments.surveys, "--surveys"))
        else:
            table = read_joints(arguments.file, arguments.units, arguments.axes, arguments.up)
        write_table(table, "joints", arguments.output, about)

    def give_up(reason: str) -> None:
        write_empty("joints", arguments.output, about | {"failed": reason})

    finish_alone(arguments.keep_going, arguments.output, run, give_up)


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


#: What both verbs need that survey videos.
_MAPS = argument(
    "--frame-maps",
    nargs="+",
    default=[],
    metavar="CAMERA=PATH",
    help="frame maps of the session's cameras: tables with columns frame (of the session) and video_frame, or video_frame and time_s",
)
_SURVEYED = (
    argument(
        "--beside", nargs="+", default=[], metavar="VIDEO", help="videos of other sessions from the same place: they show the room, too"
    ),
    argument("--start", type=at_least(0), help="first frame of the session, from 0"),
    argument("--stop", type=at_least(1), help="frame after the last one of the session"),
    argument("--rate", type=float, help="frames per second, where the file says another"),
    threads(1, "threads of decoder and picture operations"),
    KEEP_GOING,
)


@verb(
    argument("video", nargs="+", help="video of a static camera; its files in the order of time, where it has several"),
    argument("--config", required=True, help="JSON or YAML file with the section 'survey'"),
    _MAPS,
    argument("--camera", help="which of them is this video's"),
    argument("--mask", help="picture, white where the subject may be and black elsewhere (in front of others, mirrors, screens)"),
    argument("--background", help="picture or video of the empty room"),
    argument(
        "--silhouettes", help="those that another program found: folder of PNG, video of masks, COCO's run lengths (.json), .npz or .npy"
    ),
    argument(
        "--crop",
        default="",
        metavar="X,Y,WIDTH,HEIGHT[,flip]",
        help="part of the video's pictures that is the camera's (a mirror's, one of several in one picture)",
    ),
    *_SURVEYED,
    argument("--output", required=True, help="Parquet file to write (table 'survey')"),
)
def survey_video(arguments: argparse.Namespace) -> None:
    """Find a video's background, the silhouettes of what moves, and faults, frame by frame."""
    from bkind3d.survey.room import RoomFiles

    maps = read_named_paths(arguments.frame_maps, "--frame-maps")
    if maps and arguments.camera not in maps:
        raise InputError("--camera", f"{arguments.camera!r} is none of {', '.join(maps)}", "name the camera whose video this is")
    view = View(tuple(map(Path, arguments.video)), parse_crop(arguments.crop, "--crop"))
    room = RoomFiles(arguments.mask, arguments.beside, arguments.background, arguments.silhouettes)
    _prepare_survey(arguments, arguments.camera, view, room, arguments.output)(None)


@verb(
    argument("video", nargs="+", help="video of a static camera that shows all views; its files in the order of time"),
    argument("--config", required=True, help="JSON or YAML file with the section 'survey'"),
    argument(
        "--views", nargs="+", required=True, metavar="CAMERA=X,Y,WIDTH,HEIGHT[,flip]", help="part of the pictures that is each camera's"
    ),
    _MAPS,
    of_sessions("masks", "pictures, white where the subject may be and black elsewhere", "CAMERA=PATH"),
    of_sessions("backgrounds", "pictures or videos of the empty room", "CAMERA=PATH"),
    of_sessions("silhouettes", "those that another program found", "CAMERA=PATH"),
    *_SURVEYED,
    argument("--outputs", nargs="+", required=True, metavar="CAMERA=PATH", help="Parquet file to write for each camera (table 'survey')"),
)
def survey_views(arguments: argparse.Namespace) -> None:
    """Survey several views in one picture, each as survey-video does; the video is decoded once."""
    from bkind3d.survey.room import RoomFiles
    from bkind3d.survey.videos import survey_views

    views = {name: parse_crop(text, f"--views {name}") for name, text in read_named_paths(arguments.views, "--views").items()}
    given = {key: read_named_paths(getattr(arguments, key), f"--{key}") for key in ("masks", "backgrounds", "silhouettes", "outputs")}
    maps = read_named_paths(arguments.frame_maps, "--frame-maps")
    for key, named in given.items():
        if strangers := [name for name in named if name not in views]:
            raise InputError(f"--{key}", f"{strangers[0]!r} is none of {', '.join(views)}", "name a camera of --views")
    if lacking := [name for name in views if name not in given["outputs"]]:
        raise InputError("--outputs", f"has none for {lacking[0]!r}", "name a file for every camera")
    surveys, files = {}, tuple(map(Path, arguments.video))
    for name, crop in views.items():
        # Where its room, or silhouettes, are given, others show no more of it.
        beside = [] if name in given["backgrounds"] or name in given["silhouettes"] else arguments.beside
        room = RoomFiles(given["masks"].get(name), beside, given["backgrounds"].get(name), given["silhouettes"].get(name))
        surveys[name] = _prepare_survey(arguments, name if name in maps else None, View(files, crop), room, given["outputs"][name])
    survey_views(surveys, arguments.threads)


def _prepare_survey(
    arguments: argparse.Namespace, camera: str | None, view: View, room: "RoomFiles", output: str
) -> "Callable[[Decode | None], None]":
    """What surveys a view, given what decodes its video (nothing: that alone)."""
    from bkind3d.data.frame_maps import FrameMap
    from bkind3d.survey.failures import write_no_survey
    from bkind3d.survey.videos import survey_video

    config, maps = read_section(SurveyConfig, arguments.config), read_named_paths(arguments.frame_maps, "--frame-maps")
    frame_map = FrameMap(maps[camera], camera, maps) if maps and camera else None
    given = {key: getattr(arguments, key) for key in ("start", "stop", "threads", "rate")}

    def run(decode: "Decode | None") -> None:
        survey = partial(survey_video, view, config, output, frame_map, **given, room=room, decode=decode)
        finish_alone(arguments.keep_going, output, survey, partial(write_no_survey, output))

    return run


@verb(
    argument("--config", required=True, help="JSON or YAML file with the section 'location'"),
    argument("--calibration", required=True, help="calibration (.toml) of the rig"),
    argument("--surveys", nargs="+", required=True, metavar="CAMERA=PATH", help="survey table of every camera"),
    argument("--silhouettes", help="Parquet file to write (table 'silhouettes'): those that other views revise; without it, none are"),
    argument("--survey-config", help="JSON or YAML file with the section 'survey', for what is revised (default: its defaults)"),
    KEEP_GOING,
    argument("--output", required=True, help="Parquet file to write (table 'location')"),
)
def locate_subject(arguments: argparse.Namespace) -> None:
    """Find the subject's centre in every frame, and its size, from the silhouettes of all cameras, which revise each other."""
    from bkind3d.survey.failures import write_no_location
    from bkind3d.survey.location import Revision, locate_subject

    config, surveys = read_section(LocationConfig, arguments.config), read_named_paths(arguments.surveys, "--surveys")
    silhouettes = read_section(SurveyConfig, arguments.survey_config) if arguments.survey_config else SurveyConfig()
    revision = Revision(silhouettes, arguments.silhouettes) if arguments.silhouettes else None

    def run() -> None:
        remarks = locate_subject(config, arguments.calibration, surveys, arguments.output, revision)
        # Not into the log: whoever started the workflow should see it before hours are spent.
        sys.stdout.writelines(f"{arguments.output}: {remark}\n" for remark in remarks)

    finish_alone(arguments.keep_going, arguments.output, run, partial(write_no_location, surveys, arguments.output, arguments.silhouettes))


@verb(
    argument("--config", required=True, help="JSON or YAML file with the section 'location'"),
    argument("--locations", nargs="+", required=True, metavar="SESSION=PATH", help="location tables of the sessions that are measured"),
    argument("--output", required=True, help="JSON file to write"),
)
def measure_cube(arguments: argparse.Namespace) -> None:
    """Measure how large a cube the subject needs, one for all sessions of a study."""
    from bkind3d.survey.cube import measure_cube

    config = read_section(LocationConfig, arguments.config)
    remarks = measure_cube(config, read_named_paths(arguments.locations, "--locations"), arguments.output)
    sys.stdout.writelines(f"{arguments.output}: {remark}\n" for remark in remarks)


@verb(
    argument("video", nargs="+", help="video of one camera; its files in the order of time, where it has several"),
    argument("--config", required=True, help="JSON or YAML file with the frameset"),
    argument("--camera", required=True, help="name of the camera in the calibration"),
    argument("--calibration", required=True, help="calibration (.toml) of the rig"),
    argument("--survey", required=True, help="survey table of this video"),
    argument("--location", required=True, help="location table of the session; its name is the session's"),
    argument("--cube", required=True, help="cube of the study (.json)"),
    argument("--silhouettes", help="silhouettes of the session that other views revised"),
    threads(1, "threads of decoder and picture operations"),
    KEEP_GOING,
    argument("--output", required=True, help="Parquet file to write (table 'frames')"),
)
def extract_frames(arguments: argparse.Namespace) -> None:
    """Cut undistorted windows around the subject out of a video, with silhouettes and camera matrices."""
    from bkind3d.survey.failures import write_no_frames
    from bkind3d.survey.frames import FrameSources, extract_frames

    config = read_section(FramesConfig, arguments.config)
    sources = FrameSources(
        arguments.video, arguments.calibration, arguments.survey, arguments.location, arguments.cube, arguments.silhouettes
    )

    def run() -> None:
        extract_frames(sources, arguments.camera, config, arguments.output, arguments.threads)

    give_up = partial(write_no_frames, arguments.location, arguments.camera, config, arguments.output)
    finish_alone(arguments.keep_going, arguments.output, run, give_up)
