"""Verbs that begin a study, add to it, examine it, and render recordings for one."""

import argparse
import sys
from pathlib import Path

from bkind3d.cli.verbs import Argument, argument, at_least, verb, workers
from bkind3d.config import SimulationConfig, read_boards, read_section
from bkind3d.geometry.units import UNITS
from bkind3d.simulation.layouts.writing import LAYOUTS, choose_content, write_layout

NAMES = (
    argument(
        "--pattern",
        help="where the names stand in the videos' paths, such as '{session}/{camera}.mp4' or '{camera}_{part}.mp4'; * for anything else",
    ),
    argument(
        "--subject", help="who was filmed: a name, or where it stands in the sessions' names, such as '{subject}_*'; guessed without it"
    ),
)


@verb(
    argument("folder", type=Path, help="holds videos of sessions, and of a calibration board or a calibration file; read only"),
    argument("--study", type=Path, required=True, help="folder of the study; must not be there yet"),
    argument(
        "--units",
        choices=UNITS,
        help="of lengths on the board, or in the calibration (default: as the file says, else mm); arbitrary: it has no scale",
    ),
    *NAMES,
    argument(
        "--views",
        nargs="*",
        metavar="CAMERA=X,Y,WIDTH,HEIGHT[,flip]",
        help="every video shows all cameras (mirrors, several in one picture), each in this part; alone: as a calibration's picture sizes suggest",
    ),
    argument("--calibration", type=Path, help="calibration file of all sessions, of any format"),
    argument(
        "--size",
        nargs="+",
        metavar="WxH",
        help="pictures that were calibrated, where the file does not say it: 1280x1024, or cam1=1280x1024 ...",
    ),
    argument(
        "--board",
        help="the filmed board: squares, side of a square, side of a marker, such as 8x11:24:18.75, and perhaps the dictionary, 8x11:24:18.75:5x5_100",
    ),
    argument("--rate", type=float, help="frames per second, where the videos' files say another"),
)
def init(arguments: argparse.Namespace) -> None:
    """Make a study of a folder of recordings: find out which video is which camera of which session, and write sheets and settings."""
    from bkind3d.start.rigs import Options
    from bkind3d.start.study import Naming, start_study

    options = Options(arguments.units, arguments.calibration, " ".join(arguments.size or []) or None, arguments.board)
    sys.stdout.write(
        start_study(
            arguments.folder, arguments.study, Naming(arguments.pattern, arguments.subject, arguments.views), options, arguments.rate
        )
    )


@verb(
    argument("study", type=Path, help="folder of the study"),
    argument("folder", type=Path, help="holds the videos of one session or several; read only"),
    *NAMES,
    argument("--rig", help="the cameras that filmed them: a row of rigs.tsv; found by the cameras' names without it"),
)
def add_session(arguments: argparse.Namespace) -> None:
    """Add recordings to a study's sheets. Their keypoints are found with the models that are there; nothing is trained again."""
    from bkind3d.start.study import Naming, add_sessions

    sys.stdout.write(add_sessions(arguments.study, arguments.folder, Naming(arguments.pattern, arguments.subject), arguments.rig))


@verb(
    argument("config", type=Path, help="the study's config/config.yaml, or its folder"),
    argument("--sessions", nargs="+", metavar="SESSION", help="examine these sessions only"),
    argument("--full", action="store_true", help="decode every frame, not only 50 per camera"),
    argument("--page", type=Path, help="HTML page to write (default: results/doctor.html of the study)"),
    argument("--checks", type=Path, metavar="JSON", help="file that gets all findings, for the report"),
    argument("--json", action="store_true", help="write the findings as JSON to the standard output, for machines"),
    argument("--keep-going", action="store_true", help="end with exit code 0 whatever was found, and measure no memory"),
)
def doctor(arguments: argparse.Namespace) -> None:
    """Examine a study's recordings before days are spent on them: sheets, videos, calibration, synchronisation; draw what is known."""
    from bkind3d.data.results import write_json
    from bkind3d.doctor.checks import summarise
    from bkind3d.doctor.studies import MASK_PAGE, examine_study, format_checks, name_command

    checks, page = examine_study(arguments.config, arguments.sessions, arguments.full, arguments.page, memory=not arguments.keep_going)
    if arguments.checks:
        write_json(summarise(checks), arguments.checks)
    sys.stdout.write(format_checks(checks, arguments.json))
    failed = [check for check in checks if check.status == "failure"]
    if failed and not arguments.keep_going:
        more = f" (and {len(failed) - 1} more failures)" if len(failed) > 1 else ""
        raise failed[0].to_error(more, f"see {page}" if page else "")
    if not arguments.json:
        masks = page.with_name(MASK_PAGE) if page else ""
        sys.stdout.write(
            f"Pictures of all this: {page}\nWhere the subject can never be is painted over on: {masks}\nNext, see what would be computed:\n  {name_command(arguments.config)} -n\n"
        )


