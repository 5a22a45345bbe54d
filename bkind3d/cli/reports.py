"""Verbs that show and hand out what was found: figures, videos, the report, the paper's tables, exports."""

import argparse
import sys
from pathlib import Path

from bkind3d.cli.verbs import STUDY, argument, at_least, choose_names, threads, verb
from bkind3d.config import EXPORT_FORMATS, PaperTableConfig, read_section
from bkind3d.study.layout import Layout
from bkind3d.study.opening import open_study

EXPERIMENTS = argument("--experiments", nargs="+", metavar="NAME", help="experiments (default: all)")
EXPERIMENT = argument("--experiment", required=True, metavar="NAME", help="whose keypoints")


@verb(
    STUDY,
    EXPERIMENTS,
    argument("--output", type=Path, required=True, metavar="FOLDER", help="folder of the figures, EXPERIMENT.NAME.svg and .png"),
)
def plot_figures(arguments: argparse.Namespace) -> None:
    """plot the figures of each experiment (SVG and PNG): pose errors, learning curves, confusion matrix, overlays"""
    from bkind3d.report.figures import write_figures

    study = open_study(arguments.study)
    for experiment in choose_names(arguments.experiments, study.config.experiments, "--experiments"):
        write_figures(study, experiment, arguments.output)


@verb(
    STUDY,
    EXPERIMENT,
    argument("--session", required=True, metavar="NAME", help="the session"),
    argument("--output", type=Path, required=True, metavar="MP4", help="the video"),
    argument("--joints", action="store_true", help="draw the joints that were found, not the keypoints"),
    threads(2, "pictures drawn at once"),
)
def draw_overlays(arguments: argparse.Namespace) -> None:
    """draw keypoints and skeleton into all views of a session, as one video (MP4)"""
    import cv2

    from bkind3d.report.overlay_videos import write_overlay_video

    cv2.setNumThreads(1)
    study = open_study(arguments.study)
    (experiment,) = choose_names([arguments.experiment], study.config.experiments, "--experiment")
    (session,) = choose_names([arguments.session], study.sessions, "--session")
    write_overlay_video(study, experiment, session, arguments.output, arguments.threads, "joints" if arguments.joints else "keypoints")


@verb(STUDY, EXPERIMENT, argument("--output", type=Path, required=True, metavar="FOLDER", help="folder of the sheets"))
def draw_contact_sheets(arguments: argparse.Namespace) -> None:
    """draw a contact sheet per keypoint: what it lies on, in many frames and all views"""
    from bkind3d.report.contact_sheets import write_contact_sheets

    study = open_study(arguments.study)
    (experiment,) = choose_names([arguments.experiment], study.config.experiments, "--experiment")
    write_contact_sheets(study, experiment, arguments.output)


@verb(
    argument("table", type=Path, help="results/tables/pose.csv, results/tables/actions.csv, or a table of results/paper"),
    argument("--row", type=at_least(1), required=True, metavar="N", help="row of the table, from 1; the header does not count"),
)
def explain(arguments: argparse.Namespace) -> None:
    """Print the files, settings, seeds, versions and hashes behind a row of a table, such as results/tables/pose.csv --row 1."""
    from bkind3d.report.explanation import explain_row

    sys.stdout.write(explain_row(arguments.table, arguments.row) + "\n")


@verb(
    argument("--config", type=Path, required=True, metavar="JSON", help="the table's section of `paper`"),
    argument("--name", required=True, help="name of the table: of its files, and of its label in LaTeX"),
    argument("--results", type=Path, default=Path("results"), metavar="FOLDER", help="the study's results"),
    argument("--output", type=Path, required=True, metavar="FOLDER", help="folder of NAME.csv, .md, .tex, .bars.svg and .bars.png"),
)
def make_paper_table(arguments: argparse.Namespace) -> None:
    """Make a table of the paper (CSV, Markdown, LaTeX) and its bar chart: measured rows with their files, published ones with their sources."""
    from bkind3d.evaluation.comparison import compare_experiments
    from bkind3d.report.paper_figures import write_bars
    from bkind3d.report.paper_tables import collect_table, write_table_files

    settings, results = read_section(PaperTableConfig, arguments.config), Layout(arguments.results)
    differences = compare_experiments(results, list(settings.rows)) if settings.measure == "pose" else {}
    table = collect_table(settings, results, differences)
    write_table_files(settings, table, arguments.name, arguments.output)
    write_bars(settings, table, arguments.name, arguments.output)


@verb(
    argument("--table", type=Path, required=True, metavar="JSON", help="the table's section of `paper`"),
    STUDY,
    argument("--sessions", nargs="+", metavar="NAME", help="sessions that are shown (default: three unseen ones)"),
    argument("--output", type=Path, required=True, metavar="PNG", help="the picture"),
)
def plot_paper_grid(arguments: argparse.Namespace) -> None:
    """Draw the keypoints of several experiments into the same pictures, beside the true joints (the grid of a paper's table)."""
    from bkind3d.report.paper_figures import write_grid

    study = open_study(arguments.study)
    shown = choose_names(arguments.sessions or study.list_grid_sessions(), study.sessions, "--sessions")
    write_grid(read_section(PaperTableConfig, arguments.table), study, shown, arguments.output)


@verb(
    STUDY,
    argument("--session", metavar="NAME", help="write the page of this session instead of the report"),
    argument("--output", type=Path, required=True, metavar="HTML", help="the file to write"),
)
def write_report(arguments: argparse.Namespace) -> None:
    """write the report of the study, or the page of one session (--session), as one HTML file that opens offline"""
    from bkind3d.evaluation.doubts import measure_doubts
    from bkind3d.evaluation.health import examine_sessions
    from bkind3d.report.pages import write_report, write_session_page

    study = open_study(arguments.study)
    if arguments.session:
        write_session_page(study, arguments.session, arguments.output, examine_sessions, measure_doubts)
    else:
        write_report(study, arguments.output, examine_sessions, measure_doubts)


@verb(
    argument("formats", nargs="+", choices=list(EXPORT_FORMATS), metavar="FORMAT", help=f"any of {', '.join(EXPORT_FORMATS)}"),
    STUDY,
    EXPERIMENTS,
    argument("--sessions", nargs="+", metavar="NAME", help="sessions (default: all)"),
    argument("--joints", action="store_true", help="write the joints that were found from labelled frames, not the keypoints"),
    argument(
        "--output", type=Path, metavar="FOLDER", help="where to write EXPERIMENT/FORMAT/SESSION (default: the study's results/exports)"
    ),
)
def export(arguments: argparse.Namespace) -> None:
    """write keypoints (or joints), skeleton and cameras in the formats of other tools"""
    from bkind3d.export.formats import export_sessions

    study = open_study(arguments.study)
    experiments = choose_names(arguments.experiments, study.config.experiments, "--experiments")
    sessions = choose_names(arguments.sessions, study.sessions, "--sessions")
    folder = arguments.output or study.results.exports()
    export_sessions(study, experiments, arguments.formats, sessions, folder, "joints" if arguments.joints else "keypoints")