@verb(
    argument("study", type=Path, help="folder of the study"),
    argument(
        "arguments",
        nargs=argparse.REMAINDER,
        metavar="...",
        help="anything for snakemake, such as -n, --profile slurm, or a file of results",
    ),
)
def run(arguments: argparse.Namespace) -> None:
    """Run a study from any folder: snakemake with the workflow of this package; whatever follows the study is snakemake's."""
    from bkind3d.cluster.runs import run_study

    run_study(arguments.study, arguments.arguments)


@verb(
    argument("study", type=Path, help="folder of the demo's study; made where it is not there, and gone on with where it is"),
    argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="anything for snakemake, such as -n or --cores 1"),
)
def demo(arguments: argparse.Namespace) -> None:
    """See it work: render six rats in front of four cameras, learn their keypoints, and write the report that you would get."""
    from bkind3d.cluster.runs import run_study, start_demo

    start_demo(arguments.study)
    run_study(arguments.study, arguments.arguments)


@verb(
    argument("study", type=Path, help="folder of the study"),
    argument(
        "--frames", type=at_least(1), default=30, help="frames to label; those that were chosen before stay, a larger number adds some"
    ),
    argument("--seed", type=at_least(0), default=0, help="the same seed chooses the same frames"),
    argument("--port", type=at_least(0), default=0, help="of the page on this machine; any free one without it"),
    argument("--no-browser", action="store_true", help="only say the page's address"),
    argument("--export", choices=["deeplabcut", "sleap"], help="write the labels for another program, and open no page"),
    argument("--output", type=Path, help="folder to write with --export (default: results/exports/labels of the study)"),
)
def label(arguments: argparse.Namespace) -> None:
    """Label joints in a few frames of a study, in the browser: `fit-joints` then finds them in all sessions."""
    from bkind3d.labelling.starting import export_labels, label_study

    if arguments.export:
        sys.stdout.write(export_labels(arguments.study, arguments.export, arguments.output))
    else:
        label_study(arguments.study, arguments.frames, arguments.seed, arguments.port, not arguments.no_browser, sys.stdout)


@verb(
    argument("--layout", required=True, choices=LAYOUTS, help="whose files: h36m is Human3.6M"),
    argument("-o", "--output", type=Path, required=True, help="folder to write; must not be there yet"),
    argument("--subjects", nargs="+", metavar="S", help="subjects, such as rat1 rat2, S1 S5 S9, or s1 s5 (default: all that there are)"),
    argument("--actions", nargs="+", metavar="A", help="h36m: actions, such as Walking Greeting (default: all fifteen); two takes each"),
    argument("--frames", type=at_least(1), default=40, help="frames of each take (h36m, 50 per second) or session (30 per second)"),
    argument("--size", type=at_least(1), default=256, help="width of the pictures, even; they are square (h36m) or 5:4"),
    argument(
        "--chunk", type=at_least(1), metavar="FRAMES", help="rat7m: frames of each file of a video (default: 3500, as in the data set)"
    ),
    workers("processes; each films whole subjects or sessions"),
)
def simulate(arguments: argparse.Namespace) -> None:
    """Render recordings to try things with: rats as a laboratory films them, or a stand-in that has the layout of a published data set."""
    asked = (arguments.subjects, arguments.actions, arguments.frames, arguments.size, arguments.chunk)
    write_layout(arguments.layout, choose_content(arguments.layout, *asked), arguments.output, arguments.workers)


def _list_common(recordings: str, truth: str) -> tuple[Argument, ...]:
    """What the verbs below have in common; `recordings` and `truth` are the files that they write."""
    return (
        argument("--config", type=Path, required=True, help="section `simulation` of the configuration (JSON or YAML)"),
        argument("--recordings", type=Path, required=True, help=f"folder that gets {recordings}"),
        argument("--truth", type=Path, required=True, help=f"folder that gets {truth}"),
        workers("processes; each films its share of the cameras"),
    )


@verb(
    argument("--boards", type=Path, required=True, help="section `boards` of the configuration (JSON or YAML)"),
    argument("--rig", required=True, help="a key of simulation.rigs"),
    *_list_common("RIG_board/CAMERA.mp4", "RIG/calibration.toml"),
)
def simulate_board(arguments: argparse.Namespace) -> None:
    """Render the calibration videos of a simulated rig: a board moved in front of its cameras."""
    from bkind3d.simulation.sessions import simulate_board

    config, boards = read_section(SimulationConfig, arguments.config), read_boards(arguments.boards)
    simulate_board(config, boards, arguments.rig, arguments.recordings, arguments.truth, arguments.workers)


@verb(
    argument("--session", required=True, help="a key of simulation.sessions"),
    *_list_common("SESSION/CAMERA.mp4", "SESSION/{joints,behaviours,silhouettes,poses}.parquet"),
)
def simulate_session(arguments: argparse.Namespace) -> None:
    """Render the videos of a simulated session, and write its truth beside them."""
    from bkind3d.simulation.sessions import simulate_session

    config = read_section(SimulationConfig, arguments.config)
    simulate_session(config, arguments.session, arguments.recordings, arguments.truth, arguments.workers)
